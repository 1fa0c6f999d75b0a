package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// interest reads who wants the asks from first to last, all of one home.
func (c conn) interest(home *header, first, last store.AskID) (*store.Interest, error) {
	in := store.NewInterest(home.no, home.state, home.keepRaw)
	in.Home.Left = !home.expired.IsZero()
	err := c.each(`SELECT w.ask, w.batch, w.rows, w.left OR b.expired_at > 0, b.state, b.keep_raw
		FROM wants w JOIN batches b ON b.no = w.batch WHERE w.ask BETWEEN ? AND ?`,
		func(stmt *sqlite.Stmt) error {
			in.Add(columnAsk(stmt, 0), store.Want{
				Batch: columnBatch(stmt, 1), Rows: stmt.ColumnInt(2), Left: stmt.ColumnBool(3),
				State: store.BatchState(stmt.ColumnText(4)), KeepRaw: stmt.ColumnBool(5),
			})
			return nil
		}, first, last)
	if err != nil {
		return nil, fmt.Errorf("read wants: %w", err)
	}
	return in, nil
}

// apply writes a tally down.
func (t *tx) apply(moved store.Tally) error {
	return moved.Each(func(b store.BatchNo, s store.State, n int) error {
		err := t.exec(`INSERT INTO tallies (batch, state, n) VALUES (?, ?, ?)
			ON CONFLICT (batch, state) DO UPDATE SET n = n + excluded.n`, b, s, n)
		if err != nil {
			return fmt.Errorf("write tallies: %w", err)
		}
		return nil
	})
}

// finishTouched marks those batches as done that hold no open row any more.
// The tallies only say where it is worth looking.
func (t *tx) finishTouched(moved store.Tally) ([]store.BatchNo, error) {
	var done []store.BatchNo
	for _, b := range moved.Batches() {
		open, err := t.number("SELECT sum(n) FROM tallies WHERE batch = ? AND state IN (1, 2, 3)", b)
		if err != nil {
			return nil, fmt.Errorf("read tallies: %w", err)
		}
		if open > 0 {
			continue
		}
		finished, err := t.finish(b)
		if err != nil {
			return nil, err
		}
		if finished {
			done = append(done, b)
		}
	}
	return done, nil
}

// finish marks a running batch as done if no open chunk holds an ask of its
// rows.
func (t *tx) finish(no store.BatchNo) (bool, error) {
	h, err := t.anyHeader(no)
	if err != nil {
		return false, err
	}
	if h.state != store.BatchRunning {
		return false, t.tellLater(no)
	}
	open, err := t.holdsOpen(h)
	if err != nil || open {
		return false, err
	}
	if err := t.exec("UPDATE batches SET state = ?1, done_at = ?2, ended_at = ?2 WHERE no = ?3", store.BatchDone, t.now, no); err != nil {
		return false, fmt.Errorf("finish batch: %w", err)
	}
	if err := t.note(store.Entry{What: store.EntryDone, Batch: no}); err != nil {
		return false, err
	}
	if err := t.tellBatch(no, store.EventBatchDone); err != nil {
		return false, err
	}
	return true, t.tellLater(no)
}

// holdsOpen reports whether an ask is open that rows of the batch want. A
// running batch has left none of its own, so at home any open ask is one.
func (c conn) holdsOpen(h *header) (bool, error) {
	if h.cut < h.asks {
		return true, nil
	}
	open, err := c.openAtHome(h)
	if err != nil || open {
		return open, err
	}
	homes, err := c.foreignHomes(h.no)
	if err != nil {
		return false, err
	}
	for _, home := range homes {
		if open, err := c.wantsOpen(h.no, home); err != nil || open {
			return open, err
		}
	}
	return false, nil
}

