package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// lookForQuiet has the commit look for batches of a tally that hold no open
// row any more. The tallies only say where a closer look is worth it. That
// comes after the commit: of two settlements that bring the last answers at
// once, one is the last to commit, and that one sees both.
func (t *tx) lookForQuiet(moved store.Tally) *[]store.BatchNo {
	quiet := &[]store.BatchNo{}
	if len(moved) == 0 {
		return quiet
	}
	t.after = &pgx.Batch{}
	t.after.Queue(`SELECT b.no FROM unnest($1::int[]) AS b (no) WHERE (
		SELECT coalesce(sum(t.n), 0) FROM tallies t WHERE t.batch = b.no AND t.state IN (1, 2, 3)) <= 0 ORDER BY b.no`, plain(moved.Batches())).
		Query(func(rows pgx.Rows) (err error) {
			*quiet, err = pgx.CollectRows(rows, pgx.RowTo[store.BatchNo])
			return err
		})
	return quiet
}

// finishQuiet marks batches as done, if a closer look agrees, and returns
// them. What was settled is stored: the caller must not hear of a fault that
// comes only now, nor take its own end as one. Finish makes up for it.
func (s *Store) finishQuiet(ctx context.Context, quiet *[]store.BatchNo) []store.BatchNo {
	if quiet == nil || len(*quiet) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	done, _ := s.finishAll(ctx, *quiet)
	return done
}

// Finish implements store.Work.
func (s *Store) Finish(ctx context.Context) ([]store.BatchNo, error) {
	// Batches with an open chunk at home need no closer look.
	candidates, err := read(ctx, s, func(ctx context.Context, c conn) ([]store.BatchNo, error) {
		return list[store.BatchNo](ctx, c, `SELECT b.no FROM batches b JOIN cuts c ON c.batch = b.no
			WHERE b.state = 'running' AND c.cut >= b.asks AND (b.renewals > 0 OR NOT EXISTS (
				SELECT 1 FROM chunks k WHERE k.id BETWEEN b.no::bigint << 32 AND ((b.no + 1)::bigint << 32) - 1 AND k.open > 0))
			ORDER BY b.no`)
	})
	if err != nil {
		return nil, err
	}
	return s.finishAll(ctx, candidates)
}

func (s *Store) finishAll(ctx context.Context, numbers []store.BatchNo) ([]store.BatchNo, error) {
	var done []store.BatchNo
	for _, no := range numbers {
		finished, err := write(ctx, s, func(ctx context.Context, t *tx) (bool, error) {
			if err := t.exec(ctx, "SELECT 1 FROM batches WHERE no = $1 FOR UPDATE", no); err != nil {
				return false, fmt.Errorf("lock batch: %w", err)
			}
			return t.finish(ctx, no)
		})
		if err != nil {
			return done, err
		}
		if finished {
			done = append(done, no)
		}
	}
	return done, nil
}

// finish marks a running batch, whose row is locked, as done if no open chunk
// holds an ask of its rows.
func (t *tx) finish(ctx context.Context, no store.BatchNo) (bool, error) {
	h, err := t.anyHeader(ctx, no)
	if err != nil {
		return false, err
	}
	if h.state != store.BatchRunning {
		return false, t.tellLater(ctx, no)
	}
	open, err := t.holdsOpen(ctx, h)
	if err != nil || open {
		return false, err
	}
	var told bool
	_, err = t.one(ctx, "UPDATE batches SET state = $1, done_at = $2, ended_at = $2 WHERE no = $3 RETURNING "+listened, []any{store.BatchDone, millis(t.now), no}, &told)
	if err != nil {
		return false, fmt.Errorf("finish batch: %w", err)
	}
	if err := t.note(ctx, store.Entry{What: store.EntryDone, Batch: no}); err != nil {
		return false, err
	}
	if !told {
		return true, nil
	}
	if err := t.tellBatch(ctx, no, store.EventBatchDone); err != nil {
		return false, err
	}
	return true, t.tellLater(ctx, no)
}

