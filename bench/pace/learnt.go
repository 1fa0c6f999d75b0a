package main

import (
	"context"
	"fmt"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// learnt are the cases in which nobody tells the rate.
func learnt() section {
	s := section{
		name: "learnt", title: "The rate is found out: 50 requests a second",
		head: []string{"the provider counts", "who asks", "first span: used", "refused", "the next span: used", "refused"},
	}
	fixed := bucket(burst)
	fixed.Limits.Fixed = true
	for _, c := range []struct {
		name, counts string
		account      sim.Account
		way          way
		workers      int
	}{
		{"bucket-1", "a bucket of 50", bucket(burst), way{}, 1},
		{"bucket-4", "a bucket of 50", bucket(burst), way{}, 4},
		{"far-4", "a bucket of 50, 100 ms and more away, 2 % a second late", bucket(burst), far(), 4},
		{"fixed-4", "windows of a second", fixed, way{}, 4},
		{"small-4", "a bucket of 5", bucket(5), way{}, 4},
	} {
		s.add(c.name, func(ctx context.Context, l *lab) ([][]string, error) {
			p, err := l.learn(ctx, c.account, c.way, c.workers, 2*l.span, nil)
			if err != nil {
				return nil, err
			}
			first, then := p.between(0, l.span), p.between(l.span, 2*l.span)
			return [][]string{{
				c.counts, processes(c.workers),
				percent(first.used(rate, l.span)), refusals(first), percent(then.used(rate, l.span)), refusals(then),
			}}, nil
		})
	}
	return s
}

// turn is another limit from a time on.
type turn struct {
	at   time.Duration
	rate float64
}

// learn lets a fleet find the rate out, while it turns, and returns what the
// stand-in has seen.
func (l *lab) learn(ctx context.Context, a sim.Account, w way, workers int, whole time.Duration, turns []turn) (log, error) {
	s, err := l.open(ctx, a, w)
	if err != nil {
		return nil, err
	}
	defer s.close()
	most := a.Limits.Rate
	for _, t := range turns {
		most = max(most, t.rate)
	}
	if err := s.plateq(ctx, workers, "learn", rows(most, whole), nil); err != nil {
		return nil, err
	}
	for _, t := range turns {
		if err := s.until(ctx, t.at); err != nil {
			return nil, err
		}
		a.Limits.Rate = t.rate
		if err := s.up.limit(a); err != nil {
			return nil, err
		}
	}
	if err := s.until(ctx, whole); err != nil {
		return nil, err
	}
	return s.up.record.log().between(0, whole), nil
}

// changes is the case in which the limit falls and rises.
func changes() section {
	s := section{
		name: "changes", title: "The rate is found out, and changes: 50, then 20, then 80 requests a second",
		head: []string{"who asks", "seconds", "the limit", "of it used", "refused"},
	}
	for _, workers := range []int{1, 4} {
		s.add(fmt.Sprintf("bucket-%d", workers), func(ctx context.Context, l *lab) ([][]string, error) {
			const falls, rises, end = 7, 13, 20 // sixths of the span
			part := l.span / 6
			all, err := l.learn(ctx, bucket(burst), way{}, workers, end*part, []turn{{falls * part, 20}, {rises * part, 80}})
			if err != nil {
				return nil, err
			}
			var table [][]string
			row := func(from, to time.Duration, limit float64) {
				one := all.between(from*part, to*part)
				table = append(table, []string{
					processes(workers), fmt.Sprintf("%.0f to %.0f", (from * part).Seconds(), (to * part).Seconds()),
					fmt.Sprintf("%.0f", limit), percent(one.used(limit, (to-from)*part)), refusals(one),
				})
			}
			row(0, 6, rate)
			row(6, falls, rate)
			row(falls, falls+1, 20)
			row(falls+1, rises, 20)
			row(rises, rises+1, 80)
			row(rises+1, rises+3, 80)
			row(rises+3, end, 80)
			return table, nil
		})
	}
	return s
}
