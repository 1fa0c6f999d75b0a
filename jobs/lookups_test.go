package jobs_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// oracle is a provider that answers as it is told.
type oracle struct {
	acme
	asked  atomic.Int64
	answer func(ctx context.Context, n int64, plate string) error // nil: found
}

func (o *oracle) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	err := o.answer(ctx, o.asked.Add(1), reqs[0].Subject[providers.Plate])
	outs := make([]providers.Outcome, len(reqs))
	for i, r := range reqs {
		if outs[i].Ref, outs[i].Err = r.Ref, err; err == nil {
			outs[i].Record = &providers.Record{Result: []byte(`{"x":1}`)}
		}
	}
	return outs, nil
}

// desk is a worker that asks an oracle about one list, without Redis's bell.
type desk struct {
	*bell
	worker *jobs.Worker
	slow   *standstill
	oracle *oracle
	batch  store.BatchNo
	woken  func() // at each claim and settlement
}

func newDesk(t *testing.T, n int, l jobs.Limits, answer func(ctx context.Context, n int64, plate string) error) *desk {
	t.Helper()
	return newDeskOf(t, 1, n, l, answer)
}

// newDeskOf is newDesk for a provider that takes so many asks a request.
func newDeskOf(t *testing.T, batch, n int, l jobs.Limits, answer func(ctx context.Context, n int64, plate string) error) *desk {
	t.Helper()
	l.Timeout = time.Minute
	d := &desk{bell: newBell(t, l), oracle: &oracle{acme: acme{batch}, answer: answer}, woken: func() {}}
	d.slow = &standstill{Store: d.store}
	sealer, err := store.NewSealer(store.NewKeys())
	if err != nil {
		t.Fatal(err)
	}
	spool, err := store.OpenSpool(t.TempDir(), sealer, d.store.ID(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = spool.Close() })
	set, err := providers.NewSet(d.oracle)
	if err != nil {
		t.Fatal(err)
	}
	d.worker, err = jobs.NewWorker(jobs.WorkerOptions{
		ID: "w", Store: d.slow, Providers: set, Limits: map[string]jobs.Limits{"acme": l},
		Redis: d.redis, Spool: spool, Log: zerolog.Nop(), Now: func() time.Time { return d.now }, Wake: func(string) { d.woken() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.worker.Drain(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	d.batch = d.list("P", n, 1)
	return d
}

// work works the list off as far as it goes now.
func (d *desk) work() {
	d.t.Helper()
	if _, err := d.worker.SendNow(d.t.Context(), "acme"); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) counts() store.Counts {
	d.t.Helper()
	b, err := d.store.BatchByNo(d.t.Context(), d.batch)
	if err != nil {
		d.t.Fatal(err)
	}
	return b.Counts
}

// balance holds the books against each other and against the oracle's: as many
// requests were made as are told.
func (d *desk) balance() (records int) {
	d.t.Helper()
	report, err := d.store.Check(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, p := range report.Problems {
		d.t.Error(p)
	}
	totals, err := d.store.Totals(d.t.Context(), d.batch)
	if asked := d.oracle.asked.Load(); err != nil || int64(totals.Calls) != asked {
		d.t.Errorf("%d requests are told, %v, and %d were made", totals.Calls, err, asked)
	}
	return report.Calls
}

func TestLookupsShareRecords(t *testing.T) {
	t.Parallel()
	const rows, side = 2000, 8
	var now, most atomic.Int64
	d := newDesk(t, rows, jobs.Limits{Rate: jobs.Unlimited, Concurrency: side}, func(context.Context, int64, string) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		return nil
	})
	d.work()
	if got := d.counts()[store.Found]; got != rows {
		t.Errorf("%d of %d rows are found", got, rows)
	}
	if records := d.balance(); records > rows/4 {
		t.Errorf("%d records for %d look-ups, want few", records, rows)
	}
	if most.Load() > side {
		t.Errorf("%d calls were in flight, at most %d may be", most.Load(), side)
	}
}

// Where every request has a token, no more is claimed than there are permits.
func TestLookupsAtARateClaimWhatTheySend(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 40, jobs.Limits{Rate: 200, Burst: 10, Concurrency: 8}, func(context.Context, int64, string) error { return nil })
	d.work()
	if got := d.counts()[store.Found]; got != 40 {
		t.Errorf("%d of 40 rows are found", got)
	}
	if records := d.balance(); records < 40/8 {
		t.Errorf("%d records for 40 look-ups, with at most 8 permits at a time", records)
	}
}

// A request that is reserved for nobody is lost to the fleet.
func TestLookupsReserveNoMoreThanThereIsToAsk(t *testing.T) {
	t.Parallel()
	tomorrow := func(now time.Time) time.Time { return now.Add(24 * time.Hour) }
	d := newDesk(t, 43, jobs.Limits{Rate: 200, Burst: 10, Daily: 1000, NextReset: tomorrow, Concurrency: 8},
		func(context.Context, int64, string) error { return nil })
	d.work()
	used, err := d.redis.HGet(t.Context(), "plateq:{"+jobs.Queue("acme")+"}:day", "used").Int()
	if err != nil || used != 43 {
		t.Errorf("%d requests were reserved to ask 43 questions, %v", used, err)
	}
}

func TestASlowLookupHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	const rows = 300
	slow := make(chan struct{})
	d := newDesk(t, rows, jobs.Limits{Rate: jobs.Unlimited, Concurrency: 8}, func(_ context.Context, _ int64, plate string) error {
		if plate == "P00007" {
			<-slow
		}
		return nil
	})
	var once sync.Once
	d.woken = func() {
		if d.counts()[store.Found] == rows-1 { // all others are stored while it is out
			once.Do(func() { close(slow) })
		}
	}
	d.work()
	if got := d.counts()[store.Found]; got != rows {
		t.Errorf("%d of %d rows are found", got, rows)
	}
	d.balance()
}

// A gate that closes in the midst sends what is not out yet back, without a
// request and without an attempt.
func TestAGateThatClosesStopsClaimedLookups(t *testing.T) {
	t.Parallel()
	const rows, side, last = 400, 8, 120
	d := newDesk(t, rows, jobs.Limits{Rate: jobs.Unlimited, Concurrency: side}, func(_ context.Context, n int64, _ string) error {
		if n >= last {
			return &providers.Error{Provider: "acme", Scope: "acme", Class: providers.OutOfCredit, Code: "402"}
		}
		return nil
	})
	d.work()
	if asked := d.oracle.asked.Load(); asked > last+side {
		t.Errorf("%d look-ups were made, and the credit ended at %d", asked, last)
	}
	c := d.counts()
	if c[store.Found] != last-1 || c[store.Queued] != rows-last+1 {
		t.Errorf("the list has %v, want %d found and the others queued", c, last-1)
	}
	d.balance()
	if err := d.store.Rows(t.Context(), d.batch, store.RowFilter{}, func(r store.Row) error {
		if r.State == store.Queued && r.Attempts != 0 {
			t.Errorf("a row that was sent back has %d attempts", r.Attempts)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestDrainSendsNothingThatIsOnlyClaimed(t *testing.T) {
	t.Parallel()
	const rows, side, last = 400, 4, 60
	ctx, stop := context.WithCancel(t.Context())
	d := newDesk(t, rows, jobs.Limits{Rate: jobs.Unlimited, Concurrency: side}, func(_ context.Context, n int64, _ string) error {
		if n >= last {
			stop()
		}
		return nil
	})
	if _, err := d.worker.SendNow(ctx, "acme"); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	asked := int(d.oracle.asked.Load())
	if asked > last+side {
		t.Errorf("%d look-ups were made after the end was near", asked-last)
	}
	c := d.counts()
	if c[store.Found] != asked || c[store.Queued] != rows-asked {
		t.Errorf("the list has %v, want %d found and the others queued", c, asked)
	}
	d.balance()
}

func TestALookupThatPanicsIsPoisonAlone(t *testing.T) {
	t.Parallel()
	const rows = 200
	d := newDesk(t, rows, jobs.Limits{Rate: jobs.Unlimited, Concurrency: 8}, func(_ context.Context, _ int64, plate string) error {
		if plate == "P00100" {
			panic("no such plate")
		}
		return nil
	})
	d.work()
	c := d.counts()
	if c[store.Found] != rows-1 || c[store.Failed] != 1 {
		t.Errorf("the list has %v, want one failed row", c)
	}
	d.balance()
}

// One that has to be repeated waits by itself.
func TestALookupThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	const rows = 50
	d := newDesk(t, rows, jobs.Limits{Rate: jobs.Unlimited, Concurrency: 2}, func(_ context.Context, n int64, _ string) error {
		if n == 1 {
			return &providers.Error{Provider: "acme", Scope: "acme/submit", Class: providers.Unavailable}
		}
		return nil
	})
	d.work()
	if c := d.counts(); c[store.Found] != rows-1 || c[store.Queued] != 1 {
		t.Errorf("the list has %v, want one row that waits", c)
	}
	d.now = d.now.Add(time.Minute)
	d.work()
	if c := d.counts(); c[store.Found] != rows {
		t.Errorf("the list has %v, want all found", c)
	}
	d.balance()
}
