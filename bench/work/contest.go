package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// contest is contenders that do the same work, in turn.
type contest struct {
	name string // as -run finds it: name/contender
	task
	contenders []contender
}

// results are those of a contest, by contender.
type results map[string][]result

// hold runs the contenders that match one after the other, and that so many
// times.
func (b *bench) hold(ctx context.Context, c contest) (results, error) {
	all := results{}
	for round := range b.rounds {
		for _, one := range c.contenders {
			if !b.only.MatchString(c.name + "/" + one.name) {
				continue
			}
			got, err := b.measure(ctx, one, c.task)
			if err != nil {
				return all, fmt.Errorf("%s: %w", c.name, err)
			}
			all[one.name] = append(all[one.name], got)
			fmt.Fprintf(os.Stderr, "%s %s/%s, round %d: %s\n", time.Now().Format(time.TimeOnly), c.name, one.name, round+1, got)
		}
	}
	return all, nil
}

// String is for people who watch.
func (r result) String() string {
	s := fmt.Sprintf("%d rows in %.2fs, %.0f/s; CPU own %.2fs, Redis %.2fs, PostgreSQL %.2fs, stand-in %.2fs; %d MB",
		r.done, r.took.Seconds(), r.rate(), r.cpu.own.Seconds(), r.cpu.redis.Seconds(), r.cpu.postgres.Seconds(), r.cpu.standIn.Seconds(), r.peak>>20)
	if r.intake > 0 {
		s += fmt.Sprintf(" (intake %.2fs, asked %.2fs, export %.2fs)", r.intake.Seconds(), r.asked.Seconds(), r.export.Seconds())
	}
	return s
}
