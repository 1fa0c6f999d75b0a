package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/plateq/plateq/store"
)

// BeginBatch implements store.Intake.
func (s *Store) BeginBatch(ctx context.Context, b store.NewBatch) (store.BatchNo, error) {
	if b.Tenant == "" {
		b.Tenant = store.DefaultTenant
	}
	if b.Weight == 0 {
		b.Weight = 1
	}
	no, err := s.newBatchNo(ctx)
	if err != nil {
		return 0, err
	}
	meta, err := s.sealer.SealMeta(no, b)
	if err != nil {
		return 0, err
	}
	id := "b_" + strings.ToLower(rand.Text()[:20]) // 100 bits
	return write(ctx, s, func(ctx context.Context, t *tx) (store.BatchNo, error) {
		err := t.exec(ctx, `WITH cut AS (INSERT INTO cuts (batch) VALUES ($1))
			INSERT INTO batches (no, id, tenant, provider, state, weight, keep_raw, fresh, fresh_ms, none_ms, resend, created_at, beat_at, meta, keep_ms, traceparent)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, `+beatTime("$13")+`, $14, $15, $16)`,
			no, id, b.Tenant, b.Provider, store.BatchIntake, b.Weight, b.KeepRaw, b.Reuse.Fresh, b.Reuse.FreshFor.Milliseconds(),
			b.Reuse.FreshNotFoundFor.Milliseconds(), b.Reuse.ResendUnknown, millis(t.now), s.beat(), meta, b.Kept.Milliseconds(), b.Traceparent)
		if err == nil && b.Callback != "" {
			err = t.callBack(ctx, no, b)
		}
		if err == nil && b.MaxCost != nil {
			err = t.exec(ctx, setBudget, store.BatchBudget(id).String(), int64(b.MaxCost.Amount), b.MaxCost.Currency, store.ByMaxCost, millis(t.now))
		}
		if err != nil {
			return 0, fmt.Errorf("begin batch: %w", err)
		}
		return no, nil
	})
}

// CommitBatch implements store.Intake.
func (s *Store) CommitBatch(ctx context.Context, no store.BatchNo, identity []byte, since time.Time) (store.Batch, error) {
	key := s.sealer.IdentityKey(identity)
	b, err := s.commit(ctx, no, key, key, func(ctx context.Context, t *tx) error { return t.refuseTwin(ctx, key, since) })
	if twin, ok := errors.AsType[*store.IdentityError](err); ok {
		return twin.Batch, err
	}
	return b, err
}

// commit commits a batch that is not refused. Of those under one lock each
// sees what the one before it did; nil: it has none.
func (s *Store) commit(ctx context.Context, no store.BatchNo, identity, lock []byte, refuse func(context.Context, *tx) error) (store.Batch, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (store.Batch, error) {
		if err := t.holdIdentity(ctx, lock); err != nil {
			return store.Batch{}, err
		}
		if _, err := t.hold(ctx, no, "commit", store.BatchIntake); err != nil {
			return store.Batch{}, err
		}
		if err := refuse(ctx, t); err != nil {
			return store.Batch{}, err
		}
		err := t.exec(ctx, "UPDATE batches SET state = $1, identity = $2 WHERE no = $3", store.BatchRunning, identity, no)
		if err != nil {
			return store.Batch{}, fmt.Errorf("commit batch: %w", err)
		}
		if err := t.note(ctx, store.Entry{What: store.EntryAccepted, Batch: no}); err != nil {
			return store.Batch{}, err
		}
		if _, err := t.finish(ctx, no); err != nil {
			return store.Batch{}, err
		}
		return t.batch(ctx, s, "no = $1", no)
	})
}

// holdIdentity lets one of several lists with the same identity at once be
// the first.
func (t *tx) holdIdentity(ctx context.Context, key []byte) error {
	if key == nil {
		return nil
	}
	id := int64(binary.BigEndian.Uint64(key)) //nolint:gosec // only its bits matter
	if err := t.exec(ctx, "SELECT pg_advisory_xact_lock($1)", id); err != nil {
		return fmt.Errorf("lock identity: %w", err)
	}
	return nil
}

// refuseTwin returns *store.IdentityError where the same work is under way or
// was done after since.
func (t *tx) refuseTwin(ctx context.Context, key []byte, since time.Time) error {
	if key == nil {
		return nil
	}
	b, err := t.batch(ctx, t.s, `identity = $1 AND (state IN ('running', 'paused') OR state = 'done' AND done_at > $2)
		ORDER BY no DESC LIMIT 1`, key, millis(since))
	if errors.Is(err, store.ErrNoBatch) {
		return nil
	}
	if err != nil {
		return err
	}
	return &store.IdentityError{Batch: b}
}

// Pause implements store.Work.
func (s *Store) Pause(ctx context.Context, no store.BatchNo, reason string) error {
	return s.setState(ctx, no, "pause", reason, store.BatchPaused)
}

// Resume implements store.Work. A batch that has no open row left runs until
// the next Finish, which reports it.
func (s *Store) Resume(ctx context.Context, no store.BatchNo) error {
	return s.setState(ctx, no, "resume", "", store.BatchRunning)
}

// setState sets a batch running that is paused, or the other way round. What a
// budget holds is paused by itself, and can be paused all the same.
func (s *Store) setState(ctx context.Context, no store.BatchNo, verb, reason string, to store.BatchState) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		h, err := t.hold(ctx, no, verb, store.BatchRunning, store.BatchPaused)
		if err != nil {
			return none, err
		}
		if h.state == to && h.heldBy == "" {
			return none, &store.StateError{Batch: h.id, State: h.state, Want: verb}
		}
		if to == store.BatchPaused {
			return none, t.pause(ctx, h, reason, "")
		}
		if err := t.exec(ctx, "UPDATE batches SET state = $1, reason = $2, held_by = '' WHERE no = $3", to, reason, no); err != nil {
			return none, fmt.Errorf("%s batch: %w", verb, err)
		}
		return none, t.note(ctx, store.Entry{What: store.EntryResumed, Batch: no})
	})
	return err
}
