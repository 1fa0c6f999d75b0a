package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"
)

const (
	taskLookUp = "look_up"
	// enqueuers is how many goroutines enqueue: asynq has no other way to be
	// quick about it.
	enqueuers = 16
)

// asynq looks up with a task for each plate, and nothing but its defaults.
func (r role) asynq(ctx context.Context) error {
	q, err := r.queued(ctx)
	if err != nil {
		return err
	}
	at := asynq.RedisClientOpt{Addr: r.Redis}
	srv := asynq.NewServer(at, asynq.Config{Concurrency: r.AtOnce, LogLevel: asynq.WarnLevel})
	err = srv.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		var about lookUp
		if err := json.Unmarshal(t.Payload(), &about); err != nil {
			return fmt.Errorf("read task: %w", err)
		}
		return q.do(ctx, about.Seq, about.Plate)
	}))
	if err != nil {
		return fmt.Errorf("run asynq: %w", err)
	}
	if err := r.enqueue(ctx, at); err != nil {
		return err
	}
	if err := q.wait(ctx); err != nil {
		return err
	}
	return q.finish(ctx)
}

func (r role) enqueue(ctx context.Context, at asynq.RedisClientOpt) error {
	c := asynq.NewClient(at)
	defer c.Close() //nolint:errcheck // it was only told
	plates := make(chan lookUp, enqueuers)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(plates)
		return readList(r.List, func(seq int, plate string) error {
			select {
			case plates <- lookUp{seq, plate}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range enqueuers {
		g.Go(func() error {
			for about := range plates {
				text, err := json.Marshal(about)
				if err != nil {
					return fmt.Errorf("write task: %w", err)
				}
				if _, err := c.EnqueueContext(ctx, asynq.NewTask(taskLookUp, text)); err != nil {
					return fmt.Errorf("enqueue: %w", err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}
