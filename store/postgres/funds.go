package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// budgetRow is a budget that somebody has set, and the batch of which it is; 0:
// of none.
type budgetRow struct {
	store.Budget
	batch store.BatchNo
}

// queueBudgets adds the reading of the budgets that may bound a call of a chunk
// to a batch of statements.
func queueBudgets(b *pgx.Batch, into *[]budgetRow, id store.ChunkID) {
	b.Queue(`SELECT g.scope, g.amount, g.currency, 0 FROM batches b JOIN budgets g ON g.scope = ANY(ARRAY[
			'provider:' || b.provider || ':day', 'provider:' || b.provider || ':month', 'tenant:' || b.tenant || ':day', 'tenant:' || b.tenant || ':month'])
		WHERE b.no = $1 AND EXISTS (SELECT 1 FROM budgets)
		UNION ALL SELECT g.scope, g.amount, g.currency, b.no FROM batches b JOIN budgets g ON g.scope = 'batch:' || b.id
		WHERE EXISTS (SELECT 1 FROM budgets) AND b.no = ANY(ARRAY(SELECT $1::int
			UNION SELECT batch FROM wants WHERE ask BETWEEN $2 AND (SELECT id + n - 1 FROM chunks WHERE id = $2)))`,
		id.Home(), id).Query(func(rows pgx.Rows) error {
		*into = nil
		return eachOf(rows, func(r pgx.Rows) error {
			var row budgetRow
			err := row.scan(r, &row.batch)
			*into = append(*into, row)
			return err
		})
	})
}

func (g *budgetRow) scan(r pgx.Row, more ...any) (err error) {
	var scope string
	if err := r.Scan(append([]any{&scope, &g.Amount, &g.Currency}, more...)...); err != nil {
		return err
	}
	g.BudgetScope, err = store.ParseBudgetScope(scope)
	return err
}

// bounds returns the budgets that bound a payer.
func (v *view) bounds(rows []budgetRow, payer store.BatchNo, d store.BudgetDefaults) []store.Budget {
	s := store.Spender{Tenant: v.home.tenant, Provider: v.home.provider}
	var set []store.Budget
	for _, g := range rows {
		if g.batch == payer {
			s.Batch = g.Name
		}
		if g.batch == 0 || g.batch == payer {
			set = append(set, g.Budget)
		}
	}
	return s.Bounds(set, d)
}

// afford returns how many asks, of most, a claim may take for the money of who
// pays for them, or *store.BudgetError. The sums by which it knows are locked:
// no other claim is judged by them before this one is recorded.
func (t *tx) afford(ctx context.Context, v *view, r store.ClaimRequest, p *store.Payers, wanted func(store.AskID) bool, most int) (int, error) {
	if len(v.budgets) == 0 && r.Budgets.None() {
		return most, nil
	}
	payer := p.First(v.Chunk, t.now, wanted)
	if payer == 0 {
		return most, nil
	}
	bounds := v.bounds(v.budgets, payer, r.Budgets)
	if len(bounds) == 0 {
		return most, nil
	}
	// What was set meanwhile is seen by who comes after SetBudget.
	var again []budgetRow
	b := &pgx.Batch{}
	queueBudgets(b, &again, v.ID)
	uses, err := t.lockSpends(ctx, b, bounds)
	if err != nil {
		return 0, err
	}
	for i, now := range v.bounds(again, payer, r.Budgets) {
		if i >= len(uses) || now.BudgetScope != uses[i].BudgetScope || now.Currency != uses[i].Currency {
			return 0, errAgain
		}
		uses[i].Budget = now
	}
	most, err = store.Affords(uses, r.Price, most)
	if refused, ok := errors.AsType[*store.BudgetError](err); ok {
		refused.Batch = payer
	}
	return most, err
}

// setBudgets returns the budgets of some scopes that somebody has set.
func (c conn) setBudgets(ctx context.Context, scopes []store.BudgetScope) ([]store.Budget, error) {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = s.String()
	}
	var set []store.Budget
	err := c.each(ctx, "SELECT scope, amount, currency FROM budgets WHERE scope = ANY($1)", func(r pgx.Rows) error {
		var g budgetRow
		err := g.scan(r)
		set = append(set, g.Budget)
		return err
	}, names)
	if err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	return set, nil
}