// holdsOpen reports whether an ask is open that rows of the batch want. A
// running batch has left none of its own, so at home any open ask is one.
func (c conn) holdsOpen(ctx context.Context, h *header) (bool, error) {
	if h.cut < h.asks {
		return true, nil
	}
	open, err := c.openAtHome(ctx, h)
	if err != nil || open {
		return open, err
	}
	homes, err := c.foreignHomes(ctx, h.no)
	if err != nil {
		return false, err
	}
	for _, home := range homes {
		uncut, err := c.lastWant(ctx, h.no, home)
		if err != nil || uncut >= home.cut {
			return true, err
		}
		err = c.eachWanted(ctx, h.no, home.no, "open > 0", func(k *chunk, asks []store.AskID) (bool, error) {
			for _, a := range asks {
				open = open || k.State(int(a-k.ID)).Open()
			}
			return !open, nil
		})
		if err != nil || open {
			return open, err
		}
	}
	return false, nil
}

// openAtHome reports whether an ask is open that the batch was the first to
// want, and of which it has rows: one whose rows were given another ask may
// still turn out to wait.
func (c conn) openAtHome(ctx context.Context, h *header) (bool, error) {
	next, last := askRange(h.no)
	if h.renewals == 0 {
		return c.truth(ctx, "SELECT EXISTS (SELECT 1 FROM chunks WHERE id BETWEEN $1 AND $2 AND open > 0)", next, last)
	}
	for {
		page, err := c.chunks(ctx, "WHERE id BETWEEN $1 AND $2 AND open > 0 ORDER BY id LIMIT $3", next, last, chunkPage)
		if err != nil || len(page) == 0 {
			return false, err
		}
		next = page[len(page)-1].Last() + 1
		emptied, err := list[store.AskID](ctx, c, "SELECT ask FROM wants WHERE batch = $1 AND ask BETWEEN $2 AND $3 AND rows < 0", h.no, page[0].ID, next-1)
		if err != nil {
			return false, fmt.Errorf("read wants: %w", err)
		}
		for _, k := range page {
			if k.OpenBeside(emptied) {
				return true, nil
			}
		}
	}
}

// foreignHomes lists the homes of asks that a batch shares with others.
func (c conn) foreignHomes(ctx context.Context, no store.BatchNo) ([]*header, error) {
	var homes []*header
	err := c.each(ctx, headerQuery+"ANY(ARRAY(SELECT home FROM batch_homes WHERE batch = $1)) ORDER BY b.no", func(r pgx.Rows) error {
		h := &header{}
		homes = append(homes, h)
		return h.scan(r)
	}, no)
	if err != nil {
		return nil, fmt.Errorf("read homes: %w", err)
	}
	return homes, nil
}

// lastWant returns the last place at a home whose ask the batch wants; -1:
// there is none.
func (c conn) lastWant(ctx context.Context, no store.BatchNo, home *header) (int, error) {
	first, last := askRange(home.no)
	var a store.AskID
	found, err := c.one(ctx, `SELECT ask FROM wants WHERE batch = $1 AND ask BETWEEN $2 AND $3 AND NOT has_left
		ORDER BY ask DESC LIMIT 1`, []any{no, first, last}, &a)
	if err != nil || !found {
		return -1, err
	}
	return a.Pos(), nil
}

// chunkPage is how many chunks are looked at together.
const chunkPage = 200

// eachWanted calls f for the chunks of a home of which the batch wants asks,
// with these, until it returns false. where chooses among the chunks.
func (c conn) eachWanted(ctx context.Context, no, home store.BatchNo, where string, f func(*chunk, []store.AskID) (bool, error)) error {
	next, last := askRange(home)
	for {
		page, err := c.chunks(ctx, "WHERE id BETWEEN $1 AND $2 AND "+where+" ORDER BY id LIMIT $3", next, last, chunkPage)
		if err != nil || len(page) == 0 {
			return err
		}
		next = page[len(page)-1].Last() + 1
		asks, err := list[store.AskID](ctx, c, `SELECT ask FROM wants WHERE batch = $1 AND ask BETWEEN $2 AND $3 AND NOT has_left
			ORDER BY ask`, no, page[0].ID, next-1)
		if err != nil {
			return fmt.Errorf("read wants: %w", err)
		}
		for _, k := range page {
			var mine []store.AskID
			for ; len(asks) > 0 && asks[0] <= k.Last(); asks = asks[1:] {
				if k.Has(asks[0]) {
					mine = append(mine, asks[0])
				}
			}
			if len(mine) == 0 {
				continue
			}
			if more, err := f(k, mine); err != nil || !more {
				return err
			}
		}
	}
}
