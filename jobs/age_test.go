package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// standstill is a store after whose first claim so much time is gone as if the
// machine had stood still.
type standstill struct {
	store.Store
	pass    func()
	settled func()
}

func (s *standstill) Claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error) {
	c, err := s.Store.Claim(ctx, r)
	if s.pass != nil && len(c.Asks) > 0 {
		s.pass()
		s.pass = nil
	}
	return c, err
}

func (s *standstill) Settle(ctx context.Context, r store.Settlement) (store.Settled, error) {
	if s.settled != nil {
		defer s.settled()
	}
	return s.Store.Settle(ctx, r)
}

// unsent expects rows that were claimed and not asked about to be as if nobody
// had claimed them.
func (d *desk) unsent(rows int) {
	d.t.Helper()
	if asked := d.oracle.asked.Load(); asked != 0 {
		d.t.Errorf("%d requests were made of a claim that had grown old", asked)
	}
	if c := d.counts(); c[store.Queued] != rows {
		d.t.Errorf("the list has %v, want all queued", c)
	}
	totals, err := d.store.Totals(d.t.Context(), d.batch)
	if err != nil || totals.Calls != 0 {
		d.t.Errorf("told are %+v, %v, want no request", totals, err)
	}
	d.balance()
}

// A claim that is not sent soon may be judged by others, and sent anew.
func TestAClaimThatHasGrownOldIsNotSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		batch, rows int
		stood       time.Duration
		sent        bool
	}{
		"a call, in time":        {100, 2, 29 * time.Second, true},
		"a call":                 {100, 2, 30 * time.Second, false},
		"look-ups, in time":      {1, 2, 29 * time.Second, true},
		"look-ups":               {1, 1, 30 * time.Second, false},
		"a call, after its time": {100, 2, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeskOf(t, c.batch, c.rows, jobs.Limits{Rate: jobs.Unlimited, Concurrency: 1}, func(context.Context, int64, string) error { return nil })
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			d.slow.pass = func() { d.now = d.now.Add(c.stood) }
			if !c.sent {
				d.slow.settled = stop // nothing more is claimed after that
			}
			if _, err := d.worker.SendNow(ctx, "acme"); err != nil && ctx.Err() == nil {
				t.Fatal(err)
			}
			if c.sent {
				if got := d.counts()[store.Found]; got != c.rows {
					t.Errorf("%d of %d rows are found", got, c.rows)
				}
				return
			}
			d.unsent(c.rows)
			d.work()
			if got := d.counts()[store.Found]; got != c.rows {
				t.Errorf("later %d of %d rows are found", got, c.rows)
			}
		})
	}
}

// That a connection took too long shows only when it is there.
func TestACallThatWasLateToBeginIsNotSent(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, 1, 1, jobs.Limits{Rate: jobs.Unlimited, Concurrency: 1}, func(_ context.Context, n int64, _ string) error {
		if n == 1 {
			return &providers.Error{Provider: "acme", Scope: "acme/submit", Class: providers.Unavailable, Code: "too_late", Err: providers.ErrLate}
		}
		return nil
	})
	d.work()
	var attempts int
	if err := d.store.Rows(t.Context(), d.batch, store.RowFilter{}, func(r store.Row) error {
		attempts = r.Attempts
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	totals, err := d.store.Totals(t.Context(), d.batch)
	if err != nil || totals.Calls != 1 || attempts != 1 || d.counts()[store.Found] != 1 {
		t.Errorf("%+v, %v with %d attempts, want the one that was made", totals, err, attempts)
	}
}
