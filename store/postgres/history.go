package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// note writes down what happened.
func (t *tx) note(ctx context.Context, e store.Entry) error {
	err := t.exec(ctx, `INSERT INTO history (at, what, batch, provider, scope, reason, code, until, by_whom) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		millis(t.now), string(e.What), e.Batch, e.Provider, e.Scope, e.Reason, e.Code, millis(e.Until), e.By)
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

const (
	entryColumns = "no, at, what, batch, provider, scope, reason, code, until, by_whom"
	entriesOf    = "(SELECT " + entryColumns + " FROM history WHERE "
	newestOnly   = " ORDER BY no DESC LIMIT $2)"
	batchEntries = entriesOf + "batch > 0 AND batch = $3 AND no < $1" + newestOnly
	// Numbers come in the order of time, so that a time is looked up once. There
	// is one upper bound, from which the index is read.
	gateEntries = entriesOf + `batch = 0 AND provider = $4
		AND no >= (SELECT no FROM history WHERE at >= $5 ORDER BY at, no LIMIT 1)
		AND no < least($1, 1 + coalesce((SELECT no FROM history WHERE at < $6 ORDER BY at DESC, no DESC LIMIT 1), 0))` + newestOnly
)

// History implements store.Monitoring.
func (s *Store) History(ctx context.Context, f store.HistoryFilter) ([]store.Entry, error) {
	query := batchEntries + " UNION ALL " + gateEntries + " ORDER BY 1 DESC LIMIT $2"
	before, to := cmp.Or(int64(f.Before), math.MaxInt64), cmp.Or(millis(f.To), math.MaxInt64)
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Entry, error) {
		var all []store.Entry
		err := c.each(ctx, query, func(r pgx.Rows) error {
			var e store.Entry
			var at, until int64
			err := r.Scan(&e.No, &at, &e.What, &e.Batch, &e.Provider, &e.Scope, &e.Reason, &e.Code, &until, &e.By)
			e.At, e.Until = fromMillis(at), fromMillis(until)
			all = append(all, e)
			return err
		}, before, f.Most(), f.Batch, f.Provider, millis(f.From), to)
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		return all, nil
	})
}

// AddCounts implements store.Monitoring. All who write lock the counts in one
// order: that of their spans, then as they are summed up.
func (s *Store) AddCounts(ctx context.Context, all []store.Count) error {
	if len(all) == 0 {
		return nil
	}
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		for _, span := range store.Spans() {
			if err := t.addCounts(ctx, span, store.SumCounts(all, span)); err != nil {
				return none, fmt.Errorf("write series: %w", err)
			}
		}
		return none, nil
	})
	return err
}

func (t *tx) addCounts(ctx context.Context, span store.Span, sums []store.Count) error {
	at, who, what, n := make([]int64, len(sums)), make([]string, len(sums)), make([]string, len(sums)), make([]int64, len(sums))
	for i, c := range sums {
		at[i], who[i], what[i], n[i] = millis(c.At), c.Provider, string(c.Measure), c.N
	}
	return t.exec(ctx, `INSERT INTO series AS s (span, at, provider, measure, n)
		SELECT $1, c.at, c.provider, c.measure, c.n
		FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY AS c (at, provider, measure, n, i) ORDER BY i
		ON CONFLICT (span, at, provider, measure) DO UPDATE SET n = s.n + excluded.n`, int(span), at, who, what, n)
}

// Series implements store.Monitoring.
func (s *Store) Series(ctx context.Context, f store.SeriesFilter) ([]store.Count, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Count, error) {
		var all []store.Count
		err := c.each(ctx, `SELECT provider, at, measure, n FROM series WHERE span = $1 AND at >= $2 AND ($3 = '' OR provider = $3)
			ORDER BY provider COLLATE "C", at, measure COLLATE "C"`, func(r pgx.Rows) error {
			var n store.Count
			var at int64
			err := r.Scan(&n.Provider, &at, &n.Measure, &n.N)
			n.At = fromMillis(at)
			all = append(all, n)
			return err
		}, int(f.Span), millis(f.From.Truncate(f.Span.Length())), f.Provider)
		if err != nil {
			return nil, fmt.Errorf("read series: %w", err)
		}
		return all, nil
	})
}

// TidyHistory implements store.Monitoring.
func (s *Store) TidyHistory(ctx context.Context) (int, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (int, error) {
		gone, err := t.Exec(ctx, "DELETE FROM history WHERE no IN (SELECT no FROM history WHERE at < $1 ORDER BY at LIMIT $2)",
			millis(t.now.Add(-store.HistoryLife)), store.TidyAtOnce)
		n := gone.RowsAffected()
		if err == nil {
			gone, err = t.Exec(ctx, "DELETE FROM schedule_runs AS r WHERE at < $1"+store.OldRuns, millis(t.now.Add(-store.HistoryLife)))
			n += gone.RowsAffected()
		}
		for _, span := range store.Spans() {
			if err == nil {
				gone, err = t.Exec(ctx, "DELETE FROM series WHERE span = $1 AND at < $2", int(span), millis(t.now.Add(-span.Life())))
				n += gone.RowsAffected()
			}
		}
		if err != nil {
			return 0, fmt.Errorf("tidy history: %w", err)
		}
		return int(n), nil
	})
}
