package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// pageSize is up to how many rows are read before the first of them is given
// away.
const pageSize = 1000

// Rows implements store.Reader. A page is read at once and held in memory,
// however slow its reader is. More than that holds a snapshot and one of few
// connections until the last row, so that memory stays flat: see readLong.
func (s *Store) Rows(ctx context.Context, no store.BatchNo, f store.RowFilter, yield func(store.Row) error) error {
	paged := f.Limit > 0 && f.Limit <= pageSize && len(f.States) == 0 || len(f.Only) > 0 && len(f.Only) <= pageSize
	return s.sealer.Deliver(func(give func(*store.StoredRow, bool) error) error {
		if !paged {
			_, err := readLong(ctx, s, func(c conn) (struct{}, error) { return struct{}{}, c.giveRows(no, f, give) })
			return err
		}
		type stored struct {
			store.StoredRow
			keepRaw bool
		}
		page, err := read(ctx, s, func(c conn) (page []stored, err error) {
			err = c.giveRows(no, f, func(r *store.StoredRow, keepRaw bool) error {
				page = append(page, stored{*r, keepRaw})
				return nil
			})
			return page, err
		})
		for i := 0; err == nil && i < len(page); i++ {
			err = give(&page[i].StoredRow, page[i].keepRaw)
		}
		return err
	}, yield)
}

// giveRows hands over the rows of a batch. Each is good until the next.
func (c conn) giveRows(no store.BatchNo, f store.RowFilter, give func(r *store.StoredRow, keepRaw bool) error) error {
	h, err := c.withRows(no)
	if err != nil {
		return err
	}
	one := func(r *store.StoredRow, stmt *sqlite.Stmt) error {
		r.Line = columnBytes(stmt, rowLineColumn)
		if err := c.complete(r, f); err != nil {
			return err
		}
		return give(r, h.keepRaw)
	}
	if len(f.Only) > 0 {
		return c.giveOnly(h, f, one)
	}
	n := 0
	err = c.eachRow(h, f.After, f.Until, func(r *store.StoredRow, stmt *sqlite.Stmt) error {
		if len(f.States) > 0 && !slices.Contains(f.States, r.State) {
			return nil
		}
		if err := one(r, stmt); err != nil {
			return err
		}
		if n++; n == f.Limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// giveOnly is giveRows for rows of certain numbers.
func (c conn) giveOnly(h *header, f store.RowFilter, one func(*store.StoredRow, *sqlite.Stmt) error) error {
	for _, n := range f.Only {
		err := c.eachRow(h, n-1, n, func(r *store.StoredRow, stmt *sqlite.Stmt) error {
			if r.ID.Number() != n || len(f.States) > 0 && !slices.Contains(f.States, r.State) {
				return errEnough
			}
			if err := one(r, stmt); err != nil {
				return err
			}
			return errEnough // one of a number
		})
		if !errors.Is(err, errEnough) && err != nil {
			return err
		}
	}
	return nil
}

// complete adds to a row what it was asked, where that is wanted, and answered.
func (c conn) complete(r *store.StoredRow, f store.RowFilter) error {
	if f.Questions && r.Ask != 0 {
		_, err := c.one("SELECT question, service FROM asks WHERE id = ?", func(stmt *sqlite.Stmt) {
			r.Question, r.Service = columnBytes(stmt, 0), stmt.ColumnText(1)
		}, r.Ask)
		if err != nil {
			return fmt.Errorf("read question: %w", err)
		}
	}
	return c.readAnswer(r)
}

// rowLineColumn is where eachRow's statement has the sealed line, which not
// every caller wants.
const rowLineColumn = 3

// eachRow calls f for the rows of a batch after a number and until another, or
// 0, with their state. The row is used again for the next.
func (c conn) eachRow(h *header, after, until int, f func(*store.StoredRow, *sqlite.Stmt) error) error {
	marks := &chunkCache{conn: c}
	last := lastRow(h.no, until)
	var r store.StoredRow
	return c.each("SELECT id, ask, cached, line FROM rows WHERE id BETWEEN ? AND ? ORDER BY id", func(stmt *sqlite.Stmt) error {
		r = store.StoredRow{ID: store.RowID(stmt.ColumnInt64(0)), Ask: columnAsk(stmt, 1), Cached: stmt.ColumnBool(2), State: store.Invalid}
		if r.Ask != 0 {
			if err := c.newest(h, &r); err != nil {
				return err
			}
			if err := c.placeRow(h, marks, &r); err != nil {
				return err
			}
		}
		return f(&r, stmt)
	}, store.NewRowID(h.no, after+1), last)
}

// lastRow is the id of row until of a batch; 0: the last that it could have.
func lastRow(no store.BatchNo, until int) store.RowID {
	if until > 0 {
		return store.NewRowID(no, until)
	}
	_, last := askRange(no)
	return store.RowID(last)
}

// newest finds the newest ask of a row.
func (c conn) newest(h *header, r *store.StoredRow) error {
	for more := h.renewals > 0; more; {
		var err error
		more, err = c.one("SELECT next, cached FROM renewals WHERE batch = ? AND ask = ?", func(stmt *sqlite.Stmt) {
			r.Ask, r.Cached = columnAsk(stmt, 0), stmt.ColumnBool(1)
		}, h.no, r.Ask)
		if err != nil {
			return fmt.Errorf("read renewals: %w", err)
		}
	}
	return nil
}

// placeRow finds out the state of a row that has an ask.
func (c conn) placeRow(h *header, marks *chunkCache, r *store.StoredRow) error {
	m, err := marks.mark(r.Ask)
	if err != nil {
		return err
	}
	r.State, r.Attempts = m.State, m.Attempts
	if r.State == store.Dropped {
		r.State = store.Cancelled
	}
	if h.state != store.BatchCancelled || r.State == store.Cancelled {
		return nil
	}
	// It may have left the ask to others.
	left, err := c.number("SELECT left FROM wants WHERE ask = ? AND batch = ?", r.Ask, h.no)
	if left != 0 {
		r.State, r.Attempts = store.Cancelled, 0
	}
	return err
}

// readAnswer adds the answer to a row whose state has one.
func (c conn) readAnswer(r *store.StoredRow) error {
	if !r.State.Answered() {
		return nil
	}
	_, err := c.one("SELECT at, body FROM answers WHERE ask = ?", func(stmt *sqlite.Stmt) {
		r.At, r.Body = columnTime(stmt, 0), columnBytes(stmt, 1)
	}, r.Ask)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// Totals implements store.Reader. The calls of a batch are those for asks
// that it was the first to want.
func (s *Store) Totals(ctx context.Context, no store.BatchNo) (store.Totals, error) {
	first, last := store.AskID(0), store.AskID(1<<63-1)
	if no != 0 {
		first, last = askRange(no)
	}
	return read(ctx, s, func(c conn) (store.Totals, error) {
		var t store.Totals
		_, err := c.one(`SELECT sum(requests), sum(n), sum(min(unknown, requests)), sum(unknown) FROM calls WHERE chunk BETWEEN ? AND ?`, func(stmt *sqlite.Stmt) {
			t.Calls, t.Asks, t.UnknownCalls, t.UnknownAsks = stmt.ColumnInt(0), stmt.ColumnInt(1), stmt.ColumnInt(2), stmt.ColumnInt(3)
		}, first, last)
		if err == nil {
			var polls int64
			polls, err = c.number("SELECT sum(polls) FROM tickets WHERE chunk BETWEEN ? AND ?", first, last)
			t.Polls = int(polls)
		}
		if err != nil {
			return store.Totals{}, fmt.Errorf("read totals: %w", err)
		}
		return t, nil
	})
}
