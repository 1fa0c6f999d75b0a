package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

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
	failed, err = read(ctx, s, func(c conn) (asks []store.AskID, err error) {
		if done.Causes, err = c.causes(s, r); err != nil {
			return nil, err
		}
		return c.asks("SELECT ask FROM ("+failedAsks+") ORDER BY ask", failedArgs(r)...)
	})
	return failed, done, err
}

// failedAsks are the failed asks that a batch has rows on, how many, and why
// they failed, as far as a request is about them: its own, then those of other
// homes.
const failedAsks = `SELECT f.ask, class, code, rows FROM (
		SELECT a.ask, a.class, a.code, a.at, 1 + coalesce(w.rows, 0) AS rows
		FROM answers a LEFT JOIN wants w ON w.ask = a.ask AND w.batch = ?1
		WHERE a.ask BETWEEN ?2 AND ?3 AND a.class <> '' AND coalesce(w.rows, 0) >= 0 AND NOT coalesce(w."left", 0)
	UNION ALL SELECT w.ask, a.class, a.code, a.at, w.rows FROM wants w JOIN answers a ON a.ask = w.ask
		WHERE w.batch = ?1 AND w.ask NOT BETWEEN ?2 AND ?3 AND w.rows > 0 AND NOT w."left" AND a.class <> '') f
	WHERE (?4 = '' OR class = ?4) AND (?5 = '' OR code = ?5) AND (?6 = 0 OR f.at <= ?7 AND NOT EXISTS (
		SELECT 1 FROM renewals r WHERE r.next = f.ask AND r.batch = ?1 AND r.at >= ?6))`

func failedArgs(r store.RetryRequest) []any {
	first, last := askRange(r.Batch)
	return []any{r.Batch, first, last, string(r.Class), r.Code, r.By, store.Until(r.By)}
}

// Causes implements store.Reader.
func (s *Store) Causes(ctx context.Context, no store.BatchNo) ([]store.Cause, error) {
	return read(ctx, s, func(c conn) ([]store.Cause, error) { return c.causes(s, store.RetryRequest{Batch: no}) })
}

func (c conn) causes(s *Store, about store.RetryRequest) ([]store.Cause, error) {
	if _, err := c.withRows(about.Batch); err != nil {
		return nil, err
	}
	var all []store.Cause
	var samples []store.AskID
	err := c.each("SELECT class, code, sum(rows), min(ask) FROM ("+failedAsks+`)
		GROUP BY class, code ORDER BY sum(rows) DESC, class, code`, func(stmt *sqlite.Stmt) error {
		all = append(all, store.Cause{Class: store.ErrorClass(stmt.ColumnText(0)), Code: stmt.ColumnText(1), Rows: stmt.ColumnInt(2)})
		samples = append(samples, columnAsk(stmt, 3))
		return nil
	}, failedArgs(about)...)
	for i := 0; err == nil && i < len(all); i++ {
		var body []byte
		_, err = c.one("SELECT body FROM answers WHERE ask = ?", func(stmt *sqlite.Stmt) { body = columnBytes(stmt, 0) }, samples[i])
		if err == nil {
			all[i].Message, err = s.sealer.OpenMessage(samples[i], body)
		}
	}
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
	taken, err := writeAlone(ctx, s, func(t *tx) (store.Taken, error) {
		h, err := t.in(r.Batch, "retry", store.BatchRunning, store.BatchPaused, store.BatchDone)
		if err != nil {
			return store.Taken{}, err
		}
		leaving, err := t.leaving(h, asks)
		if err != nil {
			return store.Taken{}, err
		}
		taken, err := t.renew(h, store.Again{Leaving: leaving, Asked: r.By})
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

// leaving says how many rows a batch has on those of the asks that are failed.
func (t *tx) leaving(h *header, asks []store.AskID) ([]store.Leaving, error) {
	marks := &chunkCache{conn: t.conn}
	all := make([]store.Leaving, 0, len(asks))
	for _, a := range asks {
		m, err := marks.mark(a)
		if err != nil {
			return nil, err
		}
		rows, err := t.number("SELECT sum(rows) FROM wants WHERE ask = ? AND batch = ?", a, h.no)
		if err != nil {
			return nil, err
		}
		if a.Home() == h.no {
			rows++
		}
		if m.State == store.Failed && rows > 0 {
			all = append(all, store.Leaving{Ask: a, State: store.Failed, Rows: int(rows)})
		}
	}
	return all, nil
}

// renew gives all rows of a batch on settled asks others. One that cannot be
// read, or that was erased, is left as it is.
func (t *tx) renew(h *header, again store.Again) (store.Taken, error) {
	again.Since = h.created
	ids := make([]store.AskID, len(again.Leaving))
	for i, l := range again.Leaving {
		ids[i] = l.Ask
	}
	sealed, err := t.readQuestions(ids)
	if err != nil {
		return store.Taken{}, err
	}
	in := &renewal{intake: &intake{tx: t, h: h}, at: again.At(t.now)}
	kept := again.Leaving[:0:0]
	for i, a := range sealed {
		q, err := t.s.sealer.OpenQuestion(a.ID, a.question)
		if err != nil || len(q.Subject) == 0 {
			continue
		}
		row := t.s.sealer.AskAgain(h.tenant, h.provider, q, a.Service)
		kept, in.rows = append(kept, again.Leaving[i]), append(in.rows, row)
	}
	if len(kept) == 0 {
		return store.Taken{}, nil
	}
	again.Leaving = kept
	in.leaving = kept
	in.Plan = store.NewAgain(h.no, h.asks, h.reuse, in.rows, again, t.now, t.s.sealer.Destroyed)
	return in.Taken, in.run()
}

// renewal is an intake of rows that have an ask already.
type renewal struct {
	*intake
	leaving []store.Leaving
	at      time.Time
}

func (r *renewal) run() error {
	if err := r.decide(r.Plan, r.s.retention, r.now); err != nil {
		return err
	}
	if err := r.insert(r.insertRenewals, 0); err != nil {
		return err
	}
	if err := r.exec("UPDATE batches SET renewals = renewals + ? WHERE no = ?", len(r.leaving), r.h.no); err != nil {
		return err
	}
	r.h.asks = r.Asks
	if r.Opens() == 0 {
		return nil
	}
	return r.runAgain(store.Tally{r.h.no: nil})
}

// insertRenewals points the rows to their next asks. The wants of those that
// they leave are lowered: at home below nothing, as the first row is implied.
func (r *renewal) insertRenewals() error {
	for i, l := range r.leaving {
		err := r.exec("INSERT INTO renewals (batch, ask, next, cached, at) VALUES (?, ?, ?, ?, ?)", r.h.no, l.Ask, r.rows[i].Ask, r.rows[i].Cached, r.at)
		if err == nil {
			err = r.exec(`INSERT INTO wants (ask, batch, rows) VALUES (?, ?, ?)
				ON CONFLICT (ask, batch) DO UPDATE SET rows = rows + excluded.rows`, l.Ask, r.h.no, -l.Rows)
		}
		if err == nil && l.Ask.Home() != r.h.no {
			err = r.exec("DELETE FROM wants WHERE ask = ? AND batch = ? AND rows = 0", l.Ask, r.h.no)
		}
		if err != nil {
			return fmt.Errorf("write renewals: %w", err)
		}
	}
	return nil
}
