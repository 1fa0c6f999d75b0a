package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

// A list is asked about as far as its budget goes, waits, and goes on where the
// budget is raised.
func TestBudgetHoldsAListUntilItIsRaised(t *testing.T) {
	t.Parallel()
	price := store.Price{Each: 2_500_000, Currency: "INR"}
	d := newDesk(t, 40, jobs.Limits{Rate: jobs.Unlimited, Concurrency: 8, Price: price},
		func(context.Context, int64, string) error { return nil })
	b := d.read()
	set := func(questions int) {
		t.Helper()
		budget := store.Budget{BudgetScope: store.BatchBudget(b.ID), Limit: store.Limit{Amount: price.Of(questions) + price.Each/2, Currency: "INR"}}
		if err := d.store.SetBudget(t.Context(), budget, "test"); err != nil {
			t.Fatal(err)
		}
	}
	set(11)
	d.work()
	if got := d.oracle.asked.Load(); got != 11 {
		t.Errorf("%d questions were asked, want 11", got)
	}
	b = d.read()
	const reason = ": 27.50 of 28.75 INR are used or held, and a question costs 2.50 INR"
	if b.State != store.BatchPaused || b.HeldBy != store.BatchBudget(b.ID) || b.Reason != "budget batch:"+b.ID+reason {
		t.Errorf("the list is %s, held by %q: %q", b.State, b.HeldBy, b.Reason)
	}
	d.resumes(0)
	set(40)
	d.resumes(1)
	d.work()
	if b = d.read(); b.State != store.BatchDone || d.oracle.asked.Load() != 40 {
		t.Errorf("the list is %s, and %d questions were asked, want all 40", b.State, d.oracle.asked.Load())
	}
	d.balance()
}

// A day that is over makes room.
func TestBudgetOfADayBeginsAnew(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 40, jobs.Limits{Rate: jobs.Unlimited, Concurrency: 8}, func(context.Context, int64, string) error { return nil })
	budget := store.Budget{BudgetScope: store.ProviderBudget("acme", store.EachDay), Limit: store.Limit{Amount: 15 * store.One}}
	if err := d.store.SetBudget(t.Context(), budget, "test"); err != nil {
		t.Fatal(err)
	}
	for day, want := range []int64{15, 30, 40} {
		d.work()
		if got := d.oracle.asked.Load(); got != want {
			t.Errorf("%d questions were asked by day %d, want %d", got, day, want)
		}
		d.resumes(0)
		d.now = d.now.Add(24 * time.Hour)
		if want < 40 {
			d.resumes(1)
		}
	}
	if b := d.read(); b.State != store.BatchDone {
		t.Errorf("the list is %s: %s", b.State, b.Reason)
	}
	d.balance()
}

func (d *desk) read() store.Batch {
	d.t.Helper()
	b, err := d.store.BatchByNo(d.t.Context(), d.batch)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

// resumes looks for room in budgets, which so many lists get.
func (d *desk) resumes(want int) {
	d.t.Helper()
	if n, err := d.ResumeFunded(d.t.Context()); n != want || err != nil {
		d.t.Errorf("%d lists go on, %v, want %d", n, err, want)
	}
}
