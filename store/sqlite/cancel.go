package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// restSize is how long chunks are that are cut so that their asks have marks,
// not to be sent next.
const restSize = 500

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
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		h, err := t.in(no, verb, store.BatchRunning, store.BatchPaused)
		if err != nil {
			return none, err
		}
		if h.state == to && h.heldBy == "" {
			return none, &store.StateError{Batch: h.id, State: h.state, Want: verb}
		}
		if err := t.exec("UPDATE batches SET state = ?, reason = ?, held_by = '' WHERE no = ?", to, reason, no); err != nil {
			return none, fmt.Errorf("%s batch: %w", verb, err)
		}
		if to == store.BatchRunning {
			return none, t.note(store.Entry{What: store.EntryResumed, Batch: no})
		}
		if err := t.note(store.Entry{What: store.EntryPaused, Batch: no, Reason: reason}); err != nil || h.state == to {
			return none, err
		}
		return none, t.tellPause(h, "")
	})
	return err
}

// Cancel implements store.Work. It is one transaction, however big the batch:
// were it done in slices, a queued ask that a running batch wants too could be
// claimed before its rows here have left it, and cancelled rows would move
// again. It takes some 0.4 s for a million rows, and 4 s where another open
// batch holds all of them.
func (s *Store) Cancel(ctx context.Context, no store.BatchNo, reason string) error {
	_, err := writeAlone(ctx, s, func(t *tx) (none struct{}, err error) {
		h, err := t.in(no, "cancel", store.BatchRunning, store.BatchPaused)
		if err != nil {
			return none, err
		}
		if err := t.exec("UPDATE batches SET state = ?, reason = ?, held_by = '', ended_at = ? WHERE no = ?", store.BatchCancelled, reason, t.now, no); err != nil {
			return none, fmt.Errorf("cancel batch: %w", err)
		}
		if err := t.note(store.Entry{What: store.EntryCancelled, Batch: no, Reason: reason}); err != nil {
			return none, err
		}
		h.state = store.BatchCancelled
		moved := store.Tally{}
		if err := t.leaveHome(h, moved); err != nil {
			return none, fmt.Errorf("cancel batch: %w", err)
		}
		if err := t.leaveOthers(h, moved); err != nil {
			return none, fmt.Errorf("cancel batch: %w", err)
		}
		if err := t.apply(moved); err != nil {
			return none, err
		}
		return none, t.tellLater(no)
	})
	return err
}

// leave cuts the rows of a batch off from the ask.
func (t *tx) leave(a store.AskID, no store.BatchNo) error {
	err := t.exec("INSERT INTO wants (ask, batch, rows, left) VALUES (?, ?, 0, 1) ON CONFLICT (ask, batch) DO UPDATE SET left = 1", a, no)
	if err != nil {
		return fmt.Errorf("write wants: %w", err)
	}
	return nil
}

// leaveHome sheds the queued asks of a batch that has ended.
func (t *tx) leaveHome(h *header, moved store.Tally) error {
	for h.cut < h.asks {
		if _, err := t.cutChunk(h, restSize); err != nil {
			return err
		}
	}
	first, last := askRange(h.no)
	ids, err := t.asks("SELECT id FROM chunks WHERE id BETWEEN ? AND ? AND queued > 0", first, last)
	if err != nil {
		return err
	}
	for _, id := range ids {
		k, err := t.chunk(id)
		if err != nil {
			return err
		}
		if err := t.shedChunk(k, h, moved, nil); err != nil {
			return err
		}
	}
	return nil
}

// leaveOthers sheds the queued asks that a batch that has ended shares with
// other homes.
func (t *tx) leaveOthers(h *header, moved store.Tally) error {
	homes, err := t.foreignHomes(h.no)
	if err != nil {
		return err
	}
	for _, home := range homes {
		first, last := askRange(home.no)
		asks, err := t.asks("SELECT ask FROM wants WHERE batch = ? AND ask BETWEEN ? AND ? AND left = 0", h.no, first, last)
		if err != nil {
			return err
		}
		if err := t.leaveAsks(h, home, asks, moved); err != nil {
			return err
		}
	}
	return nil
}

// leaveAsks does so for asks of one home, ascending.
func (t *tx) leaveAsks(h, home *header, asks []store.AskID, moved store.Tally) error {
	for len(asks) > 0 {
		k, err := t.chunkOf(asks[0])
		if err != nil {
			return err
		}
		if k == nil {
			return t.leaveUncut(h, home, asks, moved)
		}
		mine := map[store.AskID]bool{}
		for len(asks) > 0 && k.Has(asks[0]) {
			mine[asks[0]] = true
			asks = asks[1:]
		}
		if err := t.shedChunk(k, home, moved, mine); err != nil {
			return err
		}
	}
	return nil
}

// leaveUncut leaves asks that are in no chunk. Only a home that has not ended
// has such asks, so none of them can be dropped.
func (t *tx) leaveUncut(h, home *header, asks []store.AskID, moved store.Tally) error {
	in, err := t.interest(home, asks[0], asks[len(asks)-1])
	if err != nil {
		return err
	}
	for _, a := range asks {
		for _, w := range in.Of(a) {
			if w.Batch == h.no {
				moved.Leave(w)
			}
		}
		if err := t.leave(a, h.no); err != nil {
			return err
		}
	}
	return nil
}

// shedChunk sheds the queued asks of a chunk, or only some; nil: all.
func (t *tx) shedChunk(k *chunk, home *header, moved store.Tally, only map[store.AskID]bool) error {
	in, err := t.interest(home, k.ID, k.Last())
	if err != nil {
		return err
	}
	for i := range k.Len() {
		if only != nil && !only[k.Ask(i)] {
			continue
		}
		for _, no := range k.Shed(i, in, moved) {
			if err := t.leave(k.Ask(i), no); err != nil {
				return err
			}
		}
	}
	return t.save(k)
}

// asks returns the ids that a query lists.
func (c conn) asks(query string, args ...any) ([]store.AskID, error) {
	var all []store.AskID
	err := c.each(query, func(stmt *sqlite.Stmt) error {
		all = append(all, columnAsk(stmt, 0))
		return nil
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read asks: %w", err)
	}
	return all, nil
}
