package main

import (
	"context"
	"strconv"
	"time"

	"github.com/plateq/plateq/bench/rig"
)

// outages are the cases in which something befalls Redis, a third of the span
// after the start.
func outages() section {
	s := section{
		name: "redis", title: "Redis fails: the rate is told, four processes",
		head: []string{"what happens", "who asks", "used before", "used while Redis is away", "used in the 10 s after", "of all requests answered 429"},
	}
	for _, o := range []outage{
		{name: "frozen", what: "frozen for 5 s", away: 5 * time.Second, begin: (*rig.Redis).Freeze, end: (*rig.Redis).Thaw},
		{name: "emptied", what: "killed, and back empty at once", begin: (*rig.Redis).Crash, end: (*rig.Redis).Run},
		{name: "away", what: "killed, back empty after 30 s", away: 30 * time.Second, begin: (*rig.Redis).Crash, end: (*rig.Redis).Run},
	} {
		s.add("plateq-"+o.name, func(ctx context.Context, l *lab) ([][]string, error) { return l.outage(ctx, o, "Plateq") })
		s.add("limiter-"+o.name, func(ctx context.Context, l *lab) ([][]string, error) { return l.outage(ctx, o, "the limiter alone") })
	}
	return s
}

// outage is what befalls Redis, and for how long.
type outage struct {
	name, what string
	away       time.Duration
	begin, end func(*rig.Redis) error
}

func (l *lab) outage(ctx context.Context, o outage, who string) ([][]string, error) {
	const workers, after = 4, 10 * time.Second
	s, err := l.open(ctx, bucket(burst), way{})
	if err != nil {
		return nil, err
	}
	defer s.close()
	before := l.span / 3
	whole := before + o.away + max(before, after)
	if who == "Plateq" {
		err = s.plateq(ctx, workers, strconv.Itoa(rate), rows(rate, whole), nil)
	} else {
		err = s.asPeers("limiter", workers)
	}
	if err == nil {
		err = s.until(ctx, before)
	}
	if err != nil {
		return nil, err
	}
	if err := o.begin(s.redis); err != nil {
		return nil, err
	}
	if err := s.until(ctx, before+o.away); err != nil {
		return nil, err
	}
	if err := o.end(s.redis); err != nil {
		return nil, err
	}
	if err := s.until(ctx, whole); err != nil {
		return nil, err
	}
	all := s.up.record.log()
	used := func(from, for_ time.Duration) string {
		if for_ == 0 {
			return "–"
		}
		return percent(all.between(from, from+for_).used(rate, for_))
	}
	return [][]string{{
		o.what, who, used(0, before), used(before, o.away), used(before+o.away, after), refusals(all.between(0, whole)),
	}}, nil
}
