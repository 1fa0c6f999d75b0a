package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/plateq/plateq/bench/rig"
)

// bench is what all cases are run in.
type bench struct {
	plateq   string // the program that is measured
	self     string // this program
	dir      string
	rounds   int
	quick    bool
	note     string // of the page: what is to be known of the run
	only     *regexp.Regexp
	postgres *rig.Postgres // keeps its promises about the disk
}

func newBench(plateq string, rounds int, quick bool, only *regexp.Regexp) (_ *bench, err error) {
	b := &bench{rounds: max(1, rounds), quick: quick, only: only}
	if b.plateq, err = filepath.Abs(plateq); err == nil {
		_, err = os.Stat(b.plateq)
	}
	if err != nil {
		return nil, fmt.Errorf("find plateq: %w: build it, or name it with -plateq", err)
	}
	if b.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if b.dir, err = os.MkdirTemp("", "plateq-bench-"); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	if b.postgres, err = rig.StartPostgres(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.dir))
	}
	return b, nil
}

// close removes everything, but for logs that are to be read.
func (b *bench) close(keep bool) {
	if err := b.postgres.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if keep {
		fmt.Fprintln(os.Stderr, "the logs are in", b.dir)
		return
	}
	if err := os.RemoveAll(b.dir); err != nil {
		fmt.Fprintln(os.Stderr, "remove logs:", err)
	}
}

// size is how long a list is: n, or a small part of it where all is to be quick.
func (b *bench) size(n int) int {
	if b.quick {
		return max(n/20, 1000)
	}
	return n
}

// task is the work of one run.
type task struct {
	rows   int
	from   int           // number of the first plate
	atOnce int           // calls in flight
	delay  time.Duration // of an answer
	batch  int           // plates of a submit; 1: each is looked up by itself
	// intakeOnly: the list is taken in, and nobody is asked.
	intakeOnly bool
}

// contender is one of those that do the same work.
type contender struct {
	name, title string
	// part is how much of the list it is given: one that takes long to do it
	// all does a part.
	part float64
	run  func(context.Context, *bench, *run) error
}

// run is one run of a contender.
type run struct {
	task
	dir, list, out string // folder, the list as CSV, the results as CSV
	up             *standIn
	result
}

// measure lets a contender do the work once.
func (b *bench) measure(ctx context.Context, c contender, t task) (_ result, err error) {
	r := &run{task: t}
	r.rows = max(int(c.part*float64(t.rows)), 1)
	if r.dir, err = os.MkdirTemp(b.dir, c.name+"-"); err != nil {
		return r.result, fmt.Errorf("make a folder: %w", err)
	}
	r.list, r.out = filepath.Join(r.dir, "list.csv"), filepath.Join(r.dir, "results.csv")
	if err := writeList(r.list, t.from, r.rows); err != nil {
		return r.result, err
	}
	// Nobody pays for what the one before has left to be written.
	if err := b.postgres.Exec(ctx, "CHECKPOINT"); err != nil {
		return r.result, err
	}
	if r.up, err = b.startStandIn(ctx, r.dir, t); err != nil {
		return r.result, err
	}
	defer r.up.end()
	before, err := r.up.Usage()
	if err != nil {
		return r.result, err
	}
	if err := c.run(ctx, b, r); err != nil {
		return r.result, fmt.Errorf("%s: %w", c.name, err)
	}
	after, err := r.up.Usage()
	if err != nil {
		return r.result, err
	}
	r.done, r.cpu.standIn = r.rows, after.CPU-before.CPU
	return r.result, errors.Join(os.Remove(r.list), removeIfThere(r.out))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove results: %w", err)
	}
	return nil
}
