package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// queueSpend adds to a batch of statements that a call of a batch, recorded at
// some time, costs otherwise than before: the sums of the budgets that it counts
// in are moved. There are none where no budget was ever looked at, and then
// nothing is locked. It comes after the call has been written, so that either
// countSpends sees the call or this sees the sum, and locks in the order of the
// scopes.
func (t *tx) queueSpend(b *pgx.Batch, payer store.BatchNo, home *header, sent time.Time, c store.Cost) {
	scopes, spans := store.Spender{Batch: home.id, Tenant: home.tenant, Provider: home.provider}.Turns(sent)
	if payer == home.no {
		payer = 0 // its scope is known
	} else {
		scopes = scopes[1:]
	}
	b.Queue(moveSpends, payer, scopes, spans, c.Currency, int64(c.Held), int64(c.Spent))
}

// moveSpends names both sides by the key, so that each is found by it.
const moveSpends = `UPDATE spends s SET held = s.held + $5, spent = s.spent + $6 FROM (
		SELECT scope, period FROM spends WHERE scope = ANY(` + ofPayer + `) AND period = ANY($3) AND currency = $4 ORDER BY scope FOR UPDATE
	) k WHERE s.scope = k.scope AND s.period = k.period AND s.scope = ANY(` + ofPayer + `) AND s.period = ANY($3) AND s.currency = $4`

// ofPayer are the scopes $2, and that of batch $1.
const ofPayer = "ARRAY(SELECT unnest($2::text[]) UNION ALL SELECT 'batch:' || id FROM batches WHERE no = $1)"

// lockSpends locks the sums of budgets until the commit, and returns how they
// stand. It keeps out whoever would form sums first: they wait for all who have
// written calls, and those may wait for the sums that are locked here.
func (t *tx) lockSpends(ctx context.Context, b *pgx.Batch, budgets []store.Budget) ([]store.BudgetUse, error) {
	uses, missing := inTurn(budgets, t.now), []store.BudgetUse(nil)
	scopes, spans, currencies := keysOf(uses)
	found := map[spendKey]store.Cost{}
	first := &pgx.Batch{}
	first.Queue("LOCK TABLE calls IN ROW EXCLUSIVE MODE")
	first.Queue(`SELECT scope, currency, held, spent FROM spends WHERE scope = ANY($1) AND period = ANY($2) AND currency = ANY($3)
		ORDER BY scope, currency FOR UPDATE`, scopes, spans, currencies).
		Query(func(rows pgx.Rows) error {
			return eachOf(rows, func(r pgx.Rows) error {
				var key spendKey
				var c store.Cost
				err := r.Scan(&key.scope, &key.currency, &c.Held, &c.Spent)
				found[key] = c
				return err
			})
		})
	first.QueuedQueries = append(first.QueuedQueries, b.QueuedQueries...)
	if err := t.send(ctx, first); err != nil {
		return nil, fmt.Errorf("lock sums of budgets: %w", err)
	}
	for i := range uses {
		c, ok := found[spendKey{scope: scopes[i], currency: uses[i].Currency}]
		if !ok {
			missing = append(missing, uses[i])
		}
		uses[i].Held, uses[i].Spent = c.Held, c.Spent
	}
	if len(missing) > 0 {
		return nil, &store.UncountedError{Uses: missing}
	}
	return uses, nil
}

func inTurn(budgets []store.Budget, now time.Time) []store.BudgetUse {
	uses := make([]store.BudgetUse, len(budgets))
	for i, b := range budgets {
		uses[i] = b.Begin(now)
	}
	return uses
}

func keysOf(uses []store.BudgetUse) (scopes, spans, currencies []string) {
	for _, u := range uses {
		scopes, spans, currencies = append(scopes, u.BudgetScope.String()), append(spans, u.Name), append(currencies, u.Currency)
	}
	return scopes, spans, currencies
}

// spendKey names a sum in a turn: a scope has turns of one length only.
type spendKey struct{ scope, currency string }

// countSpends forms sums of budgets that nobody has formed in their turn. For
// that moment no call is written by anyone.
func (s *Store) countSpends(ctx context.Context, uses []store.BudgetUse) error {
	slices.SortFunc(uses, func(a, b store.BudgetUse) int { return strings.Compare(a.BudgetScope.String(), b.BudgetScope.String()) })
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		if err := t.exec(ctx, "LOCK TABLE calls IN SHARE MODE"); err != nil {
			return none, fmt.Errorf("sum up calls: %w", err)
		}
		for _, u := range uses {
			c, err := t.sumCalls(ctx, u, "")
			if err == nil {
				err = t.exec(ctx, "INSERT INTO spends (scope, period, currency, held, spent) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
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
func (c conn) sumCalls(ctx context.Context, u store.BudgetUse, and string) (cost store.Cost, err error) {
	of := map[store.BudgetKind]string{
		store.BudgetOfBatch:    "c.payer = (SELECT no FROM batches WHERE id = $2)",
		store.BudgetOfTenant:   "c.payer IN (SELECT no FROM batches WHERE tenant = $2)",
		store.BudgetOfProvider: "c.provider = $2",
	}[u.Kind]
	args := []any{u.Currency, u.BudgetScope.Name}
	if u.Period != store.WholeLife {
		of += " AND c.sent_at >= $3 AND c.sent_at < $4"
		args = append(args, millis(u.From), millis(u.Until))
	}
	cost.Currency = u.Currency
	_, err = c.one(ctx, "SELECT coalesce(sum((c.n - c.charged - c.free) * "+unit+"), 0)::bigint, coalesce(sum(c.charged * "+unit+"), 0)::bigint"+
		" FROM calls c WHERE c.currency = $1 AND "+of+and, args, &cost.Held, &cost.Spent)
	return cost, err
}

// use returns how a budget stands, by its sum or, where nobody has formed it, by
// the calls.
func (c conn) use(ctx context.Context, b store.Budget, now time.Time) (store.BudgetUse, error) {
	u := b.Begin(now)
	found, err := c.one(ctx, "SELECT held, spent FROM spends WHERE scope = $1 AND period = $2 AND currency = $3",
		[]any{u.BudgetScope.String(), u.Name, u.Currency}, &u.Held, &u.Spent)
	if err == nil && !found {
		var sum store.Cost
		sum, err = c.sumCalls(ctx, u, "")
		u.Held, u.Spent = sum.Held, sum.Spent
	}
	if err != nil {
		return u, fmt.Errorf("read sums of budgets: %w", err)
	}
	return u, nil
}