// openAtHome reports whether an ask is open that the batch was the first to
// want, and of which it has rows: one whose rows were given another ask may
// still turn out to wait.
func (c conn) openAtHome(h *header) (open bool, err error) {
	first, last := askRange(h.no)
	if h.renewals == 0 {
		n, err := c.number("SELECT EXISTS (SELECT 1 FROM chunks WHERE id BETWEEN ? AND ? AND open > 0)", first, last)
		return n > 0, err
	}
	err = c.eachChunk("SELECT "+chunkColumns+" FROM chunks WHERE id BETWEEN ? AND ? AND open > 0", func(k *chunk) (bool, error) {
		emptied, err := c.asks("SELECT ask FROM wants WHERE batch = ? AND ask BETWEEN ? AND ? AND rows < 0", h.no, k.ID, k.Last())
		open = k.OpenBeside(emptied)
		return !open, err
	}, first, last)
	return open, err
}

// foreignHomes lists the homes of asks that a batch shares with others.
func (c conn) foreignHomes(no store.BatchNo) ([]*header, error) {
	var numbers []store.BatchNo
	err := c.each("SELECT home FROM batch_homes WHERE batch = ?", func(stmt *sqlite.Stmt) error {
		numbers = append(numbers, columnBatch(stmt, 0))
		return nil
	}, no)
	if err != nil {
		return nil, fmt.Errorf("read homes: %w", err)
	}
	homes := make([]*header, len(numbers))
	for i, n := range numbers {
		if homes[i], err = c.anyHeader(n); err != nil {
			return nil, err
		}
	}
	return homes, nil
}

// wantsOpen reports whether the batch wants an ask of that home that is open.
func (c conn) wantsOpen(no store.BatchNo, home *header) (bool, error) {
	uncut, err := c.firstWant(no, store.NewAskID(home.no, home.cut), home)
	if err != nil || uncut != 0 {
		return uncut != 0, err
	}
	found := false
	first, last := askRange(home.no)
	err = c.eachChunk("SELECT "+chunkColumns+" FROM chunks WHERE id BETWEEN ? AND ? AND open > 0", func(k *chunk) (bool, error) {
		asks, err := c.wantedIn(no, k)
		for _, a := range asks {
			found = found || k.State(int(a-k.ID)).Open()
		}
		return !found, err
	}, first, last)
	return found, err
}

// firstWant returns the first ask from a on that the batch wants of a home; 0:
// there is none.
func (c conn) firstWant(no store.BatchNo, a store.AskID, home *header) (store.AskID, error) {
	_, last := askRange(home.no)
	n, err := c.number("SELECT ask FROM wants WHERE batch = ? AND ask BETWEEN ? AND ? AND left = 0 ORDER BY ask LIMIT 1", no, a, last)
	return store.AskID(n), err
}

// wantedIn lists the asks of a foreign chunk that the batch wants.
func (c conn) wantedIn(no store.BatchNo, k *chunk) ([]store.AskID, error) {
	var asks []store.AskID
	err := c.each("SELECT ask FROM wants WHERE batch = ? AND ask BETWEEN ? AND ? AND left = 0", func(stmt *sqlite.Stmt) error {
		asks = append(asks, columnAsk(stmt, 0))
		return nil
	}, no, k.ID, k.Last())
	return asks, err
}

// Finish implements store.Work.
func (s *Store) Finish(ctx context.Context) ([]store.BatchNo, error) {
	return write(ctx, s, func(t *tx) ([]store.BatchNo, error) {
		running, err := t.batchNumbers("SELECT no FROM batches WHERE state = 'running'")
		if err != nil {
			return nil, err
		}
		var done []store.BatchNo
		for _, no := range running {
			finished, err := t.finish(no)
			if err != nil {
				return nil, err
			}
			if finished {
				done = append(done, no)
			}
		}
		return done, nil
	})
}

func (c conn) batchNumbers(query string, args ...any) ([]store.BatchNo, error) {
	var all []store.BatchNo
	err := c.each(query, func(stmt *sqlite.Stmt) error {
		all = append(all, columnBatch(stmt, 0))
		return nil
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read batches: %w", err)
	}
	return all, nil
}
