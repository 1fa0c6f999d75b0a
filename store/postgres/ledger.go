package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// unit is what an ask of a call counts for.
const unit = "(CASE WHEN c.currency = '' THEN 1000000 ELSE c.price END)"

// chosen makes a condition on calls c of a filter, and the batches b that paid.
func chosen(f store.LedgerFilter) (where string, args []any) {
	clauses := []string{"true"}
	add := func(given bool, clause string, value any) {
		if given {
			args = append(args, value)
			clauses = append(clauses, fmt.Sprintf(clause, len(args)))
		}
	}
	add(f.Batch != 0, "c.payer = $%d", f.Batch)
	add(f.Tenant != "", "b.tenant = $%d", f.Tenant)
	add(f.Provider != "", "c.provider = $%d", f.Provider)
	add(!f.From.IsZero(), "c.sent_at >= $%d", millis(store.Millis(f.From)))
	add(!f.To.IsZero(), "c.sent_at < $%d", millis(store.Millis(f.To)))
	return strings.Join(clauses, " AND "), args
}

// Ledger implements store.Reader.
func (s *Store) Ledger(ctx context.Context, f store.LedgerFilter) ([]store.LedgerLine, error) {
	where, args := chosen(f)
	if f.Before != 0 {
		args = append(args, f.Before)
		where += fmt.Sprintf(" AND c.id < $%d", len(args))
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	args = append(args, f.Limit)
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.LedgerLine, error) {
		var lines []store.LedgerLine
		err := c.each(ctx, `SELECT c.id, c.sent_at, c.settled_at, c.provider, coalesce(b.tenant, ''), coalesce(b.id, ''), c.state, c.n,
				c.class, c.code, c.payer, c.price, c.currency, c.charged, c.free FROM calls c LEFT JOIN batches b ON b.no = c.payer
			WHERE `+where+fmt.Sprintf(" ORDER BY c.id DESC LIMIT $%d", len(args)), func(r pgx.Rows) error {
			var l store.LedgerLine
			var at, settled int64
			err := r.Scan(&l.Call, &at, &settled, &l.Provider, &l.Tenant, &l.Batch, &l.State, &l.Asks, &l.Class, &l.Code,
				&l.Payer, &l.Price.Each, &l.Price.Currency, &l.Charged, &l.Free)
			l.At, l.Settled = fromMillis(at), fromMillis(settled)
			lines = append(lines, l)
			return err
		}, args...)
		if err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		return lines, nil
	})
}

// groups are the expressions over which totals are summed up.
var groups = map[store.LedgerGroup]string{
	store.ByBatch:    "coalesce(b.id, '')",
	store.ByDay:      "to_char(to_timestamp(c.sent_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
	store.ByMonth:    "to_char(to_timestamp(c.sent_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM')",
	store.ByProvider: "c.provider",
	store.ByCurrency: "c.currency",
}

// LedgerTotals implements store.Reader.
func (s *Store) LedgerTotals(ctx context.Context, f store.LedgerFilter, by store.LedgerGroup) ([]store.LedgerTotal, error) {
	where, args := chosen(f)
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.LedgerTotal, error) {
		var totals []store.LedgerTotal
		err := c.each(ctx, "SELECT "+groups[by]+` COLLATE "C" AS g, c.currency COLLATE "C" AS m, count(*), sum(c.n), sum(c.charged), sum(c.free),
				sum(c.charged * `+unit+`)::bigint, sum((c.n - c.charged - c.free) * `+unit+`)::bigint
			FROM calls c LEFT JOIN batches b ON b.no = c.payer WHERE `+where+" GROUP BY g, m ORDER BY g, m", func(r pgx.Rows) error {
			var t store.LedgerTotal
			err := r.Scan(&t.Group, &t.Currency, &t.Calls, &t.Asks, &t.Charged, &t.Free, &t.Spent, &t.Held)
			totals = append(totals, t)
			return err
		}, args...)
		if err != nil {
			return nil, fmt.Errorf("sum up ledger: %w", err)
		}
		return totals, nil
	})
}
