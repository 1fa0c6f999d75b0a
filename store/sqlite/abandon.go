package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/plateq/plateq/store"
)

// sliceSize is how many rows, or asks, of an abandoned batch are removed in one
// transaction: some 50 ms of the writer's time. Others write in between.
const sliceSize = 5_000

// AbandonBatch implements store.Intake. The batch is marked, then removed in
// slices.
func (s *Store) AbandonBatch(ctx context.Context, no store.BatchNo) error {
	defer s.intakes.forget(no)
	_, err := write(ctx, s, func(t *tx) (struct{}, error) { return struct{}{}, t.abandon(no) })
	if err != nil {
		return err
	}
	return s.remove(ctx, no)
}

// AbandonIntakes implements store.Intake.
func (s *Store) AbandonIntakes(ctx context.Context) (int, error) {
	n, err := write(ctx, s, func(t *tx) (int, error) {
		old, err := t.batchNumbers("SELECT no FROM batches WHERE state = 'intake' AND no <= ?", s.oldIntakes)
		for i := 0; err == nil && i < len(old); i++ {
			err = t.abandon(old[i])
		}
		return len(old), err
	})
	if err != nil {
		return 0, err
	}
	marked, err := read(ctx, s, func(c conn) ([]store.BatchNo, error) {
		return c.batchNumbers("SELECT no FROM batches WHERE state = 'abandoned' AND done_at = 0 ORDER BY no")
	})
	for i := 0; err == nil && i < len(marked); i++ {
		err = s.remove(ctx, marked[i])
	}
	return n, err
}

// abandon marks a batch: from here on there is none to anybody, and nothing of
// it is offered but what others have joined.
func (t *tx) abandon(no store.BatchNo) error {
	h, err := t.in(no, "abandon", store.BatchIntake)
	if err != nil {
		return err
	}
	err = t.exec("UPDATE batches SET state = ?, done_at = 0 WHERE no = ?", store.BatchAbandoned, no)
	if err == nil {
		err = t.exec("DELETE FROM budgets WHERE scope = ?", store.BatchBudget(h.id).String())
	}
	if err != nil {
		return fmt.Errorf("abandon batch: %w", err)
	}
	return nil
}

// remove deletes what is left of a batch that is marked. Where others have
// joined its asks, these and the batch's number stay, and nothing that shows
// whose list it was. It can be repeated, and goes on where an earlier one was
// cut off.
func (s *Store) remove(ctx context.Context, no store.BatchNo) error {
	first, last := askRange(no)
	r := &removal{no: no, size: s.slice, first: first, last: last, next: first}
	for more := true; more; {
		var err error
		if more, err = writeAlone(ctx, s, r.slice); err != nil {
			return fmt.Errorf("abandon batch: %w", err)
		}
	}
	return nil
}

// removal is one remove under way. Each of its slices leaves books that
// balance: rows go before the asks that they want, and an ask goes together
// with its key, so that nobody joins what is about to go.
type removal struct {
	no          store.BatchNo
	size        int // of a slice
	first, last store.AskID
	next        store.ChunkID // where its own asks are still to be left
}

// slice removes a piece and reports whether there may be more.
func (r *removal) slice(t *tx) (more bool, err error) {
	h, err := t.anyHeader(r.no)
	if errors.Is(err, store.ErrNoBatch) {
		return false, nil // somebody else has removed it
	}
	if err != nil {
		return false, err
	}
	for _, step := range []func(*tx, *header) (bool, error){r.rows, r.others, r.home} {
		if some, err := step(t, h); err != nil || some {
			return some, err
		}
	}
	return false, r.end(t)
}

func (r *removal) rows(t *tx, _ *header) (some bool, err error) {
	err = t.exec("DELETE FROM rows WHERE id IN (SELECT id FROM rows WHERE id BETWEEN ? AND ? LIMIT ?)", r.first, r.last, r.size)
	return t.Changes() > 0, err
}

// others leaves asks of other homes.
func (r *removal) others(t *tx, h *header) (some bool, err error) {
	asks, err := t.asks(`SELECT ask FROM wants WHERE batch = ?1 AND ask < ?2
		UNION ALL SELECT ask FROM wants WHERE batch = ?1 AND ask > ?3 ORDER BY ask LIMIT ?4`, r.no, r.first, r.last, r.size)
	if err != nil || len(asks) == 0 {
		return false, err
	}
	moved := store.Tally{}
	for from := 0; from < len(asks); {
		to := from + 1
		for to < len(asks) && asks[to].Home() == asks[from].Home() {
			to++
		}
		home, err := t.anyHeader(asks[from].Home())
		if err == nil {
			err = t.leaveAsks(h, home, asks[from:to], moved)
		}
		if err != nil {
			return false, err
		}
		from = to
	}
	err = t.exec("DELETE FROM wants WHERE batch = ? AND ask BETWEEN ? AND ? AND ask NOT BETWEEN ? AND ?",
		r.no, asks[0], asks[len(asks)-1], r.first, r.last)
	if err != nil {
		return false, err
	}
	delete(moved, r.no)
	return true, t.apply(moved)
}

