package postgres

import (
	"context"
	"fmt"

	"github.com/plateq/plateq/store"
)

// listened is true where there is anybody to be told of anything. Statements
// that change what could be told return it, so that it costs no way of its own.
const listened = "EXISTS (SELECT 1 FROM hooks)"

// tell writes an event down with a delivery for each hook that wants it; where
// none does, nothing.
func (t *tx) tell(ctx context.Context, n store.News) error {
	hooks, err := list[int64](ctx, t.conn, `SELECT no FROM hooks WHERE disabled_at = 0 AND kinds & $1 <> 0
		AND (role = 0 AND ($2 = '' OR tenant = $2) OR role = 1 AND no = (SELECT callback FROM batches b WHERE b.no = $3)) ORDER BY no`,
		int64(store.KindsOf(n.Kind)), n.Tenant, n.Batch)
	if err != nil {
		return fmt.Errorf("read hooks: %w", err)
	}
	if len(hooks) == 0 {
		return nil
	}
	ids := make([]string, len(hooks))
	for i := range ids {
		ids[i] = store.PublicID("dlv_")
	}
	err = t.exec(ctx, `WITH e AS (INSERT INTO events (id, kind, batch, at, data) VALUES ($1, $2, $3, $4, $5) RETURNING no)
		INSERT INTO deliveries (id, event, hook, state, created_at, due_at, until_at)
		SELECT d.id, e.no, d.hook, 1, $4, $4, $6 FROM e, unnest($7::text[], $8::bigint[]) AS d (id, hook)`,
		store.PublicID("evt_"), string(n.Kind), n.Batch, millis(t.now), n.Data, millis(t.now.Add(store.DeliveryLife)), ids, hooks)
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}

// tellBatch tells of a batch as it stands in this transaction.
func (t *tx) tellBatch(ctx context.Context, no store.BatchNo, kinds ...store.EventKind) error {
	f, err := t.batchFacts(ctx, no)
	for _, k := range kinds {
		if err == nil {
			err = t.tell(ctx, f.News(k))
		}
	}
	return err
}

func (c conn) batchFacts(ctx context.Context, no store.BatchNo) (store.BatchFacts, error) {
	f := store.BatchFacts{No: no}
	var states, counts []int
	found, err := c.one(ctx, `SELECT id, tenant, provider, state, rows, held_by,
			ARRAY(SELECT t.state::int FROM tallies t WHERE t.batch = b.no GROUP BY t.state ORDER BY t.state),
			ARRAY(SELECT sum(t.n)::int FROM tallies t WHERE t.batch = b.no GROUP BY t.state ORDER BY t.state)
		FROM batches b WHERE no = $1`, []any{no}, &f.ID, &f.Tenant, &f.Provider, &f.State, &f.Rows, &f.HeldBy, &states, &counts)
	if err != nil {
		return f, fmt.Errorf("read batch: %w", err)
	}
	if !found {
		return f, store.ErrNoBatch
	}
	f.Counts = countsOf(states, counts)
	return f, nil
}

// pause sets a batch, whose row is locked, paused: by a person or, with its
// scope, by a budget. It tells of the budget if this is the first batch of its
// tenant that it holds.
func (t *tx) pause(ctx context.Context, h *header, reason, heldBy string) error {
	var told, others bool
	_, err := t.one(ctx, `UPDATE batches SET state = $1, reason = $2, held_by = $3 WHERE no = $4 RETURNING `+listened+`,
		EXISTS (SELECT 1 FROM batches o WHERE o.held_by <> '' AND o.held_by = $3 AND o.tenant = $5 AND o.no <> $4)`,
		[]any{store.BatchPaused, reason, heldBy, h.no, h.tenant}, &told, &others)
	if err != nil {
		return fmt.Errorf("pause batch: %w", err)
	}
	if err := t.note(ctx, store.Entry{What: store.EntryPaused, Batch: h.no, Scope: heldBy, Reason: reason}); err != nil {
		return err
	}
	if !told || h.state == store.BatchPaused {
		return nil
	}
	kinds := []store.EventKind{store.EventBatchPaused}
	if heldBy != "" && !others {
		kinds = append(kinds, store.EventBudgetReached)
	}
	return t.tellBatch(ctx, h.no, kinds...)
}

