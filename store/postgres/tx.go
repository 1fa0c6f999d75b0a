package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plateq/plateq/store"
)

const (
	// patience bounds a transaction as seen from here: a server that has gone
	// without a word must not hold a worker for ever.
	patience = 90 * time.Second
	// commitPatience bounds the wait for the answer to a commit.
	commitPatience = 30 * time.Second
	// maxTries bounds how often a transaction begins anew where others were
	// faster: each time one of them has got on.
	maxTries = 100
	// lostTries is how often it does so on a new connection.
	lostTries = 3
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
func (c conn) send(ctx context.Context, b *pgx.Batch) error { return c.SendBatch(ctx, b).Close() }

// tx is what a change works on. Whatever it learns becomes true with the
// commit only.
type tx struct {
	conn
	s   *Store
	now time.Time
	raw pgx.Tx
}

// unsureError says that the answer to a commit was lost: it may have been
// made.
type unsureError struct{ cause error }

func (e *unsureError) Error() string { return "commit: the answer was lost: " + e.cause.Error() }
func (e *unsureError) Unwrap() error { return e.cause }

// write runs a change and returns what it found, once it is committed. It
// tries again where nothing was decided, so that run must start from nothing.
func write[T any](ctx context.Context, s *Store, run func(context.Context, *tx) (T, error)) (T, error) {
	return writeWithin(ctx, s, patience, run)
}

// writeLong is write for changes that take as long as the list is.
func writeLong[T any](ctx context.Context, s *Store, run func(context.Context, *tx) (T, error)) (T, error) {
	return writeWithin(ctx, s, 0, func(ctx context.Context, t *tx) (none T, err error) {
		if err := t.exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
			return none, err
		}
		return run(ctx, t)
	})
}

func writeWithin[T any](ctx context.Context, s *Store, limit time.Duration, run func(context.Context, *tx) (T, error)) (T, error) {
	var none T
	lostSoFar := 0
	for try := 1; ; try++ {
		result, err := attempt(ctx, s, limit, run)
		if err == nil {
			return result, nil
		}
		_, unsure := errors.AsType[*unsureError](err)
		switch {
		case unsure || ctx.Err() != nil:
			return none, classify(err)
		case repeatable(err) && try < maxTries:
		case lost(err) && lostSoFar < lostTries:
			// The others of the pool are as old as this one.
			lostSoFar++
			s.pool.Reset()
		default:
			return none, classify(err)
		}
		if err := pause(ctx, try); err != nil {
			return none, err
		}
	}
}

// pause waits for a moment, differently long for those who met.
func pause(ctx context.Context, try int) error {
	most := time.Duration(min(50, 1<<min(try, 10))) * time.Millisecond
	select {
	case <-time.After(rand.N(most)): //nolint:gosec // nothing secret comes from it
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func attempt[T any](ctx context.Context, s *Store, limit time.Duration, run func(context.Context, *tx) (T, error)) (none T, err error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, errSilent)
		defer cancel()
	}
	raw, err := s.pool.Begin(ctx)
	if err != nil {
		return none, fmt.Errorf("begin transaction: %w", silence(ctx, err))
	}
	result, err := run(ctx, &tx{conn: conn{raw}, s: s, now: s.clock(), raw: raw})
	// What ends the transaction is not to be interrupted.
	endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	if err != nil {
		_ = raw.Rollback(endCtx) // a connection that cannot do so is closed
		return none, silence(ctx, err)
	}
	if err := raw.Commit(endCtx); err != nil {
		if decided(err) {
			return none, fmt.Errorf("commit: %w", err)
		}
		return none, &unsureError{cause: err}
	}
	return result, nil
}

var errSilent = &store.Fault{Kind: store.ErrAway, Cause: errors.New("the server did not answer in time")}

// silence tells our own patience from the caller's.
func silence(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

// read runs f on one snapshot of the store. Writers go on meanwhile.
func read[T any](ctx context.Context, s *Store, f func(context.Context, conn) (T, error)) (result T, err error) {
	var none T
	for try := 0; ; try++ {
		result, err = snapshot(ctx, s, f)
		if err == nil {
			return result, nil
		}
		if !lost(err) || try == lostTries || ctx.Err() != nil {
			return none, classify(err)
		}
		s.pool.Reset()
		if err := pause(ctx, try+1); err != nil {
			return none, err
		}
	}
}

func snapshot[T any](ctx context.Context, s *Store, f func(context.Context, conn) (T, error)) (result T, err error) {
	t, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return result, fmt.Errorf("begin transaction: %w", err)
	}
	defer func() {
		endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
		defer cancel()
		_ = t.Rollback(endCtx) // nothing was written
	}()
	return f(ctx, conn{t})
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
