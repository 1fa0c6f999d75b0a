package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// slice is how much is deleted in one transaction.
const slice = 5000

// AbandonBatch implements store.Intake. The batch is gone with the first
// transaction. What is left of it is then deleted in slices; if that is cut
// off, AbandonIntakes does the rest.
func (s *Store) AbandonBatch(ctx context.Context, no store.BatchNo) error {
	_, err := writeLong(ctx, s, func(ctx context.Context, t *tx) (struct{}, error) {
		return struct{}{}, t.abandon(ctx, no)
	})
	if err == nil {
		err = s.empty(ctx, no)
	}
	if err != nil {
		return fmt.Errorf("abandon batch: %w", err)
	}
	return nil
}

// AbandonIntakes implements store.Intake. An intake is dead that took in
// nothing for IntakeLife.
func (s *Store) AbandonIntakes(ctx context.Context) (int, error) {
	n := 0
	dead, err := list[store.BatchNo](ctx, conn{s.pool}, `SELECT no FROM batches
		WHERE state = 'intake' AND beat_at <= `+beatTime("$1")+" - $2 ORDER BY no", s.beat(), IntakeLife.Milliseconds())
	for i := 0; err == nil && i < len(dead); i++ {
		_, err = writeLong(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
			alive, err := t.truth(ctx, "SELECT beat_at > "+beatTime("$1")+" - $2 FROM batches WHERE no = $3 FOR UPDATE",
				s.beat(), IntakeLife.Milliseconds(), dead[i])
			if err != nil || alive {
				return none, err
			}
			return none, t.abandon(ctx, dead[i])
		})
		_, moved := errors.AsType[*store.StateError](err)
		switch {
		case err == nil:
			n++
		case moved, errors.Is(err, store.ErrNoBatch):
			err = nil // somebody else was faster
		}
	}
	if err == nil {
		err = s.emptyAll(ctx)
	}
	if err != nil {
		return n, fmt.Errorf("abandon intakes: %w", classify(err))
	}
	return n, nil
}

// emptyAll deletes what is left of abandoned batches.
func (s *Store) emptyAll(ctx context.Context) error {
	left, err := list[store.BatchNo](ctx, conn{s.pool}, "SELECT no FROM batches WHERE state = 'abandoned' AND done_at = 0 ORDER BY no")
	for i := 0; err == nil && i < len(left); i++ {
		err = s.empty(ctx, left[i])
	}
	return err
}

// abandon makes a batch one that was never there. After it every ask of the
// batch is dropped or wanted by others, so that nobody joins one any more.
func (t *tx) abandon(ctx context.Context, no store.BatchNo) error {
	h, err := t.hold(ctx, no, "abandon", store.BatchIntake)
	if err != nil {
		return err
	}
	moved, err := t.end(ctx, h, store.BatchAbandoned, "")
	if err != nil {
		return err
	}
	meta, err := t.s.sealer.SealMeta(no, store.NewBatch{})
	if err != nil {
		return err
	}
	if err := t.leaveUndropped(ctx, no); err != nil {
		return err
	}
	first, last := askRange(no)
	b := &pgx.Batch{}
	b.Queue("DELETE FROM wants WHERE batch = $3 AND (ask NOT BETWEEN $1 AND $2 OR NOT has_left)", first, last, no)
	b.Queue("DELETE FROM batch_homes WHERE batch = $1", no)
	b.Queue("DELETE FROM tallies WHERE batch = $1", no)
	b.Queue("DELETE FROM budgets WHERE scope = $1", store.BatchBudget(h.id).String())
	b.Queue("UPDATE batches SET rows = 0, meta = $1 WHERE no = $2", meta, no)
	delete(moved, no)
	t.queueTally(b, moved)
	return t.send(ctx, b)
}

// leaveUndropped writes down of the asks of a home, which is all cut, that it has
// left those that were not dropped.
func (t *tx) leaveUndropped(ctx context.Context, no store.BatchNo) error {
	next, last := askRange(no)
	for {
		page, err := t.chunks(ctx, "WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3", next, last, chunkPage)
		if err != nil || len(page) == 0 {
			return err
		}
		var asks []store.AskID
		for _, k := range page {
			asks = append(asks, k.Undropped()...)
		}
		err = t.exec(ctx, `INSERT INTO wants (ask, batch, rows, has_left) SELECT ask, $1, 0, true FROM unnest($2::bigint[]) AS u (ask)
			ON CONFLICT (ask, batch) DO UPDATE SET has_left = true`, no, plain(asks))
		if err != nil {
			return fmt.Errorf("write wants: %w", err)
		}
		next = page[len(page)-1].Last() + 1
	}
}

// empty deletes what is left of an abandoned batch, a slice at a time: first
// its rows, then the asks that are nobody's, at last the batch. An ask of which
// somebody was asked stays whoever joined it, as the call, its money and its
// tickets are in the books: Expire lets go of it when no list relies on it.
func (s *Store) empty(ctx context.Context, no store.BatchNo) error {
	first, last := askRange(no)
	for deleted := slice; deleted == slice; {
		var err error
		deleted, err = write(ctx, s, func(ctx context.Context, t *tx) (int, error) {
			tag, err := t.Exec(ctx, "DELETE FROM rows WHERE id = ANY(ARRAY(SELECT id FROM rows WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3))",
				first, last, slice)
			return int(tag.RowsAffected()), err
		})
		if err != nil {
			return err
		}
	}
	for next := first; next <= last; {
		var err error
		next, err = write(ctx, s, func(ctx context.Context, t *tx) (store.AskID, error) { return t.freeAsks(ctx, no, next) })
		if err != nil {
			return err
		}
	}
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (struct{}, error) { return struct{}{}, t.removeBatch(ctx, no) })
	return err
}