// follows is true of hooks h that want to hear of the rows of batches b. Its
// first parameter are those kinds of events.
const follows = "h.role = 0 AND h.disabled_at = 0 AND h.tenant = b.tenant AND h.kinds & $1 <> 0"

// tellLater has TellProgress look at a batch that does not run any more.
func (t *tx) tellLater(ctx context.Context, no store.BatchNo) error {
	err := t.exec(ctx, `INSERT INTO told AS o (batch, stale, settled, unknown, at) SELECT b.no, 1, '', 0, 0 FROM batches b
		WHERE b.no = $2 AND b.state IN ('done', 'cancelled') AND EXISTS (SELECT 1 FROM hooks h WHERE `+follows+`)
		ON CONFLICT (batch) DO UPDATE SET stale = 1`, int64(store.ProgressKinds()), no)
	if err != nil {
		return fmt.Errorf("mark batch to be told of: %w", err)
	}
	return nil
}

// TellProgress implements store.Outbox.
func (s *Store) TellProgress(ctx context.Context) (int, error) {
	now := s.clock()
	due, err := read(ctx, s, func(ctx context.Context, c conn) ([]store.BatchNo, error) {
		numbers, err := list[store.BatchNo](ctx, c, `SELECT b.no FROM batches b WHERE b.state IN ('running', 'paused') AND EXISTS (SELECT 1 FROM hooks h WHERE `+follows+`)
			UNION SELECT batch FROM told WHERE stale > 0 ORDER BY 1`, int64(store.ProgressKinds()))
		if err != nil {
			return nil, fmt.Errorf("list batches to be told of: %w", err)
		}
		var due []store.BatchNo
		for _, no := range numbers {
			f, told, stale, err := c.progress(ctx, no, "")
			if err != nil {
				return nil, err
			}
			if news, _ := f.Progress(told, now); len(news) > 0 || stale {
				due = append(due, no)
			}
		}
		return due, nil
	})
	n := 0
	for _, no := range due {
		if err != nil {
			break
		}
		var told bool
		told, err = write(ctx, s, func(ctx context.Context, t *tx) (bool, error) { return t.tellProgress(ctx, no) })
		if told {
			n++
		}
	}
	return n, err
}

// progress returns how a batch stands and what hooks know of it. stale: it was
// marked to be looked at. What they know is read first, under a lock if there
// is one: what changes after it is marked anew.
func (c conn) progress(ctx context.Context, no store.BatchNo, lock string) (f store.BatchFacts, told store.Told, stale bool, err error) {
	var at int64
	_, err = c.one(ctx, "SELECT stale > 0, settled, unknown, at FROM told WHERE batch = $1"+lock, []any{no}, &stale, &told.Settled, &told.Unknown, &at)
	if err != nil {
		return f, told, false, fmt.Errorf("read what hooks were told: %w", err)
	}
	told.At = fromMillis(at)
	f, err = c.batchFacts(ctx, no)
	return f, told, stale, err
}

func (t *tx) tellProgress(ctx context.Context, no store.BatchNo) (bool, error) {
	// What is not there cannot be locked.
	err := t.exec(ctx, "INSERT INTO told (batch, stale, settled, unknown, at) VALUES ($1, 0, '', 0, 0) ON CONFLICT DO NOTHING", no)
	if err != nil {
		return false, fmt.Errorf("write what hooks were told: %w", err)
	}
	f, told, _, err := t.progress(ctx, no, " FOR UPDATE")
	if err != nil {
		return false, err
	}
	news, next := f.Progress(told, t.now)
	for _, n := range news {
		if err := t.tell(ctx, n); err != nil {
			return false, err
		}
	}
	err = t.exec(ctx, "UPDATE told SET stale = 0, settled = $2, unknown = $3, at = $4 WHERE batch = $1", no, next.Settled, next.Unknown, millis(next.At))
	if err != nil {
		return false, fmt.Errorf("write what hooks were told: %w", err)
	}
	return len(news) > 0, nil
}
