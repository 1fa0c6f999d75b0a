package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// holders checks that every ask under way belongs to one call or ticket, and
// that those hold nothing else. They come with their chunks, so that each
// chunk's marks are at hand.
func (c *checker) holders(ctx context.Context) error {
	err := c.each(ctx, `SELECT c.id, c.chunk, c.open, c.state, c.n, c.unknown, c.payer, c.price, c.currency, c.charged, c.free, k.marks
		FROM calls c JOIN chunks k ON k.id = c.chunk WHERE c.open <> '' OR c.state <> 4 OR c.charged + c.free <> c.n ORDER BY c.id`, func(r pgx.Rows) error {
		var id store.CallID
		var chunk store.ChunkID
		var open, marks []byte
		var state, asks, unknown int
		var bill store.Bill
		err := r.Scan(&id, &chunk, &open, &state, &asks, &unknown,
			&bill.Payer, &bill.Price.Each, &bill.Price.Currency, &bill.Charged, &bill.Free, &marks)
		if err != nil {
			return err
		}
		return c.Call(id, chunk, open, store.CallState(state), asks, unknown, bill, markIn(chunk, marks))
	})
	if err != nil {
		return err
	}
	return c.each(ctx, `SELECT t.id, t.chunk, t.open, t.waiting, t.closed, k.marks FROM tickets t JOIN chunks k ON k.id = t.chunk
		ORDER BY t.id`, func(r pgx.Rows) error {
		var id store.TicketID
		var chunk store.ChunkID
		var open, marks []byte
		var waiting int
		var closed bool
		if err := r.Scan(&id, &chunk, &open, &waiting, &closed, &marks); err != nil {
			return err
		}
		return c.Ticket(id, chunk, open, waiting, closed, markIn(chunk, marks))
	})
}

// money holds what batches cost, and the sums of budgets, against the ledger.
func (c *checker) money(ctx context.Context) error {
	err := c.each(ctx, `SELECT batch, currency, sum(held)::bigint, sum(spent)::bigint, sum(c_held)::bigint, sum(c_spent)::bigint FROM (
			SELECT batch, currency, held, spent, 0 AS c_held, 0 AS c_spent FROM costs
			UNION ALL SELECT payer, currency, 0, 0, (n - charged - free) * `+unit+", charged * "+unit+` FROM calls c
		) m GROUP BY batch, currency ORDER BY batch, currency`, func(r pgx.Rows) error {
		var no store.BatchNo
		var got, calls store.Cost
		err := r.Scan(&no, &got.Currency, &got.Held, &got.Spent, &calls.Held, &calls.Spent)
		calls.Currency = got.Currency
		c.Costs(no, got, calls)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.spends(ctx); err != nil {
		return err
	}
	return c.each(ctx, "SELECT no, state, held_by FROM batches WHERE held_by <> '' ORDER BY no", func(r pgx.Rows) error {
		var no store.BatchNo
		var state store.BatchState
		var by string
		err := r.Scan(&no, &state, &by)
		c.HeldBy(no, state, by)
		return err
	})
}

func (c *checker) spends(ctx context.Context) error {
	var uses []store.BudgetUse
	err := c.each(ctx, "SELECT scope, period, currency, held, spent FROM spends ORDER BY scope, period, currency", func(r pgx.Rows) (err error) {
		var scope, span string
		var u store.BudgetUse
		if err := r.Scan(&scope, &span, &u.Currency, &u.Held, &u.Spent); err != nil {
			return err
		}
		if u.BudgetScope, err = store.ParseBudgetScope(scope); err == nil {
			u.BudgetSpan, err = u.Period.Named(span)
		}
		uses = append(uses, u)
		return err
	})
	for i := 0; err == nil && i < len(uses); i++ {
		var calls store.Cost
		calls, err = c.sumCalls(ctx, uses[i], "")
		c.Spend(uses[i], calls)
	}
	return err
}

// markIn tells the marks of the asks of one chunk; others have none.
func markIn(id store.ChunkID, bytes []byte) func(store.AskID) (store.Mark, error) {
	return func(a store.AskID) (store.Mark, error) {
		k, err := store.LoadChunk(id, 0, bytes)
		if err != nil {
			return store.Mark{}, err
		}
		return marks{{Chunk: k}}.mark(a), nil
	}
}

// marksHold goes through the marks of all asks, in order: those under way
// belong to somebody, and the asks that have an answer are those whose mark
// says so.
func (c *checker) marksHold(ctx context.Context) error {
	const none = store.AskID(1<<63 - 1)
	for next := store.AskID(0); ; {
		page, err := c.chunks(ctx, "WHERE id >= $1 ORDER BY id LIMIT $2", next, chunkPage)
		if err != nil {
			return err
		}
		last := none
		if len(page) > 0 {
			last = page[len(page)-1].Last()
		}
		answered, err := list[store.AskID](ctx, c.conn, "SELECT ask FROM answers WHERE ask BETWEEN $1 AND $2 ORDER BY ask", next, last)
		if err != nil {
			return err
		}
		c.pageHolds(page, answered)
		if len(page) == 0 {
			return nil
		}
		next = last + 1
	}
}

func (c *checker) pageHolds(page marks, answered []store.AskID) {
	for _, a := range answered {
		if page.chunk(a) == nil {
			c.StrayAnswer(a)
		}
	}
	for _, k := range page {
		for i := range k.Len() {
			a, s := k.Ask(i), k.State(i)
			_, found := slices.BinarySearch(answered, a)
			c.Answer(a, s, found)
			c.Mark(a, s)
		}
	}
}

// keys checks what refers to asks.
func (c *checker) keys(ctx context.Context) error {
	for _, q := range []struct{ query, problem string }{
		{
			"SELECT ask FROM rows r WHERE ask IS NOT NULL AND NOT EXISTS (SELECT 1 FROM asks a WHERE a.id = r.ask)",
			"a row wants %s, which is not there",
		},
		{
			"SELECT ask FROM ask_keys k WHERE NOT EXISTS (SELECT 1 FROM asks a WHERE a.id = k.ask)",
			"a key names %s, which is not there",
		},
		{
			"SELECT ask FROM wants w WHERE NOT has_left AND NOT EXISTS (SELECT 1 FROM asks a WHERE a.id = w.ask)",
			"a batch wants %s, which is not there",
		},
		{
			"SELECT next AS ask FROM renewals r WHERE NOT EXISTS (SELECT 1 FROM asks a WHERE a.id = r.next)",
			"rows were given %s, which is not there",
		},
		{
			"SELECT ask FROM ask_keys GROUP BY ask HAVING count(*) > 1",
			"several keys name %s",
		},
	} {
		asks, err := list[store.AskID](ctx, c.conn, q.query+" ORDER BY ask")
		if err != nil {
			return err
		}
		for _, a := range asks {
			c.Problem(q.problem, a.Name())
		}
	}
	return nil
}
