package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const (
	// riverWorkers are jobs that River works at side by side. It fetches as
	// many ten times a second at most, so that few of them hold it up; calls in
	// flight are bounded apart.
	riverWorkers = 1000
	// riverInserts are jobs that are inserted at once.
	riverInserts = 5000
)

// lookUp is a job of River, and the payload of a task of asynq.
type lookUp struct {
	Seq   int    `json:"seq"`
	Plate string `json:"plate"`
}

// Kind implements river.JobArgs.
func (lookUp) Kind() string { return taskLookUp }

type lookUps struct {
	river.WorkerDefaults[lookUp]
	q *queued
}

// Work implements river.Worker.
func (w *lookUps) Work(ctx context.Context, job *river.Job[lookUp]) error {
	return w.q.do(ctx, job.Args.Seq, job.Args.Plate)
}

// migrateRiver makes River's tables.
func migrateRiver(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return fmt.Errorf("migrate River: %w", err)
	}
	defer pool.Close()
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet()})
	if err == nil {
		_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err != nil {
		return fmt.Errorf("migrate River: %w", err)
	}
	return nil
}

func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// river looks up with a job for each plate.
func (r role) river(ctx context.Context) error {
	q, err := r.queued(ctx)
	if err != nil {
		return err
	}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &lookUps{q: q}); err != nil {
		return fmt.Errorf("run River: %w", err)
	}
	c, err := river.NewClient(riverpgxv5.New(q.pool), &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}}, Workers: workers, Logger: quiet(),
	})
	if err == nil {
		err = c.Start(ctx)
	}
	if err != nil {
		return fmt.Errorf("run River: %w", err)
	}
	var held []river.InsertManyParams
	insert := func() error {
		if _, err := c.InsertManyFast(ctx, held); err != nil {
			return fmt.Errorf("enqueue: %w", err)
		}
		held = held[:0]
		return nil
	}
	err = readList(r.List, func(seq int, plate string) error {
		if held = append(held, river.InsertManyParams{Args: lookUp{seq, plate}}); len(held) == riverInserts {
			return insert()
		}
		return nil
	})
	if err == nil && len(held) > 0 {
		err = insert()
	}
	if err != nil {
		return err
	}
	if err := q.wait(ctx); err != nil {
		return err
	}
	return q.finish(ctx)
}