// doomed is an ask that is to be deleted. Its key is computed again, as it is kept
// nowhere but where it is looked up; that of a damaged ask is looked for.
type doomed struct {
	id   store.AskID
	prev *store.AskID
	key  []byte // nil: the ask is damaged
}

// dropped are those of unrelied that nobody is to be asked about, nor was: of the
// others it is written down that their home $3 has left them.
const dropped = unrelied + `
		AND NOT EXISTS (SELECT 1 FROM wants w WHERE w.ask = a.id AND w.batch = $3 AND w.has_left)`

// freeAsks deletes asks from next on that are nobody's and frees their keys for
// those who ask the same again. It returns where to go on.
func (t *tx) freeAsks(ctx context.Context, no store.BatchNo, next store.AskID) (store.AskID, error) {
	_, last := askRange(no)
	h, err := t.anyHeader(ctx, no)
	if errors.Is(err, store.ErrNoBatch) {
		return last + 1, nil // somebody else was faster
	}
	if err != nil {
		return 0, err
	}
	all, err := t.doomed(ctx, h, dropped, next, last, slice)
	if err != nil || len(all) == 0 {
		return last + 1, err
	}
	return all[len(all)-1].id + 1, t.freeKeys(ctx, all)
}

// scanDoomed reads the id, the one before and the question of an ask.
func (t *tx) scanDoomed(r pgx.Rows, h *header) (d doomed, err error) {
	var sealed []byte
	if err := r.Scan(&d.id, &d.prev, &sealed); err != nil {
		return d, err
	}
	if q, err := t.s.sealer.OpenQuestion(d.id, sealed); err == nil {
		key := t.s.sealer.Key(h.tenant, h.provider, q)
		d.key = key[:]
	}
	return d, nil
}

// findKeys looks for the keys of damaged asks.
func (t *tx) findKeys(ctx context.Context, all []doomed) error {
	for i := range all {
		if all[i].key != nil {
			continue
		}
		if _, err := t.one(ctx, "SELECT key FROM ask_keys WHERE ask = $1", []any{all[i].id}, &all[i].key); err != nil {
			return err
		}
	}
	return nil
}

// freeKeys deletes asks. A key goes back to the ask that had it before, if that
// is there.
func (t *tx) freeKeys(ctx context.Context, all []doomed) error {
	keys, ids := make([][]byte, len(all)), make([]int64, len(all))
	prevs := make([]*store.AskID, len(all))
	for i, d := range all {
		keys[i], ids[i], prevs[i] = d.key, int64(d.id), d.prev
	}
	b := &pgx.Batch{}
	b.Queue("SELECT 1 FROM ask_keys WHERE key = ANY($1) ORDER BY key FOR UPDATE", keys)
	b.Queue(`UPDATE ask_keys k SET ask = d.prev FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS d (key, ask, prev)
		WHERE k.key = d.key AND k.ask = d.ask AND EXISTS (SELECT 1 FROM asks a WHERE a.id = d.prev)`, keys, ids, prevs)
	b.Queue("DELETE FROM ask_keys k USING unnest($1::bytea[], $2::bigint[]) AS d (key, ask) WHERE k.key = d.key AND k.ask = d.ask", keys, ids)
	b.Queue("DELETE FROM asks WHERE id = ANY($1)", ids)
	return t.send(ctx, b)
}

// removeBatch deletes the last of a batch. Where there are asks or calls that
// stay, the batch's number does too, and nothing that shows whose list it was. Of
// asks that stay and that no list relies on any more Expire is told.
func (t *tx) removeBatch(ctx context.Context, no store.BatchNo) error {
	if err := t.exec(ctx, "SELECT 1 FROM batches WHERE no = $1 FOR UPDATE", no); err != nil {
		return err
	}
	first, last := askRange(no)
	stays, err := t.truth(ctx, "SELECT EXISTS (SELECT 1 FROM asks WHERE id BETWEEN $1 AND $2) OR EXISTS (SELECT 1 FROM calls WHERE chunk BETWEEN $1 AND $2)", first, last)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue("DELETE FROM tallies WHERE batch = $1", no)
	if stays {
		b.Queue("UPDATE batches SET done_at = $4, gone = CASE WHEN EXISTS (SELECT 1"+unrelied+") THEN $5 ELSE gone END WHERE no = $3",
			first, last, no, millis(t.now), int(store.GoneDue))
		return t.send(ctx, b)
	}
	b.Queue("DELETE FROM wants WHERE batch = $1", no)
	b.Queue("DELETE FROM chunks WHERE id BETWEEN $1 AND $2", first, last)
	b.Queue("DELETE FROM cuts WHERE batch = $1", no)
	b.Queue("DELETE FROM batches WHERE no = $1", no)
	return t.send(ctx, b)
}
