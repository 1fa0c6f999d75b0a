package sqlite

import (
	"context"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// unit is what an ask of a call counts for.
const unit = "(CASE WHEN c.currency = '' THEN 1000000 ELSE c.price END)"

// chosen makes a condition on calls c of a filter, and the batches b that paid.
func chosen(f store.LedgerFilter) (where string, args []any) {
	clauses := []string{"true"}
	add := func(given bool, clause string, value any) {
		if given {
			clauses, args = append(clauses, clause), append(args, value)
		}
	}
	add(f.Batch != 0, "c.payer = ?", f.Batch)
	add(f.Tenant != "", "b.tenant = ?", f.Tenant)
	add(f.Provider != "", "c.provider = ?", f.Provider)
	add(!f.From.IsZero(), "c.sent_at >= ?", store.Millis(f.From))
	add(!f.To.IsZero(), "c.sent_at < ?", store.Millis(f.To))
	return strings.Join(clauses, " AND "), args
}

// Ledger implements store.Reader.
func (s *Store) Ledger(ctx context.Context, f store.LedgerFilter) ([]store.LedgerLine, error) {
	where, args := chosen(f)
	if f.Before != 0 {
		where, args = where+" AND c.id < ?", append(args, f.Before)
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	return read(ctx, s, func(conn conn) ([]store.LedgerLine, error) {
		var lines []store.LedgerLine
		err := conn.each(`SELECT c.id, c.sent_at, c.settled_at, c.provider, coalesce(b.tenant, ''), coalesce(b.id, ''), c.state, c.n,
				c.class, c.code, `+billColumns+` FROM calls c LEFT JOIN batches b ON b.no = c.payer
			WHERE `+where+" ORDER BY c.id DESC LIMIT ?", func(stmt *sqlite.Stmt) error {
			lines = append(lines, store.LedgerLine{
				Call: store.CallID(stmt.ColumnInt64(0)), At: columnTime(stmt, 1), Settled: columnTime(stmt, 2),
				Provider: stmt.ColumnText(3), Tenant: stmt.ColumnText(4), Batch: stmt.ColumnText(5),
				State: store.CallState(stmt.ColumnInt(6)), Asks: stmt.ColumnInt(7),
				Class: stmt.ColumnText(8), Code: stmt.ColumnText(9), Bill: columnBill(stmt, 10),
			})
			return nil
		}, append(args, f.Limit)...)
		if err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		return lines, nil
	})
}

// groups are the expressions over which totals are summed up.
var groups = map[store.LedgerGroup]string{
	store.ByBatch:    "coalesce(b.id, '')",
	store.ByDay:      "strftime('%Y-%m-%d', c.sent_at / 1000, 'unixepoch')",
	store.ByMonth:    "strftime('%Y-%m', c.sent_at / 1000, 'unixepoch')",
	store.ByProvider: "c.provider",
	store.ByCurrency: "c.currency",
}

// LedgerTotals implements store.Reader.
func (s *Store) LedgerTotals(ctx context.Context, f store.LedgerFilter, by store.LedgerGroup) ([]store.LedgerTotal, error) {
	where, args := chosen(f)
	return readLong(ctx, s, func(conn conn) ([]store.LedgerTotal, error) {
		var totals []store.LedgerTotal
		err := conn.each("SELECT "+groups[by]+` AS g, c.currency, count(*), sum(c.n), sum(c.charged), sum(c.free),
				sum(c.charged * `+unit+`), sum((c.n - c.charged - c.free) * `+unit+`)
			FROM calls c LEFT JOIN batches b ON b.no = c.payer WHERE `+where+" GROUP BY g, c.currency ORDER BY g, c.currency",
			func(stmt *sqlite.Stmt) error {
				totals = append(totals, store.LedgerTotal{
					Group: stmt.ColumnText(0), Currency: stmt.ColumnText(1), Calls: stmt.ColumnInt(2), Asks: stmt.ColumnInt(3),
					Charged: stmt.ColumnInt(4), Free: stmt.ColumnInt(5),
					Spent: store.Money(stmt.ColumnInt64(6)), Held: store.Money(stmt.ColumnInt64(7)),
				})
				return nil
			}, args...)
		if err != nil {
			return nil, fmt.Errorf("sum up ledger: %w", err)
		}
		return totals, nil
	})
}
