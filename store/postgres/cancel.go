package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// restSize is how long chunks are that are cut so that their asks have marks,
// not to be sent next.
const restSize = 500

// Cancel implements store.Work.
func (s *Store) Cancel(ctx context.Context, no store.BatchNo, reason string) error {
	_, err := writeLong(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		h, err := t.hold(ctx, no, "cancel", store.BatchRunning, store.BatchPaused)
		if err != nil {
			return none, err
		}
		moved, err := t.end(ctx, h, store.BatchCancelled, reason)
		if err == nil {
			err = t.apply(ctx, moved)
		}
		if err == nil {
			err = t.note(ctx, store.Entry{What: store.EntryCancelled, Batch: no, Reason: reason})
		}
		if err == nil {
			err = t.tellLater(ctx, no)
		}
		if err != nil {
			return none, fmt.Errorf("cancel batch: %w", err)
		}
		return none, nil
	})
	return err
}

// end sets a batch, whose row is locked, to a state in which it wants nothing
// new, and sheds its queued asks. Calls that are under way settle before or
// after it: it visits every chunk whose asks may still go back to the queue,
// under the lock of the chunk.
func (t *tx) end(ctx context.Context, h *header, state store.BatchState, reason string) (store.Tally, error) {
	if err := t.exec(ctx, "UPDATE batches SET state = $1, reason = $2, held_by = '', ended_at = $3 WHERE no = $4", state, reason, millis(t.now), h.no); err != nil {
		return nil, err
	}
	homes, err := t.homesToLeave(ctx, h.no)
	if err != nil {
		return nil, err
	}
	moved := store.Tally{}
	for _, home := range homes {
		if home.no == h.no {
			home.state = state
			_, err = t.cut(ctx, home, restSize, home.asks, home.asks)
		} else {
			err = t.leaveUncut(ctx, h.no, home, moved)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, home := range homes {
		if home.no == h.no {
			err = t.leaveHome(ctx, home, moved)
		} else {
			err = t.leaveForeign(ctx, h.no, home, moved)
		}
		if err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// homesToLeave lists the homes of the asks of a batch, itself among them, in
// order. Cuts are held of those that have some in no chunk.
func (t *tx) homesToLeave(ctx context.Context, no store.BatchNo) ([]*header, error) {
	numbers, err := list[store.BatchNo](ctx, t.conn, "SELECT home FROM batch_homes WHERE batch = $1 UNION SELECT $1::int ORDER BY 1", no)
	if err != nil {
		return nil, err
	}
	homes := make([]*header, len(numbers))
	for i, n := range numbers {
		if homes[i], err = t.anyHeader(ctx, n); err != nil {
			return nil, err
		}
		last, err := t.lastWant(ctx, no, homes[i])
		if err != nil {
			return nil, err
		}
		if n == no || last >= homes[i].cut {
			if homes[i], err = t.holdCut(ctx, n); err != nil {
				return nil, err
			}
		}
	}
	return homes, nil
}

// leaveHome sheds the queued asks that a batch has at home, which is all cut.
func (t *tx) leaveHome(ctx context.Context, home *header, moved store.Tally) error {
	next, last := askRange(home.no)
	for {
		page, err := t.chunks(ctx, "WHERE id BETWEEN $1 AND $2 AND open > 0 ORDER BY id LIMIT $3 FOR UPDATE", next, last, chunkPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := t.shed(ctx, home, page, nil, moved); err != nil {
			return err
		}
		next = page[len(page)-1].Last() + 1
	}
}

// leaveForeign sheds the queued asks that a batch shares with another home.
func (t *tx) leaveForeign(ctx context.Context, no store.BatchNo, home *header, moved store.Tally) error {
	var ids []store.ChunkID
	mine := map[store.AskID]bool{}
	err := t.eachWanted(ctx, no, home.no, "open > 0", func(k *chunk, asks []store.AskID) (bool, error) {
		ids = append(ids, k.ID)
		for _, a := range asks {
			mine[a] = true
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for len(ids) > 0 {
		n := min(len(ids), chunkPage)
		page, err := t.chunks(ctx, "WHERE id = ANY($1) ORDER BY id FOR UPDATE", plain(ids[:n]))
		if err != nil {
			return err
		}
		if err := t.shed(ctx, home, page, mine, moved); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// shed sheds the queued asks of chunks that are locked, or only some; nil: all.
func (t *tx) shed(ctx context.Context, home *header, page []*chunk, only map[store.AskID]bool, moved store.Tally) error {
	if len(page) == 0 {
		return nil
	}
	in, err := t.interest(ctx, home, page[0].ID, page[len(page)-1].Last())
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	for _, k := range page {
		for i := range k.Len() {
			if only != nil && !only[k.Ask(i)] {
				continue
			}
			for _, no := range k.Shed(i, in, moved) {
				queueLeave(b, k.Ask(i), no)
			}
		}
		saveChunk(b, k)
	}
	return t.send(ctx, b)
}

// leaveUncut leaves asks of another home that are in no chunk; its cut is held
// where there are such. Only a home that has not ended has any, so none of
// them can be dropped.
func (t *tx) leaveUncut(ctx context.Context, no store.BatchNo, home *header, moved store.Tally) error {
	_, last := askRange(home.no)
	rows, err := t.Query(ctx, `UPDATE wants SET has_left = true WHERE batch = $1 AND ask BETWEEN $2 AND $3 AND NOT has_left RETURNING rows`,
		no, store.NewAskID(home.no, home.cut), last)
	if err != nil {
		return err
	}
	return eachOf(rows, func(r pgx.Rows) error {
		var n int
		err := r.Scan(&n)
		moved.Leave(store.Want{Batch: no, Rows: n})
		return err
	})
}
