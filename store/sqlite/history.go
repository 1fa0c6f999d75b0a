package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// note writes down what happened.
func (t *tx) note(e store.Entry) error {
	err := t.exec("INSERT INTO history (at, what, batch, provider, scope, reason, code, until, by_whom) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		t.now, string(e.What), e.Batch, e.Provider, e.Scope, e.Reason, e.Code, e.Until, e.By)
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

const (
	entryColumns = "no, at, what, batch, provider, scope, reason, code, until, by_whom"
	entriesOf    = "SELECT * FROM (SELECT " + entryColumns + " FROM history WHERE "
	newestOnly   = " ORDER BY no DESC LIMIT ?2)"
	batchEntries = entriesOf + "batch > 0 AND batch = ?3 AND no < ?1" + newestOnly
	// Numbers come in the order of time, so that a time is looked up once. There
	// is one upper bound, from which the index is read.
	gateEntries = entriesOf + `batch = 0 AND provider = ?4
		AND no >= (SELECT no FROM history WHERE at >= ?5 ORDER BY at, no LIMIT 1)
		AND no < min(?1, 1 + (SELECT no FROM history WHERE at < ?6 ORDER BY at DESC, no DESC LIMIT 1))` + newestOnly
)

// History implements store.Monitoring.
func (s *Store) History(ctx context.Context, f store.HistoryFilter) ([]store.Entry, error) {
	query := batchEntries + " UNION ALL " + gateEntries + " ORDER BY 1 DESC LIMIT ?2"
	before, to := cmp.Or(int64(f.Before), math.MaxInt64), cmp.Or(millis(f.To), math.MaxInt64)
	return read(ctx, s, func(c conn) ([]store.Entry, error) {
		var all []store.Entry
		err := c.each(query, func(stmt *sqlite.Stmt) error {
			all = append(all, store.Entry{
				No: store.EntryNo(stmt.ColumnInt64(0)), At: columnTime(stmt, 1), What: store.EntryKind(stmt.ColumnText(2)), Batch: columnBatch(stmt, 3),
				Provider: stmt.ColumnText(4), Scope: stmt.ColumnText(5), Reason: stmt.ColumnText(6), Code: stmt.ColumnText(7),
				Until: columnTime(stmt, 8), By: stmt.ColumnText(9),
			})
			return nil
		}, before, f.Most(), f.Batch, f.Provider, f.From, to)
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		return all, nil
	})
}

// AddCounts implements store.Monitoring.
func (s *Store) AddCounts(ctx context.Context, all []store.Count) error {
	if len(all) == 0 {
		return nil
	}
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		for _, span := range store.Spans() {
			for _, c := range store.SumCounts(all, span) {
				err := t.exec(`INSERT INTO series (span, at, provider, measure, n) VALUES (?, ?, ?, ?, ?)
					ON CONFLICT (span, at, provider, measure) DO UPDATE SET n = n + excluded.n`, int(span), c.At, c.Provider, string(c.Measure), c.N)
				if err != nil {
					return none, fmt.Errorf("write series: %w", err)
				}
			}
		}
		return none, nil
	})
	return err
}

// Series implements store.Monitoring.
func (s *Store) Series(ctx context.Context, f store.SeriesFilter) ([]store.Count, error) {
	return read(ctx, s, func(c conn) ([]store.Count, error) {
		var all []store.Count
		err := c.each(`SELECT provider, at, measure, n FROM series WHERE span = ?1 AND at >= ?2 AND (?3 = '' OR provider = ?3)
			ORDER BY provider, at, measure`, func(stmt *sqlite.Stmt) error {
			all = append(all, store.Count{
				Provider: stmt.ColumnText(0), At: columnTime(stmt, 1), Measure: store.Measure(stmt.ColumnText(2)), N: stmt.ColumnInt64(3),
			})
			return nil
		}, int(f.Span), f.From.Truncate(f.Span.Length()), f.Provider)
		if err != nil {
			return nil, fmt.Errorf("read series: %w", err)
		}
		return all, nil
	})
}

// TidyHistory implements store.Monitoring.
func (s *Store) TidyHistory(ctx context.Context) (int, error) {
	return write(ctx, s, func(t *tx) (n int, err error) {
		err = t.exec("DELETE FROM history WHERE no IN (SELECT no FROM history WHERE at < ? ORDER BY at LIMIT ?)",
			t.now.Add(-store.HistoryLife), store.TidyAtOnce)
		n = t.Changes()
		if err == nil {
			err = t.exec("DELETE FROM schedule_runs AS r WHERE at < ?"+store.OldRuns, t.now.Add(-store.HistoryLife))
			n += t.Changes()
		}
		for _, span := range store.Spans() {
			if err == nil {
				err = t.exec("DELETE FROM series WHERE span = ? AND at < ?", int(span), t.now.Add(-span.Life()))
				n += t.Changes()
			}
		}
		if err != nil {
			return 0, fmt.Errorf("tidy history: %w", err)
		}
		return n, nil
	})
}
