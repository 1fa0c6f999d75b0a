package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
)

// makeResults is the table of whoever keeps answers in PostgreSQL by hand.
const makeResults = `CREATE TABLE results (seq integer PRIMARY KEY, plate text NOT NULL, at timestamptz NOT NULL, answer text NOT NULL)`

// postgresSink keeps answers by COPY.
type postgresSink struct{ conn *pgx.Conn }

func openPostgres(ctx context.Context, url string) (*postgresSink, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	if _, err := conn.Exec(ctx, makeResults); err != nil {
		return nil, fmt.Errorf("make table: %w", err)
	}
	return &postgresSink{conn}, nil
}

func (s *postgresSink) write(ctx context.Context, all []answered) error {
	rows := pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
		return []any{all[i].seq, all[i].plate, all[i].at, all[i].body}, nil
	})
	if _, err := s.conn.CopyFrom(ctx, pgx.Identifier{"results"}, []string{"seq", "plate", "at", "answer"}, rows); err != nil {
		return fmt.Errorf("write answers: %w", err)
	}
	return nil
}

func (s *postgresSink) export(ctx context.Context, path string) error {
	return exportPostgres(ctx, s.conn, path)
}

// exportPostgres writes all answers to a file, by COPY.
func exportPostgres(ctx context.Context, conn *pgx.Conn, path string) error {
	f, err := os.Create(path) //nolint:gosec // a file of our own
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	_, err = conn.PgConn().CopyTo(ctx, f, `COPY (SELECT plate, at, answer FROM results ORDER BY seq) TO STDOUT (FORMAT csv, HEADER)`)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

func (s *postgresSink) close() { _ = s.conn.Close(context.Background()) }
