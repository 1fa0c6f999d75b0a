package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// querier is a connection, in a transaction or not.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// conn is a connection with the ways in which statements are run here.
type conn struct{ querier }

// exec runs a statement that returns no rows.
func (c conn) exec(ctx context.Context, query string, args ...any) error {
	_, err := c.Exec(ctx, query, args...)
	return err
}

// each calls row for every row of a query.
func (c conn) each(ctx context.Context, query string, row func(pgx.Rows) error, args ...any) error {
	rows, err := c.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	return eachOf(rows, row)
}

func eachOf(rows pgx.Rows, row func(pgx.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the first row of a query and reports whether there is one.
func (c conn) one(ctx context.Context, query string, args []any, into ...any) (bool, error) {
	err := c.QueryRow(ctx, query, args...).Scan(into...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// truth returns the only column of the only row of a query.
func (c conn) truth(ctx context.Context, query string, args ...any) (is bool, err error) {
	_, err = c.one(ctx, query, args, &is)
	return is, err
}

// list returns the only column of a query.
func list[T any](ctx context.Context, c conn, query string, args ...any) ([]T, error) {
	rows, err := c.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// send runs statements that were put together, on one way to the server and
// back.
func (c conn) send(ctx context.Context, b *pgx.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	return c.SendBatch(ctx, b).Close()
}

// Times are whole milliseconds since 1970, the zero time is 0.

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func duration(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
