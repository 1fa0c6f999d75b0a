package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// addSpend notes that a call of a batch, recorded at some time, costs otherwise
// than before: the sums of the budgets that it counts in are moved. There are
// none where no budget was ever looked at.
func (t *tx) addSpend(payer store.BatchNo, home *header, sent time.Time, c store.Cost) error {
	id := home.id
	if payer != home.no {
		_, err := t.one("SELECT id FROM batches WHERE no = ?", func(stmt *sqlite.Stmt) { id = stmt.ColumnText(0) }, payer)
		if err != nil {
			return fmt.Errorf("read batch: %w", err)
		}
	}
	scopes, spans := store.Spender{Batch: id, Tenant: home.tenant, Provider: home.provider}.Turns(sent)
	args := []any{int64(c.Held), int64(c.Spent), c.Currency}
	for _, key := range slices.Concat(scopes, spans) {
		args = append(args, key)
	}
	if err := t.exec(moveSpends, args...); err != nil {
		return fmt.Errorf("write sums of budgets: %w", err)
	}
	return nil
}

// moveSpends moves the sums of the five budgets of store.Spender.Turns. A scope
// has turns of one length only, so that no other pair of these is there.
const moveSpends = `UPDATE spends SET held = held + ?, spent = spent + ? WHERE currency = ?
	AND scope IN (?, ?, ?, ?, ?) AND period IN (?, ?, ?, ?, ?)`

// spends returns how budgets stand, or *store.UncountedError.
func (c conn) spends(budgets []store.Budget, now time.Time) ([]store.BudgetUse, error) {
	var uses, missing []store.BudgetUse
	for _, b := range budgets {
		u, found, err := c.spend(b, now)
		if err != nil {
			return nil, err
		}
		if !found {
			missing = append(missing, u)
		}
		uses = append(uses, u)
	}
	if len(missing) > 0 {
		return nil, &store.UncountedError{Uses: missing}
	}
	return uses, nil
}

// spend returns how a budget stands by its sum, and whether there is one.
func (c conn) spend(b store.Budget, now time.Time) (u store.BudgetUse, found bool, err error) {
	u = b.Begin(now)
	found, err = c.one("SELECT held, spent FROM spends WHERE scope = ? AND period = ? AND currency = ?", func(stmt *sqlite.Stmt) {
		u.Held, u.Spent = store.Money(stmt.ColumnInt64(0)), store.Money(stmt.ColumnInt64(1))
	}, u.BudgetScope.String(), u.Name, u.Currency)
	if err != nil {
		return u, false, fmt.Errorf("read sums of budgets: %w", err)
	}
	return u, found, nil
}

// use returns how a budget stands, by its sum or, where nobody has formed it, by
// the calls.
func (c conn) use(b store.Budget, now time.Time) (store.BudgetUse, error) {
	u, found, err := c.spend(b, now)
	if err != nil || found {
		return u, err
	}
	sum, err := c.sumCalls(u, "")
	u.Held, u.Spent = sum.Held, sum.Spent
	return u, err
}

// countSpends forms sums of budgets that nobody has formed in their turn.
func (s *Store) countSpends(ctx context.Context, uses []store.BudgetUse) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		for _, u := range uses {
			c, err := t.sumCalls(u, "")
			if err == nil {
				err = t.exec("INSERT INTO spends (scope, period, currency, held, spent) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
					u.BudgetScope.String(), u.Name, u.Currency, int64(c.Held), int64(c.Spent))
			}
			if err != nil {
				return none, fmt.Errorf("sum up calls: %w", err)
			}
		}
		return none, nil
	})
	return err
}

// counted runs a change again, after the sums that it misses have been formed.
func counted[T any](ctx context.Context, s *Store, run func() (T, error)) (T, error) {
	for {
		result, err := run()
		uncounted, ok := errors.AsType[*store.UncountedError](err)
		if !ok {
			return result, err
		}
		if err := s.countSpends(ctx, uncounted.Uses); err != nil {
			var none T
			return none, err
		}
	}
}

// sumCalls adds up the calls that count in a turn of a budget, of those that
// fit a condition.
func (c conn) sumCalls(u store.BudgetUse, and string) (store.Cost, error) {
	where := map[store.BudgetKind]string{
		store.BudgetOfBatch:    "c.payer = (SELECT no FROM batches WHERE id = ?)",
		store.BudgetOfTenant:   "c.payer IN (SELECT no FROM batches WHERE tenant = ?)",
		store.BudgetOfProvider: "c.provider = ?",
	}[u.Kind]
	args := []any{u.Currency, u.BudgetScope.Name}
	if u.Period != store.WholeLife {
		where += " AND c.sent_at >= ? AND c.sent_at < ?"
		args = append(args, u.From, u.Until)
	}
	cost := store.Cost{Currency: u.Currency}
	_, err := c.one("SELECT sum((c.n - c.charged - c.free) * "+unit+"), sum(c.charged * "+unit+") FROM calls c WHERE c.currency = ? AND "+where+and,
		func(stmt *sqlite.Stmt) {
			cost.Held, cost.Spent = store.Money(stmt.ColumnInt64(0)), store.Money(stmt.ColumnInt64(1))
		}, args...)
	if err != nil {
		return cost, fmt.Errorf("sum up calls: %w", err)
	}
	return cost, nil
}
