package main

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

// loop looks a list up as one does by hand: so many goroutines ask, one writes
// what they bring. Nothing is written before it is asked, so that a crash
// pays for everything that was on its way again.
func (r role) loop(ctx context.Context) error {
	into, err := r.openSink(ctx)
	if err != nil {
		return err
	}
	defer into.close()
	type question struct {
		seq   int
		plate string
	}
	questions, answers := make(chan question, r.AtOnce), make(chan answered, r.AtOnce)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(questions)
		return readList(r.List, func(seq int, plate string) error {
			select {
			case questions <- question{seq, plate}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	g.Go(func() error {
		defer close(answers)
		ask := newAsker(r.URL, r.AtOnce)
		var asking errgroup.Group
		for range r.AtOnce {
			asking.Go(func() error {
				for q := range questions {
					body, err := ask.ask(ctx, q.plate)
					if err != nil {
						return err
					}
					answers <- answered{q.seq, q.plate, time.Now(), body}
				}
				return nil
			})
		}
		return asking.Wait()
	})
	g.Go(func() error { return keep(ctx, answers, into) })
	if err := g.Wait(); err != nil {
		return err
	}
	return into.export(context.WithoutCancel(ctx), r.Out)
}

// sink keeps answers.
type sink interface {
	write(context.Context, []answered) error // so that they outlive the process
	export(ctx context.Context, path string) error
	close()
}

// together is how many answers are written at once.
const together = 1000

// keep writes all answers that come.
func keep(ctx context.Context, answers <-chan answered, into sink) error {
	held := make([]answered, 0, together)
	for a := range answers {
		if held = append(held, a); len(held) == together {
			if err := into.write(ctx, held); err != nil {
				for range answers { // nobody is to wait for this one
				}
				return err
			}
			held = held[:0]
		}
	}
	if len(held) == 0 {
		return nil
	}
	return into.write(ctx, held)
}

func (r role) openSink(ctx context.Context) (sink, error) {
	if r.Database == "" {
		return nil, errors.New("open store: no database")
	}
	return openPostgres(ctx, r.Database)
}
