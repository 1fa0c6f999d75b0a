package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// question is one plate of the list.
type question struct {
	seq   int
	plate string
}

// answered is the answer about one plate, as it came.
type answered struct {
	question
	at   time.Time
	body []byte
}

// inquirer asks a provider about as many plates as it takes at once.
type inquirer interface {
	ask(ctx context.Context, about []question, tell func(answered)) error
}

func (r role) inquirer() inquirer {
	if r.Batch > 1 {
		return newBatcher(r.URL, r.AtOnce)
	}
	return newAsker(r.URL, r.AtOnce)
}

// loop looks a list up as one does by hand: so many goroutines ask, one writes
// what they bring. Nothing is written before it is asked, so that a crash
// pays for everything that was on its way again.
func (r role) loop(ctx context.Context) error {
	into, err := r.openSink(ctx)
	if err != nil {
		return err
	}
	defer into.close()
	return r.ask(ctx, r.read, into)
}

// ask asks all that read hands over, keeps what is answered, and exports it.
func (r role) ask(ctx context.Context, read func(context.Context, chan<- []question) error, into sink) error {
	questions, answers := make(chan []question, r.AtOnce), make(chan answered, together)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return read(ctx, questions) })
	g.Go(func() error {
		defer close(answers)
		from := r.inquirer()
		asking, ctx := errgroup.WithContext(ctx)
		for range r.AtOnce {
			asking.Go(func() error {
				for about := range questions {
					if err := from.ask(ctx, about, func(a answered) { answers <- a }); err != nil {
						return err
					}
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
	return into.export(context.Background(), r.Out)
}

// read hands the list over, as many plates together as are asked about at once.
func (r role) read(ctx context.Context, to chan<- []question) error {
	defer close(to)
	var held []question
	hand := func() error {
		select {
		case to <- held:
			held = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := readList(r.List, func(seq int, plate string) error {
		if held = append(held, question{seq, plate}); len(held) == r.Batch {
			return hand()
		}
		return nil
	})
	if err != nil || len(held) == 0 {
		return err
	}
	return hand()
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
		return openSQLite(ctx)
	}
	return openPostgres(ctx, r.Database)
}
