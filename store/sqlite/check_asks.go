package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// holders checks that every ask under way belongs to exactly one call or
// ticket, and that those hold nothing else.
func (c *checker) holders() error {
	marks := &chunkCache{conn: c.conn}
	err := c.each("SELECT id, chunk, open, state, n, unknown, "+billColumns+" FROM calls WHERE open <> x'' OR state <> 4 OR charged + free <> n", func(stmt *sqlite.Stmt) error {
		return c.Call(store.CallID(stmt.ColumnInt64(0)), columnAsk(stmt, 1), columnBytes(stmt, 2),
			store.CallState(stmt.ColumnInt(3)), stmt.ColumnInt(4), stmt.ColumnInt(5), columnBill(stmt, 6), marks.mark)
	})
	if err != nil {
		return err
	}
	err = c.each("SELECT id, chunk, open, waiting, closed FROM tickets", func(stmt *sqlite.Stmt) error {
		return c.Ticket(store.TicketID(stmt.ColumnInt64(0)), columnAsk(stmt, 1), columnBytes(stmt, 2),
			stmt.ColumnInt(3), stmt.ColumnBool(4), marks.mark)
	})
	if err != nil {
		return err
	}
	return c.eachMark(func(a store.AskID, s store.State) error {
		c.Mark(a, s)
		return nil
	})
}

// money holds what batches cost, and the sums of budgets, against the ledger.
func (c *checker) money() error {
	err := c.each(`SELECT batch, currency, sum(held), sum(spent), sum(c_held), sum(c_spent) FROM (
			SELECT batch, currency, held, spent, 0 AS c_held, 0 AS c_spent FROM costs
			UNION ALL SELECT payer, currency, 0, 0, (n - charged - free) * `+unit+", charged * "+unit+` FROM calls c
		) GROUP BY batch, currency ORDER BY batch, currency`, func(stmt *sqlite.Stmt) error {
		cost := func(i int) store.Cost {
			return store.Cost{Currency: stmt.ColumnText(1), Held: store.Money(stmt.ColumnInt64(i)), Spent: store.Money(stmt.ColumnInt64(i + 1))}
		}
		c.Costs(columnBatch(stmt, 0), cost(2), cost(4))
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.spends(); err != nil {
		return err
	}
	return c.each("SELECT no, state, held_by FROM batches WHERE held_by <> '' ORDER BY no", func(stmt *sqlite.Stmt) error {
		c.HeldBy(columnBatch(stmt, 0), store.BatchState(stmt.ColumnText(1)), stmt.ColumnText(2))
		return nil
	})
}

func (c *checker) spends() error {
	return c.each("SELECT scope, period, currency, held, spent FROM spends ORDER BY scope, period, currency", func(stmt *sqlite.Stmt) (err error) {
		u := store.BudgetUse{Held: store.Money(stmt.ColumnInt64(3)), Spent: store.Money(stmt.ColumnInt64(4))}
		u.Currency = stmt.ColumnText(2)
		if u.BudgetScope, err = store.ParseBudgetScope(stmt.ColumnText(0)); err == nil {
			u.BudgetSpan, err = u.Period.Named(stmt.ColumnText(1))
		}
		if err != nil {
			return err
		}
		calls, err := c.sumCalls(u, "")
		c.Spend(u, calls)
		return err
	})
}

// eachMark calls f for every ask that is in a chunk, in order.
func (c *checker) eachMark(f func(store.AskID, store.State) error) error {
	return c.each("SELECT "+chunkColumns+" FROM chunks ORDER BY id", func(stmt *sqlite.Stmt) error {
		k, err := scanChunk(stmt)
		if err != nil {
			return err
		}
		for i := range k.Len() {
			if err := f(k.Ask(i), k.State(i)); err != nil {
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
	walkErr := c.eachMark(func(a store.AskID, s store.State) error {
		for ; err == nil && more && columnAsk(stmt, 0) < a; advance() {
			c.StrayAnswer(columnAsk(stmt, 0))
		}
		answered := err == nil && more && columnAsk(stmt, 0) == a
		if answered {
			advance()
		}
		if err == nil {
			c.Answer(a, s, answered)
		}
		return err
	})
	for ; walkErr == nil && err == nil && more; advance() {
		c.StrayAnswer(columnAsk(stmt, 0))
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
			"SELECT next FROM renewals WHERE NOT EXISTS (SELECT 1 FROM asks a WHERE a.id = renewals.next)",
			"rows were given %s, which is not there",
		},
		{
			"SELECT ask FROM ask_keys GROUP BY ask HAVING count(*) > 1",
			"several keys name %s",
		},
	} {
		err := c.each(q.query, func(stmt *sqlite.Stmt) error {
			c.Problem(q.problem, columnAsk(stmt, 0).Name())
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
