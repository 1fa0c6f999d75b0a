package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// queued is what asynq and River have in common: one task looks one plate up
// and writes the answer.
type queued struct {
	role
	ask  *asker
	pool *pgxpool.Pool
	slot chan struct{} // of calls in flight
	left atomic.Int64
	done chan struct{} // closed by the last answer
}

// connections are those that a queue and its tasks may open to PostgreSQL.
const connections = 32

func (r role) queued(ctx context.Context) (*queued, error) {
	config, err := pgxpool.ParseConfig(r.Database)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	config.MaxConns = connections
	q := &queued{role: r, ask: newAsker(r.URL, r.AtOnce), slot: make(chan struct{}, r.AtOnce), done: make(chan struct{})}
	q.left.Store(int64(r.Rows))
	if q.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	if _, err := q.pool.Exec(ctx, makeResults); err != nil {
		return nil, fmt.Errorf("make table: %w", err)
	}
	return q, nil
}

// do is the task. One that is run again changes nothing.
func (q *queued) do(ctx context.Context, seq int, plate string) error {
	q.slot <- struct{}{}
	body, err := q.ask.one(ctx, plate)
	<-q.slot
	if err != nil {
		return err
	}
	tag, err := q.pool.Exec(ctx, `INSERT INTO results (seq, plate, at, answer) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		seq, plate, time.Now(), string(body))
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if tag.RowsAffected() == 1 && q.left.Add(-1) == 0 {
		close(q.done)
	}
	return nil
}

// wait returns when all answers are there.
func (q *queued) wait(ctx context.Context) error {
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish writes the results. The process then ends as it stands: what an
// orderly end of the queue takes is no part of the work.
func (q *queued) finish(ctx context.Context) error {
	defer q.pool.Close()
	return q.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return exportPostgres(ctx, c.Conn(), q.Out) })
}
