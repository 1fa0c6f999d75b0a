package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Check implements store.Store. It reads everything, on one snapshot.
func (s *Store) Check(ctx context.Context) (store.Report, error) {
	return readLong(ctx, s, func(conn conn) (store.Report, error) {
		counts, err := conn.totals()
		if err != nil {
			return store.Report{}, fmt.Errorf("check store: %w", err)
		}
		c := &checker{conn: conn, Audit: store.NewAudit(counts)}
		for _, check := range []func() error{c.file, c.chunks, c.batches, c.holders, c.money, c.answers, c.keys} {
			if err := check(); err != nil {
				return store.Report{}, fmt.Errorf("check store: %w", err)
			}
			if c.damaged {
				break // the states of asks cannot be read
			}
		}
		return c.Report(), nil
	})
}

type checker struct {
	conn
	*store.Audit
	// damaged: there are chunks that cannot be read.
	damaged bool
}

// file lets SQLite look for damaged pages.
func (c *checker) file() error {
	return c.each("PRAGMA quick_check", func(stmt *sqlite.Stmt) error {
		if text := stmt.ColumnText(0); text != "ok" {
			c.Problem("the file is damaged: %s", text)
		}
		return nil
	})
}

// totals counts everything that there is.
func (c conn) totals() (r store.Report, err error) {
	for _, n := range []struct {
		into  *int
		query string
	}{
		{&r.Batches, "SELECT count(*) FROM batches WHERE state <> 'abandoned'"},
		{&r.Rows, "SELECT count(*) FROM rows"},
		{&r.Asks, "SELECT count(*) FROM asks"},
		{&r.Calls, "SELECT count(*) FROM calls"},
		{&r.Tickets, "SELECT count(*) FROM tickets"},
		{&r.Answers, "SELECT count(*) FROM answers"},
	} {
		count, err := c.number(n.query)
		if err != nil {
			return r, err
		}
		*n.into = int(count)
	}
	return r, nil
}

// batches holds rows against tallies and against what batches say of
// themselves.
func (c *checker) batches() error {
	all, err := c.batchNumbers("SELECT no FROM batches ORDER BY no")
	if err != nil {
		return err
	}
	for _, no := range all {
		h, err := c.anyHeader(no)
		if err != nil {
			return err
		}
		if err := c.asksOf(h); err != nil {
			return err
		}
		check := c.rowsOf
		switch {
		case h.state == store.BatchAbandoned:
			continue
		case !h.expired.IsZero():
			check = c.goneOf
		}
		if err := check(h); err != nil {
			return err
		}
	}
	return nil
}

// asksOf checks that the asks of a home are all there, and cut from the first
// on.
func (c *checker) asksOf(h *header) error {
	first, last := askRange(h.no)
	if h.state != store.BatchAbandoned && h.expired.IsZero() {
		n, err := c.number("SELECT count(*) FROM asks WHERE id BETWEEN ? AND ?", first, last)
		if err != nil {
			return err
		}
		c.Expect(int(n), h.asks, "asks of batch %d", h.no)
	}
	next := first
	err := c.each("SELECT id, n FROM chunks WHERE id BETWEEN ? AND ? ORDER BY id", func(stmt *sqlite.Stmt) error {
		id, n := columnAsk(stmt, 0), stmt.ColumnInt(1)
		if id != next {
			c.Problem("the chunk at %s overlaps the one before it, or leaves a gap", id.Name())
		}
		next = id + store.AskID(n)
		return nil
	}, first, last)
	if err != nil {
		return err
	}
	c.Expect(next.Pos(), h.cut, "asks of batch %d that are in chunks", h.no)
	return nil
}

func (c *checker) rowsOf(h *header) error {
	counts := store.Counts{}
	waiting, known, number := 0, 0, 0
	err := c.eachRow(h, 0, 0, func(r *store.StoredRow, _ *sqlite.Stmt) error {
		if number++; r.ID.Number() != number {
			c.Problem("row %d of batch %d is not there", number, h.no)
			number = r.ID.Number()
		}
		counts[r.State]++
		switch {
		case r.Ask == 0:
		case r.Cached:
			known++
		default:
			waiting++
		}
		return nil
	})
	if err != nil {
		return err
	}
	tallies, err := c.counts(h.no)
	if err != nil {
		return err
	}
	wants, err := c.number("SELECT sum(rows) FROM wants WHERE batch = ?", h.no)
	if err != nil {
		return err
	}
	c.Rows(h.no, h.state, h.rows, h.asks, int(wants), waiting, counts, tallies)
	return c.sharedOf(h, known)
}

// goneOf checks a batch that has no rows any more.
func (c *checker) goneOf(h *header) error {
	tallies, err := c.counts(h.no)
	c.Gone(h.no, h.rows, tallies)
	return err
}

// sharedOf checks what a batch says of the rows that cost it nothing.
func (c *checker) sharedOf(h *header, known int) error {
	first, last := askRange(h.no)
	counted, renewals := store.Shared{Known: known}, 0
	_, err := c.one(`SELECT sum(rows) FILTER (WHERE ask NOT BETWEEN ?2 AND ?3), sum(rows) FILTER (WHERE ask BETWEEN ?2 AND ?3 AND rows > 0),
		(SELECT count(*) FROM renewals WHERE batch = ?1) FROM wants WHERE batch = ?1`, func(stmt *sqlite.Stmt) {
		counted.Joined, counted.Duplicates, renewals = stmt.ColumnInt(0), stmt.ColumnInt(1), stmt.ColumnInt(2)
	}, h.no, first, last)
	c.Shared(h.no, h.shared, counted, h.renewals, renewals)
	return err
}

// chunks checks marks, and what chunks say of themselves.
func (c *checker) chunks() error {
	return c.each("SELECT "+chunkColumns+", n, fresh, open FROM chunks ORDER BY id", func(stmt *sqlite.Stmt) error {
		k, err := scanChunk(stmt)
		if err != nil {
			c.Problem("the chunk at %s: %v", columnAsk(stmt, 0).Name(), err)
			c.damaged = true
			return nil
		}
		c.Chunk(k.Chunk, stmt.ColumnInt(6), k.queued, stmt.ColumnInt(7), stmt.ColumnInt(8))
		return nil
	})
}
