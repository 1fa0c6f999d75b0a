package sqlite

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// holders checks that every ask under way belongs to exactly one call or
// ticket, and that those hold nothing else.
func (c *checker) holders() error {
	marks := &chunkCache{conn: c.conn}
	if err := c.callsHold(marks); err != nil {
		return err
	}
	if err := c.ticketsHold(marks); err != nil {
		return err
	}
	return c.eachMark(func(a store.AskID, m store.Mark) error {
		if _, held := c.held[a]; !held && (m.State == store.Sending || m.State == store.Waiting || m.State == store.Unknown) {
			c.problem("%s is %s, and no call or ticket has it", name(a), m.State)
		}
		return nil
	})
}

func (c *checker) callsHold(marks *chunkCache) error {
	return c.each("SELECT id, chunk, open, state, unknown FROM calls WHERE open <> x'' OR state <> 4", func(stmt *sqlite.Stmt) error {
		call := fmt.Sprintf("call %d", stmt.ColumnInt64(0))
		seen, err := c.hold(marks, call, columnAsk(stmt, 1), columnBytes(stmt, 2), store.Sending, store.Unknown)
		if err != nil {
			return err
		}
		state := stmt.ColumnInt(3)
		c.expect(stmt.ColumnInt(4), seen[store.Unknown], "unknown asks of %s", call)
		if (state == callSending) != (seen[store.Sending] > 0) || state == callDone && seen[store.Unknown] > 0 {
			c.problem("%s is in state %d with %d asks in sending and %d unknown", call, state, seen[store.Sending], seen[store.Unknown])
		}
		return nil
	})
}

func (c *checker) ticketsHold(marks *chunkCache) error {
	return c.each("SELECT id, chunk, open, waiting, closed FROM tickets", func(stmt *sqlite.Stmt) error {
		ticket := fmt.Sprintf("ticket %d", stmt.ColumnInt64(0))
		seen, err := c.hold(marks, ticket, columnAsk(stmt, 1), columnBytes(stmt, 2), store.Waiting)
		if err != nil {
			return err
		}
		c.expect(stmt.ColumnInt(3), seen[store.Waiting], "asks that wait on %s", ticket)
		if stmt.ColumnBool(4) && seen[store.Waiting] > 0 {
			c.problem("%s is closed, and %d asks wait on it", ticket, seen[store.Waiting])
		}
		return nil
	})
}

// hold notes who has the asks at the given offsets of a chunk and counts them
// by state. They must be in one of the states, or failed so that a late
// answer counts.
func (c *checker) hold(marks *chunkCache, who string, chunk store.ChunkID, open []byte, states ...store.State) (map[store.State]int, error) {
	seen := map[store.State]int{}
	offsets, err := store.ParseOffsets(open)
	if err != nil {
		c.problem("%s: %v", who, err)
		return seen, nil
	}
	for _, i := range offsets {
		a := chunk + store.AskID(i)
		m, err := marks.mark(a)
		if err != nil {
			return nil, err
		}
		seen[m.State]++
		fits := m.State == store.Failed
		for _, s := range states {
			fits = fits || m.State == s
		}
		if !fits {
			c.problem("%s has %s, which is %s", who, name(a), m.State)
		}
		if m.State == store.Failed {
			continue
		}
		if other, held := c.held[a]; held {
			c.problem("%s belongs to %s and to %s", name(a), other, who)
		}
		c.held[a] = who
	}
	return seen, nil
}

// eachMark calls f for every ask that is in a chunk, in order.
func (c *checker) eachMark(f func(store.AskID, store.Mark) error) error {
	return c.each("SELECT "+chunkColumns+" FROM chunks ORDER BY id", func(stmt *sqlite.Stmt) error {
		k, err := scanChunk(stmt)
		if err != nil {
			return err
		}
		for i := range k.Len() {
			if err := f(k.Ask(i), k.Mark(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// answers checks that the asks that have one are those whose mark says so. It
// goes through both in order, so that no list of asks is needed.
func (c *checker) answers() error {
	stmt, err := c.Prepare("SELECT ask FROM answers ORDER BY ask")
	if err != nil {
		return err
	}
	more, err := stmt.Step()
	advance := func() {
		if err == nil {
			more, err = stmt.Step()
		}
	}
	walkErr := c.eachMark(func(a store.AskID, m store.Mark) error {
		for ; err == nil && more && columnAsk(stmt, 0) < a; advance() {
			c.problem("there is an answer to %s, which has no mark", name(columnAsk(stmt, 0)))
		}
		answered := err == nil && more && columnAsk(stmt, 0) == a
		final := m.State == store.Found || m.State == store.NotFound || m.State == store.Failed
		if answered {
			advance()
		}
		if err == nil && final != answered {
			c.problem("%s is %s, and an answer is there: %t", name(a), m.State, answered)
		}
		return err
	})
	for ; walkErr == nil && err == nil && more; advance() {
		c.problem("there is an answer to %s, which has no mark", name(columnAsk(stmt, 0)))
	}
	if walkErr != nil {
		err = walkErr
	}
	return reset(stmt, err)
}

// keys checks what refers to asks.
func (c *checker) keys() error {
	for _, q := range []struct{ query, problem string }{
		{
			"SELECT ask FROM rows WHERE ask IS NOT NULL AND NOT EXISTS (SELECT 1 FROM asks a WHERE a.id = rows.ask)",
			"a row wants %s, which is not there",
		},
		{
			"SELECT ask FROM ask_keys WHERE NOT EXISTS (SELECT 1 FROM asks a WHERE a.id = ask_keys.ask)",
			"a key names %s, which is not there",
		},
		{
			"SELECT ask FROM wants WHERE left = 0 AND NOT EXISTS (SELECT 1 FROM asks a WHERE a.id = wants.ask)",
			"a batch wants %s, which is not there",
		},
		{
			"SELECT ask FROM ask_keys GROUP BY ask HAVING count(*) > 1",
			"several keys name %s",
		},
	} {
		err := c.each(q.query, func(stmt *sqlite.Stmt) error {
			c.problem(q.problem, name(columnAsk(stmt, 0)))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
