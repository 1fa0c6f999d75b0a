package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// read runs f on one snapshot of the store, for what takes no longer than a
// transaction should. Writers go on meanwhile.
func read[T any](ctx context.Context, s *Store, f func(context.Context, conn) (T, error)) (result T, err error) {
	var none T
	for try := 0; ; try++ {
		result, err = snapshotWithin(ctx, s, patience, f)
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

func snapshotWithin[T any](ctx context.Context, s *Store, limit time.Duration, f func(context.Context, conn) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSilent)
	defer cancel()
	result, err := snapshot(ctx, s, f)
	return result, silence(ctx, err)
}

// snapshot is read for what takes as long as there is to read. It does not
// begin again.
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
