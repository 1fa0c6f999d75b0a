package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Budgets implements store.Budgeting.
func (s *Store) Budgets(ctx context.Context, r store.BudgetsRequest) ([]store.BudgetUse, error) {
	now := s.clock()
	return readLong(ctx, s, func(c conn) ([]store.BudgetUse, error) {
		set, err := c.allSet(r.Batch != "")
		if err != nil {
			return nil, fmt.Errorf("read budgets: %w", err)
		}
		var tenants []string
		err = c.each("SELECT DISTINCT tenant FROM batches", func(stmt *sqlite.Stmt) error {
			tenants = append(tenants, stmt.ColumnText(0))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read tenants: %w", err)
		}
		all := r.Choose(set, tenants)
		for i, u := range all {
			stands, err := c.use(u.Budget, now)
			if err != nil {
				return nil, err
			}
			all[i].BudgetSpan, all[i].Held, all[i].Spent = stands.BudgetSpan, stands.Held, stands.Spent
		}
		return all, nil
	})
}

// allSet lists the budgets that somebody has set: of batches that are not
// finished, or of all.
func (c conn) allSet(finished bool) ([]store.BudgetUse, error) {
	var set []store.BudgetUse
	err := c.each(`SELECT scope, amount, currency, by_whom, at FROM budgets g WHERE ? OR scope NOT LIKE 'batch:%'
		OR EXISTS (SELECT 1 FROM batches b WHERE 'batch:' || b.id = g.scope AND b.state NOT IN ('done', 'cancelled'))`, func(stmt *sqlite.Stmt) error {
		scope, err := store.ParseBudgetScope(stmt.ColumnText(0))
		set = append(set, store.BudgetUse{
			Budget: store.Budget{BudgetScope: scope, Limit: columnLimit(stmt, 1)}, By: stmt.ColumnText(3), At: columnTime(stmt, 4),
		})
		return err
	}, finished)
	return set, err
}

// SetBudget implements store.Budgeting.
func (s *Store) SetBudget(ctx context.Context, b store.Budget, by string) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		if b.Kind == store.BudgetOfBatch {
			known, err := t.number("SELECT EXISTS (SELECT 1 FROM batches WHERE id = ? AND state <> 'abandoned')", b.Name)
			if err != nil {
				return none, fmt.Errorf("read batch: %w", err)
			}
			if known == 0 {
				return none, store.ErrNoBatch
			}
		}
		return none, t.setBudget(b, by)
	})
	return err
}

func (t *tx) setBudget(b store.Budget, by string) error {
	err := t.exec("INSERT OR REPLACE INTO budgets (scope, amount, currency, by_whom, at) VALUES (?, ?, ?, ?, ?)",
		b.BudgetScope.String(), int64(b.Amount), b.Currency, by, t.now)
	if err != nil {
		return fmt.Errorf("set budget: %w", err)
	}
	return nil
}

// UnsetBudget implements store.Budgeting.
func (s *Store) UnsetBudget(ctx context.Context, scope store.BudgetScope) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		if err := t.exec("DELETE FROM budgets WHERE scope = ?", scope.String()); err != nil {
			return none, fmt.Errorf("unset budget: %w", err)
		}
		if t.Changes() == 0 {
			return none, store.ErrNoBudget
		}
		return none, nil
	})
	return err
}
