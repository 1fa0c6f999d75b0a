package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// renewSize is how many asks are given up for others in one transaction.
const renewSize = 2_000

// Retry implements store.Repair.
func (s *Store) Retry(ctx context.Context, r store.RetryRequest) (store.Retried, error) {
	failed, done, err := s.failures(ctx, r)
	for len(failed) > 0 && err == nil {
		n := min(len(failed), renewSize)
		var taken store.Taken
		taken, err = s.retry(ctx, r, failed[:n])
		done.Add(taken)
		failed = failed[n:]
	}
	if err != nil {
		return done, fmt.Errorf("retry: %w", err)
	}
	return done, nil
}

// failures lists the failed asks of a batch that a request is about.
func (s *Store) failures(ctx context.Context, r store.RetryRequest) (failed []store.AskID, done store.Retried, err error) {
	failed, err = read(ctx, s, func(ctx context.Context, c conn) (asks []store.AskID, err error) {
		if done.Causes, err = c.causes(ctx, s, r); err != nil {
			return nil, err
		}
		return list[store.AskID](ctx, c, "SELECT ask FROM ("+failedAsks+") f ORDER BY ask", failedArgs(r)...)
	})
	return failed, done, err
}

// failedAsks are the failed asks that a batch has rows on, how many, and why
// they failed, as far as a request is about them: its own, then those of other
// homes.
const failedAsks = `SELECT f.ask, class, code, rows FROM (
		SELECT a.ask, a.class, a.code, a.at, 1 + coalesce(w.rows, 0) AS rows
		FROM answers a LEFT JOIN wants w ON w.ask = a.ask AND w.batch = $1
		WHERE a.ask BETWEEN $2 AND $3 AND a.class <> '' AND coalesce(w.rows, 0) >= 0 AND NOT coalesce(w.has_left, false)
	UNION ALL SELECT w.ask, a.class, a.code, a.at, w.rows FROM wants w
		CROSS JOIN LATERAL (SELECT class, code, at FROM answers WHERE ask = w.ask AND class <> '') a
		WHERE w.batch = $1 AND w.ask NOT BETWEEN $2 AND $3 AND w.rows > 0 AND NOT w.has_left) f
	WHERE ($4 = '' OR class = $4) AND ($5 = '' OR code = $5) AND ($6::bigint = 0 OR f.at <= $7 AND NOT EXISTS (
		SELECT 1 FROM renewals r WHERE r.next = f.ask AND r.batch = $1 AND r.at >= $6))`

func failedArgs(r store.RetryRequest) []any {
	first, last := askRange(r.Batch)
	return []any{r.Batch, first, last, string(r.Class), r.Code, millis(r.By), millis(store.Until(r.By))}
}

// Causes implements store.Reader.
func (s *Store) Causes(ctx context.Context, no store.BatchNo) ([]store.Cause, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Cause, error) {
		return c.causes(ctx, s, store.RetryRequest{Batch: no})
	})
}

func (c conn) causes(ctx context.Context, s *Store, about store.RetryRequest) ([]store.Cause, error) {
	if _, err := c.withRows(ctx, about.Batch); err != nil {
		return nil, err
	}
	var all []store.Cause
	err := c.each(ctx, `SELECT g.class, g.code, g.rows, g.ask, a.body FROM (
			SELECT class, code, sum(rows)::int AS rows, min(ask) AS ask FROM (`+failedAsks+`) f GROUP BY class, code) g
		CROSS JOIN LATERAL (SELECT body FROM answers WHERE ask = g.ask) a ORDER BY g.rows DESC, g.class, g.code`, func(r pgx.Rows) error {
		var cause store.Cause
		var sample store.AskID
		var body []byte
		err := r.Scan(&cause.Class, &cause.Code, &cause.Rows, &sample, &body)
		if err == nil {
			cause.Message, err = s.sealer.OpenMessage(sample, body)
		}
		all = append(all, cause)
		return err
	}, failedArgs(about)...)
	if err != nil {
		return nil, fmt.Errorf("read causes: %w", err)
	}
	return all, nil
}

// rehearsed takes back what a dry run has found out.
type rehearsed struct{ store.Taken }

func (rehearsed) Error() string { return "it was a rehearsal" }

// retry gives the rows on some failed asks others, in one transaction.
func (s *Store) retry(ctx context.Context, r store.RetryRequest, asks []store.AskID) (store.Taken, error) {
	taken, err := write(ctx, s, func(ctx context.Context, t *tx) (store.Taken, error) {
		h, err := t.hold(ctx, r.Batch, "retry", store.BatchRunning, store.BatchPaused, store.BatchDone)
		if err != nil {
			return store.Taken{}, err
		}
		leaving, err := t.leaving(ctx, h, asks)
		if err != nil {
			return store.Taken{}, err
		}
		taken, err := t.renew(ctx, h, store.Again{Leaving: leaving, Asked: r.By})
		if err == nil && r.Dry {
			err = rehearsed{taken}
		}
		return taken, err
	})
	if dry, ok := errors.AsType[rehearsed](err); ok {
		return dry.Taken, nil
	}
	return taken, err
}

