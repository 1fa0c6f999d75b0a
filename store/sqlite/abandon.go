package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// AbandonBatch implements store.Intake.
func (s *Store) AbandonBatch(ctx context.Context, no store.BatchNo) error {
	defer s.intakes.forget(no)
	_, err := writeAlone(ctx, s, func(t *tx) (struct{}, error) { return struct{}{}, t.abandon(no) })
	return err
}

// AbandonIntakes implements store.Intake.
func (s *Store) AbandonIntakes(ctx context.Context) (int, error) {
	return writeAlone(ctx, s, func(t *tx) (int, error) {
		old, err := t.batchNumbers("SELECT no FROM batches WHERE state = 'intake' AND no <= ?", s.oldIntakes)
		if err != nil {
			return 0, err
		}
		for _, no := range old {
			if err := t.abandon(no); err != nil {
				return 0, err
			}
		}
		return len(old), nil
	})
}

// abandon removes a batch. Where others have joined its asks, these and the
// batch's number stay, and nothing that shows whose list it was.
func (t *tx) abandon(no store.BatchNo) error {
	h, err := t.in(no, "abandon", store.BatchIntake)
	if err != nil {
		return err
	}
	if err := t.exec("UPDATE batches SET state = ? WHERE no = ?", store.BatchAbandoned, no); err != nil {
		return fmt.Errorf("abandon batch: %w", err)
	}
	h.state = store.BatchAbandoned
	moved := store.Tally{}
	if err := t.leaveOthers(h, moved); err != nil {
		return fmt.Errorf("abandon batch: %w", err)
	}
	first, last := askRange(no)
	shared, err := t.number("SELECT EXISTS (SELECT 1 FROM wants WHERE ask BETWEEN ? AND ? AND batch <> ?)", first, last, no)
	if err == nil && shared != 0 {
		err = t.leaveShared(h, moved)
	}
	if err != nil {
		return fmt.Errorf("abandon batch: %w", err)
	}
	delete(moved, no)
	if err := t.apply(moved); err != nil {
		return err
	}
	if err := t.freeAsks(h, shared != 0); err != nil {
		return fmt.Errorf("abandon batch: %w", err)
	}
	return t.removeBatch(no, shared != 0)
}

// leaveShared leaves the asks that others want, whatever has become of them.
func (t *tx) leaveShared(h *header, moved store.Tally) error {
	if err := t.leaveHome(h, moved); err != nil {
		return err
	}
	first, last := askRange(h.no)
	asks, err := t.asks("SELECT DISTINCT ask FROM wants WHERE ask BETWEEN ? AND ? AND batch <> ?", first, last, h.no)
	if err != nil {
		return err
	}
	for _, a := range asks {
		if err := t.leave(a, h.no); err != nil {
			return err
		}
	}
	return nil
}

// freeAsks deletes asks that nobody else wants and frees their keys for those
// who ask the same again.
func (t *tx) freeAsks(h *header, shared bool) error {
	type doomed struct {
		id, prev store.AskID
		question []byte
	}
	first, last := askRange(h.no)
	query := "SELECT id, prev, question FROM asks WHERE id BETWEEN ?1 AND ?2"
	if shared {
		query += " AND NOT EXISTS (SELECT 1 FROM wants w WHERE w.ask = asks.id AND w.batch <> ?3)"
	} else {
		query += " AND ?3 = ?3"
	}
	// A piece at a time, so that a long list needs little memory.
	const piece = 1000
	for next := first; ; {
		var all []doomed
		err := t.each(query+" LIMIT ?4", func(stmt *sqlite.Stmt) error {
			all = append(all, doomed{id: columnAsk(stmt, 0), prev: columnAsk(stmt, 1), question: columnBytes(stmt, 2)})
			return nil
		}, next, last, h.no, piece)
		if err != nil || len(all) == 0 {
			return err
		}
		for _, d := range all {
			if err := t.freeAsk(h, d.id, d.prev, d.question); err != nil {
				return err
			}
		}
		next = all[len(all)-1].id + 1
	}
}

// freeAsk deletes an ask. Its key is computed again, as it is kept nowhere
// but where it is looked up.
func (t *tx) freeAsk(h *header, id, prev store.AskID, question []byte) error {
	q, err := t.s.sealer.OpenQuestion(id, question)
	if err != nil {
		return err
	}
	key := t.s.sealer.Key(h.tenant, h.provider, q)
	if prev != 0 {
		err = t.exec("UPDATE ask_keys SET ask = ? WHERE key = ? AND ask = ?", prev, key[:], id)
	} else {
		err = t.exec("DELETE FROM ask_keys WHERE key = ? AND ask = ?", key[:], id)
	}
	if err != nil {
		return err
	}
	return t.exec("DELETE FROM asks WHERE id = ?", id)
}

// removeBatch deletes what is left of the batch.
func (t *tx) removeBatch(no store.BatchNo, shared bool) error {
	first, last := askRange(no)
	remove := func(query string, args ...any) error {
		if err := t.exec(query, args...); err != nil {
			return fmt.Errorf("abandon batch: %w", err)
		}
		return nil
	}
	if err := remove("DELETE FROM rows WHERE id BETWEEN ? AND ?", first, last); err != nil {
		return err
	}
	if err := remove("DELETE FROM tallies WHERE batch = ?", no); err != nil {
		return err
	}
	if err := remove("DELETE FROM batch_homes WHERE batch = ?", no); err != nil {
		return err
	}
	// At home it stays written down that the batch has left.
	if err := remove("DELETE FROM wants WHERE batch = ? AND ask NOT BETWEEN ? AND ?", no, first, last); err != nil {
		return err
	}
	if shared {
		meta, err := t.s.sealer.SealMeta(no, store.NewBatch{})
		if err != nil {
			return err
		}
		return remove("UPDATE batches SET rows = 0, meta = ? WHERE no = ?", meta, no)
	}
	if err := remove("DELETE FROM wants WHERE batch = ?", no); err != nil {
		return err
	}
	if err := remove("DELETE FROM chunks WHERE id BETWEEN ? AND ?", first, last); err != nil {
		return err
	}
	return remove("DELETE FROM batches WHERE no = ?", no)
}
