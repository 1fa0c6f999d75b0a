package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/plateq/plateq/bench/rig"
)

// The store that has grown: so many rows before, in lists of such a length,
// and the list that is then done at it and at an empty one.
const (
	grownRows  = 5_000_000
	grownLists = 500_000
	grownTask  = 50_000
)

// growth measures what a list costs where the store holds much already, beside
// an empty one.
func (b *bench) growth(ctx context.Context) (all results, err error) {
	const name = "growth"
	if !b.only.MatchString(name + "/") {
		return results{}, nil
	}
	r := &run{task: task{rows: b.size(grownLists), atOnce: atOnce, batch: batchSize}}
	if r.dir, err = os.MkdirTemp(b.dir, "grown-"); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	if r.up, err = b.startStandIn(ctx, r.dir, r.task); err != nil {
		return nil, err
	}
	defer r.up.end()
	around, err := b.prepare(ctx, r.dir, []string{needsPostgres, needsRedis})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, around.close()) }()
	fleet, err := b.fleet(ctx, r, around, rig.Service(1))
	if err != nil {
		return nil, err
	}
	defer fleet.End()
	begun := time.Now()
	for r.from < b.size(grownRows) {
		if err := r.grow(ctx, fleet); err != nil {
			return nil, fmt.Errorf("fill the store: %w", err)
		}
		r.from += r.rows
		fmt.Fprintf(os.Stderr, "%s %s: %d rows after %s\n", time.Now().Format(time.TimeOnly), name, r.from, time.Since(begun).Round(time.Second))
	}
	c := contest{name: name, task: task{rows: b.size(grownTask), atOnce: atOnce, batch: 1}}
	grown := contender{name: "grown", part: 1,
		run: func(ctx context.Context, b *bench, one *run) error {
			one.from, r.from = r.from, r.from+one.rows
			if err := writeList(one.list, one.from, one.rows); err != nil {
				return err
			}
			return one.plateq(ctx, fleet, around)
		}}
	empty := service()
	empty.name = "empty"
	c.contenders = []contender{empty, grown}
	return b.hold(ctx, c)
}

// grow does one list, whose results nobody fetches.
func (r *run) grow(ctx context.Context, fleet *rig.Fleet) error {
	r.list = filepath.Join(r.dir, "list.csv")
	if err := writeList(r.list, r.from, r.rows); err != nil {
		return err
	}
	batch, err := r.submit(ctx, fleet.API)
	if err != nil {
		return err
	}
	return r.await(ctx, fleet.API, batch.ID)
}
