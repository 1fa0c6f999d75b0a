package sqlite

import (
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// billColumns are the columns of calls that columnBill reads.
const billColumns = "payer, price, currency, charged, free"

func columnBill(stmt *sqlite.Stmt, i int) store.Bill {
	return store.Bill{
		Payer: columnBatch(stmt, i), Price: store.Price{Each: store.Money(stmt.ColumnInt64(i + 1)), Currency: stmt.ColumnText(i + 2)},
		Charged: stmt.ColumnInt(i + 3), Free: stmt.ColumnInt(i + 4),
	}
}

// addCost notes that a call, recorded at some time, costs otherwise than before:
// for its budgets, and for the batch that pays.
func (t *tx) addCost(no store.BatchNo, home *header, sent time.Time, c store.Cost) error {
	if c.None() {
		return nil
	}
	if err := t.addSpend(no, home, sent, c); err != nil {
		return err
	}
	err := t.exec(`INSERT INTO costs (batch, currency, held, spent) VALUES (?, ?, ?, ?)
		ON CONFLICT (batch, currency) DO UPDATE SET held = held + excluded.held, spent = spent + excluded.spent`,
		no, c.Currency, int64(c.Held), int64(c.Spent))
	if err != nil {
		return fmt.Errorf("write costs: %w", err)
	}
	return nil
}

// costs returns what a batch costs, by currency.
func (c conn) costs(no store.BatchNo) ([]store.Cost, error) {
	var all []store.Cost
	err := c.each("SELECT currency, held, spent FROM costs WHERE batch = ? AND (held <> 0 OR spent <> 0) ORDER BY currency", func(stmt *sqlite.Stmt) error {
		all = append(all, store.Cost{Currency: stmt.ColumnText(0), Held: store.Money(stmt.ColumnInt64(1)), Spent: store.Money(stmt.ColumnInt64(2))})
		return nil
	}, no)
	if err != nil {
		return nil, fmt.Errorf("read costs: %w", err)
	}
	return all, nil
}

// unasked counts the asks at home of a batch that are queued.
func (c conn) unasked(no store.BatchNo) (int, error) {
	first, last := askRange(no)
	n, err := c.number(`SELECT (SELECT asks - cut FROM batches WHERE no = ?1)
		+ (SELECT coalesce(sum(queued), 0) FROM chunks WHERE id BETWEEN ?2 AND ?3 AND queued > 0)`, no, first, last)
	if err != nil {
		return 0, fmt.Errorf("count what is queued: %w", err)
	}
	return int(n), nil
}
