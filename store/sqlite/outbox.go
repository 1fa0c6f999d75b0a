package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// listened reports whether there is anybody to be told of anything.
func (c conn) listened() (bool, error) {
	n, err := c.number("SELECT EXISTS (SELECT 1 FROM hooks)")
	if err != nil {
		return false, fmt.Errorf("read hooks: %w", err)
	}
	return n > 0, nil
}

// tell writes an event down with a delivery for each hook that wants it; where
// none does, nothing.
func (t *tx) tell(n store.News) error {
	hooks, err := t.listeners(n)
	if err != nil || len(hooks) == 0 {
		return err
	}
	err = t.exec("INSERT INTO events (id, kind, batch, at, data) VALUES (?, ?, ?, ?, ?)",
		store.PublicID("evt_"), string(n.Kind), n.Batch, t.now, n.Data)
	event := t.LastInsertRowID()
	for _, hook := range hooks {
		if err == nil {
			err = t.addDelivery(event, hook)
		}
	}
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}

func (t *tx) addDelivery(event int64, hook store.HookNo) error {
	return t.exec("INSERT INTO deliveries (id, event, hook, state, created_at, due_at, until_at) VALUES (?, ?, ?, 1, ?, ?, ?)",
		store.PublicID("dlv_"), event, hook, t.now, t.now, t.now.Add(store.DeliveryLife))
}

// listeners lists the hooks that want an event.
func (c conn) listeners(n store.News) ([]store.HookNo, error) {
	var all []store.HookNo
	err := c.each(`SELECT no FROM hooks WHERE disabled_at = 0 AND kinds & ?1 <> 0
		AND (role = 0 AND (?2 = '' OR tenant = ?2) OR role = 1 AND no = (SELECT callback FROM batches b WHERE b.no = ?3))`,
		func(stmt *sqlite.Stmt) error {
			all = append(all, store.HookNo(stmt.ColumnInt64(0)))
			return nil
		}, int64(store.KindsOf(n.Kind)), n.Tenant, n.Batch)
	if err != nil {
		return nil, fmt.Errorf("read hooks: %w", err)
	}
	return all, nil
}

// tellBatch tells of a batch as it stands in this transaction.
func (t *tx) tellBatch(no store.BatchNo, kinds ...store.EventKind) error {
	if listened, err := t.listened(); err != nil || !listened {
		return err
	}
	f, err := t.batchFacts(no)
	for _, k := range kinds {
		if err == nil {
			err = t.tell(f.News(k))
		}
	}
	return err
}

func (c conn) batchFacts(no store.BatchNo) (store.BatchFacts, error) {
	h, err := c.anyHeader(no)
	if err != nil {
		return store.BatchFacts{}, err
	}
	f := store.BatchFacts{No: no, ID: h.id, Tenant: h.tenant, Provider: h.provider, State: h.state, Rows: h.rows, HeldBy: h.heldBy}
	f.Counts, err = c.counts(no)
	return f, err
}

// tellPause tells of a batch that was just paused, and of the budget that did
// so if it is the first of its tenant that it holds.
func (t *tx) tellPause(h *header, heldBy string) error {
	kinds := []store.EventKind{store.EventBatchPaused}
	if heldBy != "" {
		others, err := t.number("SELECT EXISTS (SELECT 1 FROM batches WHERE held_by <> '' AND held_by = ? AND tenant = ? AND no <> ?)", heldBy, h.tenant, h.no)
		if err != nil {
			return fmt.Errorf("read batches: %w", err)
		}
		if others == 0 {
			kinds = append(kinds, store.EventBudgetReached)
		}
	}
	return t.tellBatch(h.no, kinds...)
}

// tellLater has TellProgress look at a batch that does not run any more.
func (t *tx) tellLater(no store.BatchNo) error {
	err := t.exec(`INSERT INTO told (batch, stale, settled, unknown, at) SELECT b.no, 1, '', 0, 0 FROM batches b
		WHERE b.no = ? AND b.state IN ('done', 'cancelled') AND EXISTS (SELECT 1 FROM hooks h WHERE `+follows+`) ON CONFLICT (batch) DO UPDATE SET stale = 1`,
		no, int64(store.ProgressKinds()))
	if err != nil {
		return fmt.Errorf("mark batch to be told of: %w", err)
	}
	return nil
}

// follows is true of hooks h that want to hear of the rows of batches b. Its
// parameter are those kinds of events.
const follows = "h.role = 0 AND h.disabled_at = 0 AND h.tenant = b.tenant AND h.kinds & ? <> 0"

// TellProgress implements store.Outbox.
func (s *Store) TellProgress(ctx context.Context) (int, error) {
	now := s.clock()
	due, err := read(ctx, s, func(c conn) ([]store.BatchNo, error) {
		listened, err := c.listened()
		if err != nil || !listened {
			return nil, err
		}
		numbers, err := c.batchNumbers(`SELECT b.no FROM batches b WHERE b.state IN ('running', 'paused') AND EXISTS (SELECT 1 FROM hooks h WHERE `+follows+`)
			UNION SELECT batch FROM told WHERE stale > 0 ORDER BY 1`, int64(store.ProgressKinds()))
		if err != nil {
			return nil, err
		}
		var due []store.BatchNo
		for _, no := range numbers {
			f, told, stale, err := c.progress(no)
			if err != nil {
				return nil, err
			}
			if news, _ := f.Progress(told, now); len(news) > 0 || stale {
				due = append(due, no)
			}
		}
		return due, nil
	})
	if err != nil || len(due) == 0 {
		return 0, err
	}
	return write(ctx, s, func(t *tx) (n int, err error) {
		for _, no := range due {
			told, err := t.tellProgress(no)
			if err != nil {
				return 0, err
			}
			if told {
				n++
			}
		}
		return n, nil
	})
}

// progress returns how a batch stands and what hooks know of it. stale: it was
// marked to be looked at.
func (c conn) progress(no store.BatchNo) (f store.BatchFacts, told store.Told, stale bool, err error) {
	if f, err = c.batchFacts(no); err != nil {
		return f, told, false, err
	}
	_, err = c.one("SELECT stale, settled, unknown, at FROM told WHERE batch = ?", func(stmt *sqlite.Stmt) {
		stale = stmt.ColumnBool(0)
		told = store.Told{Settled: stmt.ColumnText(1), Unknown: stmt.ColumnInt(2), At: columnTime(stmt, 3)}
	}, no)
	if err != nil {
		return f, told, false, fmt.Errorf("read what hooks were told: %w", err)
	}
	return f, told, stale, nil
}

func (t *tx) tellProgress(no store.BatchNo) (bool, error) {
	f, told, _, err := t.progress(no)
	if err != nil {
		return false, err
	}
	news, next := f.Progress(told, t.now)
	for _, n := range news {
		if err := t.tell(n); err != nil {
			return false, err
		}
	}
	err = t.exec("INSERT OR REPLACE INTO told (batch, stale, settled, unknown, at) VALUES (?, 0, ?, ?, ?)", no, next.Settled, next.Unknown, next.At)
	if err != nil {
		return false, fmt.Errorf("write what hooks were told: %w", err)
	}
	return len(news) > 0, nil
}