// PauseUnfunded implements store.Budgeting.
func (s *Store) PauseUnfunded(ctx context.Context, e *store.BudgetError, d store.BudgetDefaults) (bool, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (bool, error) {
		h, err := t.hold(ctx, e.Batch, "pause", store.BatchRunning)
		if _, moved := errors.AsType[*store.StateError](err); moved || errors.Is(err, store.ErrNoBatch) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		unfunded, err := t.unfunded(ctx, h, e.Price, d)
		if err != nil || unfunded == nil {
			return false, err
		}
		if err := t.pause(ctx, h, unfunded.Reason(), unfunded.Use.BudgetScope.String()); err != nil {
			return false, err
		}
		return true, nil
	})
}

// unfunded returns the budget that has no room for a question of a batch, and
// will have none when what is under way has come to its end.
func (t *tx) unfunded(ctx context.Context, h *header, p store.Price, d store.BudgetDefaults) (*store.BudgetError, error) {
	payer := store.Spender{Batch: h.id, Tenant: h.tenant, Provider: h.provider}
	set, err := t.setBudgets(ctx, payer.Scopes())
	if err != nil {
		return nil, err
	}
	var uses []store.BudgetUse
	for _, b := range payer.Bounds(set, d) {
		u, err := t.use(ctx, b, t.now)
		if err != nil {
			return nil, err
		}
		uses = append(uses, u)
	}
	return store.Unfunded(uses, p, func(u store.BudgetUse) (store.Money, error) {
		sending, err := t.sumCalls(ctx, u, " AND c.state = 1")
		return sending.Held, err
	})
}

// ResumeFunded implements store.Budgeting.
func (s *Store) ResumeFunded(ctx context.Context, d store.BudgetDefaults, prices map[string]store.Price) ([]store.BatchNo, error) {
	funded, err := read(ctx, s, func(ctx context.Context, c conn) ([]store.HeldBatch, error) {
		held, err := c.held(ctx)
		if err != nil || len(held) == 0 {
			return nil, err
		}
		var scopes []store.BudgetScope
		for _, h := range held {
			scopes = append(scopes, h.By)
		}
		set, err := c.setBudgets(ctx, scopes)
		if err != nil {
			return nil, err
		}
		f := &store.Funding{Defaults: d, Set: set, Prices: prices, Use: func(b store.Budget) (store.BudgetUse, error) { return c.use(ctx, b, s.clock()) }}
		return f.Funded(held)
	})
	if err != nil {
		return nil, err
	}
	var resumed []store.BatchNo
	for _, h := range funded {
		ok, err := write(ctx, s, func(ctx context.Context, t *tx) (bool, error) {
			tag, err := t.Exec(ctx, "UPDATE batches SET state = $1, reason = '', held_by = '' WHERE no = $2 AND held_by = $3",
				store.BatchRunning, h.No, h.By.String())
			if err != nil || tag.RowsAffected() == 0 {
				return false, err
			}
			return true, t.note(ctx, store.Entry{What: store.EntryResumed, Batch: h.No, Scope: h.By.String()})
		})
		if err != nil {
			return resumed, fmt.Errorf("resume batch: %w", err)
		}
		if ok {
			resumed = append(resumed, h.No)
		}
	}
	slices.Sort(resumed)
	return resumed, nil
}

// held lists the batches that a budget holds.
func (c conn) held(ctx context.Context) ([]store.HeldBatch, error) {
	var all []store.HeldBatch
	err := c.each(ctx, `SELECT no, id, tenant, provider, held_by,
			(SELECT coalesce(sum(t.n), 0)::int FROM tallies t WHERE t.batch = b.no AND t.state = 1), `+unaskedColumn+`
		FROM batches b WHERE held_by <> ''`, func(r pgx.Rows) error {
		var h store.HeldBatch
		var by string
		if err := r.Scan(&h.No, &h.Batch, &h.Tenant, &h.Provider, &by, &h.Queued, &h.Unasked); err != nil {
			return err
		}
		scope, err := store.ParseBudgetScope(by)
		h.By = scope
		all = append(all, h)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list held batches: %w", err)
	}
	return all, nil
}
