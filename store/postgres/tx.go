package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

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

// tx is what a change works on. Whatever it learns becomes true with the
// commit only.
type tx struct {
	conn
	s   *Store
	now time.Time
	raw *session
	// after is read on the way of the commit, once it is made.
	after *pgx.Batch
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
	pooled, err := s.pool.Acquire(ctx)
	if err != nil {
		return none, fmt.Errorf("connect: %w", silence(ctx, err))
	}
	defer pooled.Release()
	raw := &session{Conn: pooled}
	t := &tx{conn: conn{raw}, s: s, now: s.clock(), raw: raw}
	result, err := run(ctx, t)
	// What ends the transaction is not to be interrupted.
	endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	if err != nil {
		raw.rollback(endCtx)
		return none, silence(ctx, err)
	}
	if err := raw.commit(endCtx, t.after); err != nil {
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
	if err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}
