package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
)

// told are the cases in which the rate is known, beside asynq as it is.
func told() section {
	s := section{
		name: "told", title: "The rate is told: 50 requests a second, burst 50",
		head: []string{"who asks", "network", "of the limit used", "of requests answered 429", "commands to Redis for it, a request"},
	}
	for _, who := range []string{"plateq", "limiter"} {
		for _, n := range []int{1, 4} {
			s.add(fmt.Sprintf("%s-%d", who, n), func(ctx context.Context, l *lab) ([][]string, error) { return l.told(ctx, who, n, "near", way{}) })
			s.add(fmt.Sprintf("%s-far-%d", who, n), func(ctx context.Context, l *lab) ([][]string, error) { return l.told(ctx, who, n, "far", far()) })
		}
	}
	for _, n := range []int{1, 4} {
		s.add("asynq-"+strconv.Itoa(n), func(ctx context.Context, l *lab) ([][]string, error) { return l.asynq(ctx, n) })
	}
	return s
}

func (l *lab) told(ctx context.Context, who string, workers int, network string, w way) ([][]string, error) {
	s, err := l.open(ctx, bucket(burst), w)
	if err != nil {
		return nil, err
	}
	defer s.close()
	watching, stop := context.WithCancel(ctx)
	defer stop()
	commands, err := watch(watching, s.redis)
	if err != nil {
		return nil, err
	}
	title := "Plateq, "
	if who == "plateq" {
		err = s.plateq(ctx, workers, strconv.Itoa(rate), rows(rate, l.span), nil)
	} else {
		title, err = "the limiter alone, ", s.asPeers("limiter", workers)
	}
	if err != nil {
		return nil, err
	}
	if err := s.until(ctx, l.span); err != nil {
		return nil, err
	}
	return [][]string{s.toldRow(title+processes(workers), network, commands)}, nil
}

// toldRow is what the stand-in has seen within the span.
func (s *scene) toldRow(who, network string, commands *atomic.Int64) []string {
	all, spent := s.up.record.log().between(0, s.span), "–"
	if commands != nil {
		spent = fmt.Sprintf("%.3f", float64(commands.Load())/float64(len(all)))
	}
	return []string{who, network, percent(all.used(rate, s.span)), refusals(all), spent}
}

// asynq is the same work as tasks of asynq, with nothing but its defaults.
func (l *lab) asynq(ctx context.Context, n int) ([][]string, error) {
	s, err := l.open(ctx, bucket(burst), way{})
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := enqueue(ctx, s.redis, rows(rate, l.span)); err != nil {
		return nil, err
	}
	if err := s.asPeers("asynq", n); err != nil {
		return nil, err
	}
	if err := s.until(ctx, l.span); err != nil {
		return nil, err
	}
	return [][]string{s.toldRow("asynq, default retry, "+processes(n), "near", nil)}, nil
}