// home leaves the batch's own asks to those who have joined them and deletes
// the others, some chunks at a time. An ask of which somebody was asked stays
// whoever joined it, as the call, its money and its tickets are in the books:
// Expire lets go of it when no list relies on it.
func (r *removal) home(t *tx, h *header) (some bool, err error) {
	chunks := max(1, r.size/restSize)
	ids, err := t.asks("SELECT id FROM chunks WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?", r.next, r.last, chunks)
	if err != nil {
		return false, err
	}
	for len(ids) < chunks && h.cut < h.asks {
		k, err := t.cutChunk(h, restSize)
		if err != nil {
			return false, err
		}
		ids = append(ids, k.ID)
	}
	if len(ids) == 0 {
		return false, nil
	}
	moved := store.Tally{}
	for _, id := range ids {
		k, err := t.chunk(id)
		if err == nil {
			err = t.leaveChunk(k, h, moved)
		}
		if err != nil {
			return false, err
		}
		r.next = k.Last() + 1
	}
	delete(moved, r.no)
	if err := t.apply(moved); err != nil {
		return false, err
	}
	return true, t.freeAsks(h, ids[0], r.next-1)
}

// leaveChunk sheds what is queued of a chunk at home, and writes down of all that
// was not dropped that the home has left it.
func (t *tx) leaveChunk(k *chunk, h *header, moved store.Tally) error {
	if err := t.shedChunk(k, h, moved, nil); err != nil {
		return err
	}
	for _, a := range k.Undropped() {
		if err := t.leave(a, h.no); err != nil {
			return err
		}
	}
	return nil
}

// end deletes what is left when rows and asks are gone, unless there are asks or
// calls that stay. Of asks that stay and that no list relies on any more Expire
// is told.
func (r *removal) end(t *tx) error {
	if err := t.exec("DELETE FROM tallies WHERE batch = ?", r.no); err != nil {
		return err
	}
	if err := t.exec("DELETE FROM batch_homes WHERE batch = ?", r.no); err != nil {
		return err
	}
	stays, err := t.number("SELECT EXISTS (SELECT 1 FROM asks WHERE id BETWEEN ?1 AND ?2) OR EXISTS (SELECT 1 FROM calls WHERE chunk BETWEEN ?1 AND ?2)", r.first, r.last)
	if err != nil {
		return err
	}
	if stays != 0 {
		meta, err := t.s.sealer.SealMeta(r.no, store.NewBatch{})
		if err != nil {
			return err
		}
		return t.exec("UPDATE batches SET rows = 0, meta = ?4, done_at = ?5, gone = iif(EXISTS (SELECT 1"+unrelied+"), ?6, gone) WHERE no = ?3",
			r.first, r.last, r.no, meta, t.now, int(store.GoneDue))
	}
	if err := t.exec("DELETE FROM chunks WHERE id BETWEEN ? AND ?", r.first, r.last); err != nil {
		return err
	}
	return t.exec("DELETE FROM batches WHERE no = ?", r.no)
}

// dropped are those of unrelied that nobody is to be asked about, nor was: of the
// others it is written down that their home ?3 has left them.
const dropped = unrelied + `
		AND NOT EXISTS (SELECT 1 FROM wants w WHERE w.ask = asks.id AND w.batch = ?3 AND w."left")`

// freeAsks deletes the asks from first to last that are nobody's, and frees their
// keys for those who ask the same again.
func (t *tx) freeAsks(h *header, first, last store.AskID) error {
	all, err := t.doomed(h, dropped, first, last)
	if err != nil {
		return err
	}
	for _, d := range all {
		if err := t.freeAsk(h, d.id, d.prev, d.question); err != nil {
			return err
		}
	}
	return t.exec(`DELETE FROM wants WHERE batch = ? AND ask BETWEEN ? AND ?
		AND NOT EXISTS (SELECT 1 FROM asks a WHERE a.id = wants.ask)`, h.no, first, last)
}

// freeAsk deletes an ask, and gives its key back to the one that had it before,
// if that is there. The key is computed again, as it is kept nowhere
// but where it is looked up; that of a damaged ask is looked for.
func (t *tx) freeAsk(h *header, id, prev store.AskID, question []byte) error {
	where, args := "ask = ?", []any{id}
	if q, err := t.s.sealer.OpenQuestion(id, question); err == nil {
		key := t.s.sealer.Key(h.tenant, h.provider, q)
		where, args = "ask = ? AND key = ?", []any{id, key[:]}
	}
	there, err := t.number("SELECT EXISTS (SELECT 1 FROM asks WHERE id = ?)", prev)
	if err != nil {
		return err
	}
	if there != 0 {
		err = t.exec("UPDATE ask_keys SET ask = ? WHERE "+where, append([]any{prev}, args...)...)
	} else {
		err = t.exec("DELETE FROM ask_keys WHERE "+where, args...)
	}
	if err != nil {
		return err
	}
	return t.exec("DELETE FROM asks WHERE id = ?", id)
}
