package main

import (
	"context"
	"fmt"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// days are the cases in which the requests of a day are used up after a span,
// and new some seconds later.
func days() section {
	s := section{
		name: "day", title: "The requests of a day are used up: 50 requests a second, four processes",
		head: []string{"the day begins anew", "refused when it closes", "probes, of which at once", "most in 100 ms on opening", "used in the 10 s after the first answer", "rows that were asked"},
	}
	s.add("in-time", func(ctx context.Context, l *lab) ([][]string, error) { return l.day(ctx, "when it was told", 0) })
	s.add("late", func(ctx context.Context, l *lab) ([][]string, error) {
		return l.day(ctx, "a minute later than told", time.Minute)
	})
	return s
}

// day lets the requests of a day end and begin anew, so much later than the
// fleet was told.
func (l *lab) day(ctx context.Context, name string, late time.Duration) ([][]string, error) {
	const workers, after = 4, 10 * time.Second
	daily := int(rate * l.span.Seconds())
	whole := daily * 10 / 3
	reset := time.Now().UTC().Add(l.span + 20*time.Second).Truncate(time.Minute).Add(time.Minute)
	clock := func(t time.Time) string { return t.Format("15:04") + " UTC" }
	account := sim.Account{
		Provider: "attestr", Reset: clock(reset.Add(late)),
		Endpoints: map[string]sim.Limits{"submit": {Rate: rate, Burst: burst, Daily: daily}},
	}
	s, err := l.open(ctx, account, way{least: 50 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	defer s.close()
	err = s.plateq(ctx, workers, fmt.Sprint(rate), whole, settings{"DAILY_RESET": clock(reset), "DAILY_PROBE": "5s"})
	if err != nil {
		return nil, err
	}
	opens := reset.Add(late)
	if err := rest(ctx, time.Until(opens.Add(-time.Second))); err != nil {
		return nil, err
	}
	next := account
	next.Endpoints = map[string]sim.Limits{"submit": {Rate: rate, Burst: burst, Daily: whole}}
	if err := s.up.limit(next); err != nil { // the rest of the list fits into one day
		return nil, err
	}
	left := time.Duration(float64(whole-daily)/rate*float64(time.Second)) + 15*time.Second
	if err := rest(ctx, time.Until(opens.Add(left))); err != nil {
		return nil, err
	}
	all := s.up.record.log()
	tell := all.start()
	closing, probes := all.between(0, reset.Sub(tell)-500*time.Millisecond), all.between(reset.Sub(tell)-500*time.Millisecond, opens.Sub(tell))
	opened := all.between(opens.Sub(tell), 24*time.Hour)
	if len(opened) == 0 {
		return nil, fmt.Errorf("nothing was asked after the day had begun anew")
	}
	n, at := 0, time.Duration(0)
	for _, q := range opened { // the first that is answered opens the gate
		n++
		if !q.refused {
			at = q.counted.Sub(tell)
			break
		}
	}
	probes = append(probes, opened[:n]...)
	return [][]string{{
		name, fmt.Sprint(closing.refused()), fmt.Sprintf("%d, %d", len(probes), probes.overlap()),
		fmt.Sprint(all.between(at, at+after).peak(100 * time.Millisecond)), percent(all.between(at, at+after).used(rate, after)),
		fmt.Sprintf("%d of %d", len(all)-all.refused(), whole),
	}}, nil
}