// leaving says how many rows a batch, which is held, has on those of the asks
// that are failed.
func (t *tx) leaving(ctx context.Context, h *header, asks []store.AskID) ([]store.Leaving, error) {
	m, err := t.marksOf(ctx, asks)
	if err != nil {
		return nil, err
	}
	rows := map[store.AskID]int{}
	err = t.each(ctx, "SELECT ask, rows FROM wants WHERE batch = $1 AND ask = ANY($2)", func(r pgx.Rows) error {
		var a store.AskID
		var n int
		err := r.Scan(&a, &n)
		rows[a] = n
		return err
	}, h.no, plain(asks))
	if err != nil {
		return nil, fmt.Errorf("read wants: %w", err)
	}
	all := make([]store.Leaving, 0, len(asks))
	for _, a := range asks {
		n := rows[a]
		if a.Home() == h.no {
			n++
		}
		if m.mark(a).State == store.Failed && n > 0 {
			all = append(all, store.Leaving{Ask: a, State: store.Failed, Rows: n})
		}
	}
	return all, nil
}

// renew gives all rows of a batch, which is held, on settled asks others. One
// that cannot be read is left as it is.
func (t *tx) renew(ctx context.Context, h *header, again store.Again) (store.Taken, error) {
	again.Since = h.created
	ids := make([]store.AskID, len(again.Leaving))
	for i, l := range again.Leaving {
		ids[i] = l.Ask
	}
	asks, err := t.questions(ctx, t.s.sealer, ids)
	if err != nil {
		return store.Taken{}, err
	}
	in := &renewal{intake: &intake{tx: t, h: h, again: true}, at: again.At(t.now)}
	for _, l := range again.Leaving {
		a, readable := asks[l.Ask]
		if !readable || len(a.Subject) == 0 { // damaged, or erased
			continue
		}
		row := t.s.sealer.AskAgain(h.tenant, h.provider, store.Question{Subject: a.Subject, Params: a.Params}, a.Service)
		in.leaving, in.rows = append(in.leaving, l), append(in.rows, row)
	}
	if len(in.leaving) == 0 {
		return store.Taken{}, nil
	}
	again.Leaving = in.leaving
	in.Plan = store.NewAgain(h.no, h.asks, h.reuse, in.rows, again, t.now, t.s.sealer.Destroyed)
	return in.Taken, in.run(ctx)
}

// renewal is an intake of rows that have an ask already.
type renewal struct {
	*intake
	leaving []store.Leaving
	at      time.Time
}

func (r *renewal) run(ctx context.Context) error {
	if err := r.lookUp(ctx, r.Plan); err != nil {
		return err
	}
	// What the rows leave is held as well, so that no answer comes meanwhile.
	asks := r.Known()
	for _, l := range r.leaving {
		asks = append(asks, l.Ask)
	}
	slices.Sort(asks)
	known, err := r.holdStanding(ctx, slices.Compact(asks))
	if err != nil {
		return err
	}
	for _, l := range r.leaving {
		if known.marks.mark(l.Ask).State != l.State {
			return errAgain
		}
	}
	if err := r.Decide(known); err != nil {
		return err
	}
	if err := r.insert(ctx, r.insertRenewals, 0); err != nil {
		return err
	}
	r.h.asks = r.Asks
	if err := r.exec(ctx, "UPDATE batches SET renewals = renewals + $1 WHERE no = $2", len(r.leaving), r.h.no); err != nil {
		return err
	}
	if r.Opens() == 0 {
		return nil
	}
	return r.reopen(ctx, []store.BatchNo{r.h.no})
}

// insertRenewals points the rows to their next asks. The wants of those that
// they leave are lowered: at home below nothing, as the first row is implied.
func (r *renewal) insertRenewals(ctx context.Context) error {
	asks, nexts, rows, cached := make([]int64, len(r.leaving)), make([]int64, len(r.leaving)), make([]int64, len(r.leaving)), make([]bool, len(r.leaving))
	for i, l := range r.leaving {
		asks[i], nexts[i], rows[i], cached[i] = int64(l.Ask), int64(r.rows[i].Ask), int64(-l.Rows), r.rows[i].Cached
	}
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO renewals (batch, ask, next, cached, at)
		SELECT $1, ask, next, cached, $5 FROM unnest($2::bigint[], $3::bigint[], $4::boolean[]) AS n (ask, next, cached)`,
		r.h.no, asks, nexts, cached, millis(r.at))
	b.Queue(`INSERT INTO wants AS w (ask, batch, rows) SELECT ask, $1, rows FROM unnest($2::bigint[], $3::int[]) AS n (ask, rows)
		ON CONFLICT (ask, batch) DO UPDATE SET rows = w.rows + excluded.rows`, r.h.no, asks, rows)
	b.Queue("DELETE FROM wants WHERE batch = $1 AND ask = ANY($2) AND ask >> 32 <> $1 AND rows = 0", r.h.no, asks)
	if err := r.send(ctx, b); err != nil {
		return fmt.Errorf("write renewals: %w", err)
	}
	return nil
}
