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

// afford returns how many asks, of most, a claim may take for the money of who
// pays for them, or *store.BudgetError.
func (t *tx) afford(k *chunk, home *header, r store.ClaimRequest, p *store.Payers, wanted func(store.AskID) bool, most int) (int, error) {
	anySet, err := t.number("SELECT EXISTS (SELECT 1 FROM budgets)")
	if err != nil {
		return 0, fmt.Errorf("read budgets: %w", err)
	}
	if anySet == 0 && r.Budgets.None() {
		return most, nil
	}
	payer := p.First(k.Chunk, t.now, wanted)
	if payer == 0 {
		return most, nil
	}
	if payer != home.no {
		if home, err = t.anyHeader(payer); err != nil {
			return 0, err
		}
	}
	bounds, err := t.bounds(home, r.Budgets)
	if err != nil || len(bounds) == 0 {
		return most, err
	}
	uses, err := t.spends(bounds, t.now)
	if err != nil {
		return 0, err
	}
	most, err = store.Affords(uses, r.Price, most)
	if refused, ok := errors.AsType[*store.BudgetError](err); ok {
		refused.Batch = payer
	}
	return most, err
}

// bounds returns the budgets that bound a batch that pays.
func (c conn) bounds(payer *header, d store.BudgetDefaults) ([]store.Budget, error) {
	s := store.Spender{Batch: payer.id, Tenant: payer.tenant, Provider: payer.provider}
	set, err := c.setBudgets(s.Scopes())
	return s.Bounds(set, d), err
}

// setBudgets returns the budgets of some scopes that somebody has set.
func (c conn) setBudgets(scopes []store.BudgetScope) ([]store.Budget, error) {
	var set []store.Budget
	for _, scope := range scopes {
		_, err := c.one("SELECT amount, currency FROM budgets WHERE scope = ?", func(stmt *sqlite.Stmt) {
			set = append(set, store.Budget{BudgetScope: scope, Limit: columnLimit(stmt, 0)})
		}, scope.String())
		if err != nil {
			return nil, fmt.Errorf("read budgets: %w", err)
		}
	}
	return set, nil
}

func columnLimit(stmt *sqlite.Stmt, i int) store.Limit {
	return store.Limit{Amount: store.Money(stmt.ColumnInt64(i)), Currency: stmt.ColumnText(i + 1)}
}

// PauseUnfunded implements store.Budgeting.
func (s *Store) PauseUnfunded(ctx context.Context, e *store.BudgetError, d store.BudgetDefaults) (bool, error) {
	return write(ctx, s, func(t *tx) (bool, error) {
		h, err := t.in(e.Batch, "pause", store.BatchRunning)
		if _, moved := errors.AsType[*store.StateError](err); moved || errors.Is(err, store.ErrNoBatch) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		unfunded, err := t.unfunded(h, e.Price, d)
		if err != nil || unfunded == nil {
			return false, err
		}
		reason, budget := unfunded.Reason(), unfunded.Use.BudgetScope.String()
		err = t.exec("UPDATE batches SET state = ?, reason = ?, held_by = ? WHERE no = ?", store.BatchPaused, reason, budget, h.no)
		if err != nil {
			return false, fmt.Errorf("pause batch: %w", err)
		}
		if err := t.note(store.Entry{What: store.EntryPaused, Batch: h.no, Scope: budget, Reason: reason}); err != nil {
			return false, err
		}
		return true, t.tellPause(h, budget)
	})
}

// unfunded returns the budget that has no room for a question of a batch, and
// will have none when what is under way has come to its end.
func (t *tx) unfunded(h *header, p store.Price, d store.BudgetDefaults) (*store.BudgetError, error) {
	bounds, err := t.bounds(h, d)
	if err != nil {
		return nil, err
	}
	var uses []store.BudgetUse
	for _, b := range bounds {
		u, err := t.use(b, t.now)
		if err != nil {
			return nil, err
		}
		uses = append(uses, u)
	}
	return store.Unfunded(uses, p, func(u store.BudgetUse) (store.Money, error) {
		sending, err := t.sumCalls(u, " AND c.state = 1")
		return sending.Held, err
	})
}

// ResumeFunded implements store.Budgeting.
func (s *Store) ResumeFunded(ctx context.Context, d store.BudgetDefaults, prices map[string]store.Price) ([]store.BatchNo, error) {
	now := s.clock()
	funded, err := read(ctx, s, func(c conn) ([]store.HeldBatch, error) { return c.funded(d, prices, now) })
	if err != nil || len(funded) == 0 {
		return nil, err
	}
	return write(ctx, s, func(t *tx) (resumed []store.BatchNo, err error) {
		for _, h := range funded {
			err := t.exec("UPDATE batches SET state = ?, reason = '', held_by = '' WHERE no = ? AND held_by = ?",
				store.BatchRunning, h.No, h.By.String())
			if err != nil {
				return nil, fmt.Errorf("resume batch: %w", err)
			}
			if t.Changes() == 0 {
				continue
			}
			resumed = append(resumed, h.No)
			if err := t.note(store.Entry{What: store.EntryResumed, Batch: h.No, Scope: h.By.String()}); err != nil {
				return nil, err
			}
		}
		slices.Sort(resumed)
		return resumed, nil
	})
}

// funded lists the batches held by a budget that has room for them again.
func (c conn) funded(d store.BudgetDefaults, prices map[string]store.Price, now time.Time) ([]store.HeldBatch, error) {
	held, err := c.held()
	if err != nil || len(held) == 0 {
		return nil, err
	}
	scopes := make([]store.BudgetScope, len(held))
	for i, h := range held {
		scopes[i] = h.By
	}
	set, err := c.setBudgets(scopes)
	if err != nil {
		return nil, err
	}
	f := &store.Funding{Defaults: d, Set: set, Prices: prices, Use: func(b store.Budget) (store.BudgetUse, error) { return c.use(b, now) }}
	return f.Funded(held)
}

// held lists the batches that a budget holds.
func (c conn) held() ([]store.HeldBatch, error) {
	var all []store.HeldBatch
	err := c.each(`SELECT no, id, tenant, provider, held_by, (SELECT coalesce(sum(n), 0) FROM tallies t WHERE t.batch = no AND t.state = 1)
		FROM batches WHERE held_by <> ''`, func(stmt *sqlite.Stmt) error {
		by, err := store.ParseBudgetScope(stmt.ColumnText(4))
		all = append(all, store.HeldBatch{
			No: columnBatch(stmt, 0), By: by, Queued: stmt.ColumnInt(5),
			Spender: store.Spender{Batch: stmt.ColumnText(1), Tenant: stmt.ColumnText(2), Provider: stmt.ColumnText(3)},
		})
		return err
	})
	for i := 0; err == nil && i < len(all); i++ {
		all[i].Unasked, err = c.unasked(all[i].No)
	}
	if err != nil {
		return nil, fmt.Errorf("list held batches: %w", err)
	}
	return all, nil
}
