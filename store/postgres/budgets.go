package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Budgets implements store.Budgeting.
func (s *Store) Budgets(ctx context.Context, r store.BudgetsRequest) ([]store.BudgetUse, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.BudgetUse, error) {
		var set []store.BudgetUse
		err := c.each(ctx, `SELECT scope, amount, currency, by_whom, at FROM budgets g WHERE $1 OR scope NOT LIKE 'batch:%'
			OR EXISTS (SELECT 1 FROM batches b WHERE 'batch:' || b.id = g.scope AND b.state NOT IN ('done', 'cancelled'))`, func(row pgx.Rows) error {
			var g budgetRow
			var at int64
			u := store.BudgetUse{}
			err := g.scan(row, &u.By, &at)
			u.Budget, u.At = g.Budget, fromMillis(at)
			set = append(set, u)
			return err
		}, r.Batch != "")
		if err != nil {
			return nil, fmt.Errorf("read budgets: %w", err)
		}
		tenants, err := list[string](ctx, c, "SELECT DISTINCT tenant FROM batches")
		if err != nil {
			return nil, fmt.Errorf("read tenants: %w", err)
		}
		all := r.Choose(set, tenants)
		for i, u := range all {
			stands, err := c.use(ctx, u.Budget, s.clock())
			if err != nil {
				return nil, err
			}
			all[i].BudgetSpan, all[i].Held, all[i].Spent = stands.BudgetSpan, stands.Held, stands.Spent
		}
		return all, nil
	})
}

// SetBudget implements store.Budgeting. It waits for claims that are judged by
// the budget as it was.
func (s *Store) SetBudget(ctx context.Context, b store.Budget, by string) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		if b.Kind == store.BudgetOfBatch {
			known, err := t.truth(ctx, "SELECT EXISTS (SELECT 1 FROM batches WHERE id = $1 AND state <> 'abandoned')", b.Name)
			if err != nil {
				return none, fmt.Errorf("read batch: %w", err)
			}
			if !known {
				return none, store.ErrNoBatch
			}
		}
		err = t.exec(ctx, "SELECT 1 FROM spends WHERE scope = $1 AND period = $2 FOR UPDATE", b.BudgetScope.String(), b.Period.At(t.now).Name)
		if err == nil {
			err = t.exec(ctx, setBudget, b.BudgetScope.String(), int64(b.Amount), b.Currency, by, millis(t.now))
		}
		if err != nil {
			return none, fmt.Errorf("set budget: %w", err)
		}
		return none, nil
	})
	return err
}

const setBudget = `INSERT INTO budgets (scope, amount, currency, by_whom, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope)
	DO UPDATE SET amount = excluded.amount, currency = excluded.currency, by_whom = excluded.by_whom, at = excluded.at`

// UnsetBudget implements store.Budgeting.
func (s *Store) UnsetBudget(ctx context.Context, scope store.BudgetScope) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		tag, err := t.Exec(ctx, "DELETE FROM budgets WHERE scope = $1", scope.String())
		if err != nil {
			return none, fmt.Errorf("unset budget: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return none, store.ErrNoBudget
		}
		return none, nil
	})
	return err
}
