package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/bench/rig"
)

// intakeService and intakeEmbedded take a list in and are ended before they
// ask anybody.
func intakeService() contender {
	return contender{name: "plateq", title: "**Plateq**, PostgreSQL", part: 1, run: func(ctx context.Context, b *bench, r *run) error {
		return b.takeIn(ctx, r, []string{"serve"}, needsPostgres, needsRedis)
	}}
}

func intakeEmbedded() contender {
	return contender{name: "embedded", title: "**Plateq**, embedded", part: 1, run: func(ctx context.Context, b *bench, r *run) error {
		return b.takeIn(ctx, r, []string{"up"})
	}}
}

// takeIn measures how long it takes until a list is accepted: every row is on
// the disk, sealed, and known by its keyed hash.
func (b *bench) takeIn(ctx context.Context, r *run, parts []string, needs ...string) (err error) {
	around, err := b.prepare(ctx, r.dir, needs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, around.close()) }()
	fleet, err := b.fleet(ctx, r, around, parts)
	if err != nil {
		return err
	}
	defer fleet.End()
	before, err := spentBy(fleet, around)
	if err != nil {
		return err
	}
	begun := time.Now()
	if _, err := r.submit(ctx, fleet.API); err != nil {
		return err
	}
	r.took = time.Since(begun)
	return r.reckon(before, fleet, around)
}

// reckon notes what has been spent since.
func (r *run) reckon(before spent, fleet *rig.Fleet, around *surroundings) error {
	after, err := spentBy(fleet, around)
	if err != nil {
		return err
	}
	r.cpu = spent{own: after.own - before.own, redis: after.redis - before.redis, postgres: after.postgres - before.postgres}
	r.parts, err = fleet.Usage()
	for _, p := range r.parts {
		r.peak += p.Peak
	}
	return err
}

// copy reads the list and copies its plates into PostgreSQL.
func (r role) copy(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, r.Database)
	if err != nil {
		return fmt.Errorf("open PostgreSQL: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // what was copied is committed
	if _, err := conn.Exec(ctx, `CREATE TABLE list (seq integer PRIMARY KEY, plate text NOT NULL)`); err != nil {
		return fmt.Errorf("make table: %w", err)
	}
	rows := make(chan question, together)
	read := make(chan error, 1)
	go func() {
		defer close(rows)
		read <- readList(r.List, func(seq int, plate string) error {
			rows <- question{seq, plate}
			return nil
		})
	}()
	n, err := conn.CopyFrom(ctx, pgx.Identifier{"list"}, []string{"seq", "plate"}, pgx.CopyFromFunc(func() ([]any, error) {
		q, more := <-rows
		if !more {
			return nil, nil
		}
		return []any{q.seq, q.plate}, nil
	}))
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	if err := <-read; err != nil {
		return err
	}
	if n != int64(r.Rows) {
		return fmt.Errorf("copy: %d rows of %d", n, r.Rows)
	}
	return nil
}

// copySQLite reads the list and writes its plates into SQLite, 10,000 in a
// transaction.
func (r role) copySQLite(ctx context.Context) error {
	s, err := openSQLite(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.db.ExecContext(ctx, `CREATE TABLE list (seq INTEGER PRIMARY KEY, plate TEXT NOT NULL)`); err != nil {
		return fmt.Errorf("make table: %w", err)
	}
	var held []question
	write := func() error {
		defer func() { held = held[:0] }()
		return s.insert(ctx, `INSERT INTO list (seq, plate) VALUES (?, ?)`, len(held), func(i int) []any {
			return []any{held[i].seq, held[i].plate}
		})
	}
	err = readList(r.List, func(seq int, plate string) error {
		if held = append(held, question{seq, plate}); len(held) == 10*together {
			return write()
		}
		return nil
	})
	if err != nil || len(held) == 0 {
		return err
	}
	return write()
}
