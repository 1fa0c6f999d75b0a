package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// maxProblems bounds a report: a store that is badly hurt would name every
// row.
const maxProblems = 100

// Check implements store.Store. It reads everything, on one snapshot, and
// tells problems by numbers of batches, rows and asks.
func (s *Store) Check(ctx context.Context) (store.Report, error) {
	return read(ctx, s, func(conn conn) (store.Report, error) {
		c := &checker{conn: conn, held: map[store.AskID]string{}}
		for _, check := range []func() error{c.file, c.count, c.chunks, c.batches, c.holders, c.answers, c.keys} {
			if err := check(); err != nil {
				return store.Report{}, fmt.Errorf("check store: %w", err)
			}
			if c.damaged {
				break // the states of asks cannot be read
			}
		}
		if c.untold > 0 {
			c.report.Problems = append(c.report.Problems, fmt.Sprintf("and %d more", c.untold))
		}
		return c.report, nil
	})
}

type checker struct {
	conn
	report store.Report
	untold int
	// damaged: there are chunks that cannot be read.
	damaged bool
	// held says, for every ask that is under way, which call or ticket has it.
	held map[store.AskID]string
}

func (c *checker) problem(format string, args ...any) {
	if len(c.report.Problems) == maxProblems {
		c.untold++
		return
	}
	c.report.Problems = append(c.report.Problems, fmt.Sprintf(format, args...))
}

// expect reports a problem unless got is want.
func (c *checker) expect(got, want int, format string, args ...any) {
	if got != want {
		c.problem("%s: %d, want %d", fmt.Sprintf(format, args...), got, want)
	}
}

func name(a store.AskID) string { return fmt.Sprintf("ask %d of batch %d", a.Pos(), a.Home()) }

// file lets SQLite look for damaged pages.
func (c *checker) file() error {
	return c.each("PRAGMA quick_check", func(stmt *sqlite.Stmt) error {
		if text := stmt.ColumnText(0); text != "ok" {
			c.problem("the file is damaged: %s", text)
		}
		return nil
	})
}

func (c *checker) count() error {
	for _, n := range []struct {
		into  *int
		query string
	}{
		{&c.report.Batches, "SELECT count(*) FROM batches WHERE state <> 'abandoned'"},
		{&c.report.Rows, "SELECT count(*) FROM rows"},
		{&c.report.Asks, "SELECT count(*) FROM asks"},
		{&c.report.Calls, "SELECT count(*) FROM calls"},
		{&c.report.Tickets, "SELECT count(*) FROM tickets"},
		{&c.report.Answers, "SELECT count(*) FROM answers"},
	} {
		count, err := c.number(n.query)
		if err != nil {
			return err
		}
		*n.into = int(count)
	}
	return nil
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
		if h.state == stateAbandoned {
			continue
		}
		if err := c.rowsOf(h); err != nil {
			return err
		}
	}
	return nil
}

// asksOf checks that the asks of a home are all there, and cut from the first
// on.
func (c *checker) asksOf(h *header) error {
	first, last := askRange(h.no)
	if h.state != stateAbandoned {
		n, err := c.number("SELECT count(*) FROM asks WHERE id BETWEEN ? AND ?", first, last)
		if err != nil {
			return err
		}
		c.expect(int(n), h.asks, "asks of batch %d", h.no)
	}
	next := first
	err := c.each("SELECT id, n FROM chunks WHERE id BETWEEN ? AND ? ORDER BY id", func(stmt *sqlite.Stmt) error {
		id, n := columnAsk(stmt, 0), stmt.ColumnInt(1)
		if id != next {
			c.problem("the chunk at %s overlaps the one before it, or leaves a gap", name(id))
		}
		next = id + store.AskID(n)
		return nil
	}, first, last)
	if err != nil {
		return err
	}
	c.expect(next.Pos(), h.cut, "asks of batch %d that are in chunks", h.no)
	return nil
}

func (c *checker) rowsOf(h *header) error {
	counts := store.Counts{}
	own, number := 0, 0
	err := c.eachRow(h, 0, func(r *sealedRow, _ *sqlite.Stmt) error {
		if number++; r.id.Number() != number {
			c.problem("row %d of batch %d is not there", number, h.no)
			number = r.id.Number()
		}
		counts[r.state]++
		if r.ask != 0 && !r.cached {
			own++
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.expect(counts.Total(), h.rows, "rows of batch %d", h.no)
	if err := c.tallies(h, counts); err != nil {
		return err
	}
	// Every row that is not a known answer is the first of an ask at home, or
	// written down as a want.
	wants, err := c.number("SELECT sum(rows) FROM wants WHERE batch = ?", h.no)
	if err != nil {
		return err
	}
	c.expect(own, h.asks+int(wants), "rows of batch %d that wait on an ask", h.no)
	if h.state == store.BatchDone && counts.Open() > 0 {
		c.problem("batch %d is done and has %d open rows", h.no, counts.Open())
	}
	return nil
}

func (c *checker) tallies(h *header, counts store.Counts) error {
	tallies, err := c.counts(h.no)
	if err != nil {
		return err
	}
	for _, s := range append(store.RowStates(), store.Dropped) {
		c.expect(tallies[s], counts[s], "tally of %s rows of batch %d", s, h.no)
	}
	return nil
}

// chunks checks marks, and what chunks say of themselves.
func (c *checker) chunks() error {
	return c.each("SELECT "+chunkColumns+", n, open FROM chunks ORDER BY id", func(stmt *sqlite.Stmt) error {
		id := columnAsk(stmt, 0)
		k, err := scanChunk(stmt)
		if err != nil {
			c.problem("the chunk at %s: %v", name(id), err)
			c.damaged = true
			return nil
		}
		queued, open := k.Count()
		c.expect(stmt.ColumnInt(6), k.Len(), "length of the chunk at %s", name(id))
		c.expect(k.queued, queued, "queued asks in the chunk at %s", name(id))
		c.expect(stmt.ColumnInt(7), open, "open asks in the chunk at %s", name(id))
		return nil
	})
}
