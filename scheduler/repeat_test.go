package scheduler_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/scheduler"
	"github.com/plateq/plateq/store"
)

// schedule repeats a list every day at noon.
func (w *works) schedule(list store.BatchNo, change func(*store.Schedule)) string {
	w.t.Helper()
	s := store.Schedule{ID: store.NewScheduleID(), Tenant: store.DefaultTenant, List: list, Cron: "0 12 * * *", Zone: "UTC", Next: w.now().Add(24 * time.Hour)}
	if change != nil {
		change(&s)
	}
	if err := w.store.AddSchedule(w.t.Context(), s, nil); err != nil {
		w.t.Fatal(err)
	}
	return s.ID
}

func (w *works) repeat() {
	w.t.Helper()
	if err := w.scheduler.Repeat(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// runs lists what became of a schedule, newest first: the batch, or why there
// is none.
func (w *works) runs(id string) (batches []store.BatchNo, reasons []string) {
	w.t.Helper()
	all, err := w.store.ScheduleRuns(w.t.Context(), id, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range all {
		if r.Batch != 0 {
			batches = append(batches, r.Batch)
		}
		if r.Reason != "" {
			reasons = append(reasons, r.Reason)
		}
	}
	return batches, reasons
}

// all counts the batches there are, those that were not accepted among them.
func (w *works) all() int {
	w.t.Helper()
	batches, err := w.store.Batches(w.t.Context(), store.BatchFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(batches)
}

func (w *works) rows(b store.BatchNo) (rows []store.Row) {
	w.t.Helper()
	err := w.store.Rows(w.t.Context(), b, store.RowFilter{Questions: true}, func(r store.Row) error {
		r.State, r.Answer, r.Attempts = store.Queued, nil, 0
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

func TestAListIsRepeatedAtItsTime(t *testing.T) {
	t.Parallel()
	w := newWorks(t, sim.Fast())
	list := w.list(1200)
	w.once()
	w.add(time.Minute)
	w.once()
	id := w.schedule(list, nil)
	w.repeat()
	if n := w.all(); n != 1 {
		t.Fatalf("before its time there are %d batches, want 1", n)
	}
	w.add(24 * time.Hour)
	w.once()
	batches, _ := w.runs(id)
	if len(batches) != 1 {
		t.Fatalf("it ran %d times, want once", len(batches))
	}
	if d := cmp.Diff(w.rows(list), w.rows(batches[0])); d != "" {
		t.Errorf("rows (-list +repeated):\n%s", d)
	}
	if c := w.counts(batches[0]); c[store.Queued]+c[store.Sending] == 1200 || c[store.Found]+c[store.Waiting] == 0 {
		t.Errorf("nobody was asked anew: %v", c)
	}
	if twice := len(w.sim.Charges()); twice != 1200 {
		t.Errorf("%d plates were charged, want 1200", twice)
	}
	w.repeat()
	if n := w.all(); n != 2 {
		t.Errorf("it ran again: there are %d batches", n)
	}
}

func TestKnownAnswersDoWhereAScheduleSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorks(t, sim.Fast())
	w.scheduler = scheduler.New(scheduler.Options{
		Store: w.store, Providers: w.set, Log: zerolog.Nop(), Now: w.now,
		Reuse: func(string) store.Reuse {
			return store.Reuse{FreshFor: 96 * time.Hour, FreshNotFoundFor: 96 * time.Hour}
		},
	})
	list := w.list(10)
	settled := func(b store.BatchNo) int { return w.counts(b).Total() - w.counts(b).Open() }
	w.answer(list)
	known := w.schedule(list, func(s *store.Schedule) { s.Known, s.MaxCost = true, &store.Limit{Amount: store.One} })
	w.add(24 * time.Hour)
	w.repeat()
	if err := w.store.PauseSchedule(t.Context(), known); err != nil {
		t.Fatal(err)
	}
	fresh := w.schedule(list, nil)
	w.add(24 * time.Hour)
	w.repeat()
	anew, _ := w.runs(fresh)
	same, _ := w.runs(known)
	if len(anew) != 1 || len(same) != 1 || settled(anew[0]) != 0 || settled(same[0]) != 10 {
		t.Errorf("batches %v and %v have %d and %d answers, want 0 and 10", anew, same, settled(anew[0]), settled(same[0]))
	}
	b, err := w.store.BatchByNo(t.Context(), same[0])
	if err != nil {
		t.Fatal(err)
	}
	budgets, err := w.store.Budgets(t.Context(), store.BudgetsRequest{Batch: b.ID})
	if err != nil || len(budgets) != 1 || budgets[0].Amount != store.One {
		t.Errorf("its budgets are %v, %v, want one of one question", budgets, err)
	}
}

// answer settles all of a list as found.
func (w *works) answer(b store.BatchNo) {
	w.t.Helper()
	refs, err := w.store.Offer(w.t.Context(), store.OfferRequest{Batch: b, Size: 1000, Limit: 1})
	if err != nil || len(refs) != 1 {
		w.t.Fatalf("%v, %v", refs, err)
	}
	c, err := w.store.Claim(w.t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "first", Expires: w.now().Add(time.Minute)})
	if err == nil {
		_, err = w.store.Settle(w.t.Context(), store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Found, Answer: &store.Answer{At: w.now()}}})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestMissedTimesRunOnce: a scheduler that was down for days makes one batch,
// and goes on with the next time that is to come.
func TestMissedTimesRunOnce(t *testing.T) {
	t.Parallel()
	w := newWorks(t, sim.Fast())
	list := w.list(3)
	w.answer(list)
	id := w.schedule(list, nil)
	w.add(5*24*time.Hour + time.Hour)
	for range 3 {
		w.repeat()
	}
	if batches, _ := w.runs(id); len(batches) != 1 {
		t.Errorf("it ran %d times, want once", len(batches))
	}
	s, err := w.store.Schedule(t.Context(), id)
	if want := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC); err != nil || !s.Next.Equal(want) {
		t.Errorf("it is due next at %v, %v, want %v", s.Next, err, want)
	}
}

func TestARunDoesNotOvertakeTheOneBefore(t *testing.T) {
	t.Parallel()
	w := newWorks(t, sim.Fast())
	list := w.list(3)
	id := w.schedule(list, nil)
	over := w.schedule(list, func(s *store.Schedule) { s.Overlap = true })
	day := func() {
		w.add(24 * time.Hour)
		w.repeat()
	}
	day() // the list itself is not finished
	day()
	batches, reasons := w.runs(id)
	if len(batches) != 0 || len(reasons) != 2 || reasons[0] != "the run before it is not finished" {
		t.Errorf("it ran as %v, and not for %q", batches, reasons)
	}
	if batches, _ := w.runs(over); len(batches) != 2 {
		t.Errorf("one that may overlap ran as %v, want twice", batches)
	}
	for _, b := range append(batches, list) {
		if err := w.store.Cancel(t.Context(), b, "test"); err != nil {
			t.Fatal(err)
		}
	}
	day()
	day() // its own run is not finished
	if batches, reasons = w.runs(id); len(batches) != 1 || len(reasons) != 3 {
		t.Errorf("then it ran as %v, and not for %q", batches, reasons)
	}
}

// dying is a store whose process is killed at a step: nothing that comes after
// it is done.
type dying struct {
	store.Store
	at   string
	dead error
}

var errKilled = errors.New("killed")

func (d *dying) step(name string) error {
	if d.dead == nil && d.at == name {
		d.dead = errKilled
	}
	return d.dead
}

func (d *dying) AddRows(ctx context.Context, b store.BatchNo, p store.Piece) (store.Taken, error) {
	if err := d.step("rows"); err != nil {
		return store.Taken{}, err
	}
	return d.Store.AddRows(ctx, b, p)
}

func (d *dying) CommitBatch(ctx context.Context, b store.BatchNo, identity []byte, since time.Time) (store.Batch, error) {
	if err := d.step("commit"); err != nil {
		return store.Batch{}, err
	}
	return d.Store.CommitBatch(ctx, b, identity, since)
}

func (d *dying) AbandonBatch(ctx context.Context, b store.BatchNo) error {
	if d.dead != nil {
		return d.dead
	}
	return d.Store.AbandonBatch(ctx, b)
}

func (d *dying) SettleSchedule(ctx context.Context, r store.ScheduleSettlement) (bool, error) {
	if err := d.step("settle"); err != nil {
		return false, err
	}
	return d.Store.SettleSchedule(ctx, r)
}

// TestAKilledSchedulerLeavesNeitherTwoNorNone, wherever it is killed: the time
// is made up for once its lease is over, by one batch.
func TestAKilledSchedulerLeavesNeitherTwoNorNone(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"rows", "commit", "settle"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			w := newWorks(t, sim.Fast())
			list := w.list(3)
			w.answer(list)
			id := w.schedule(list, nil)
			w.add(24 * time.Hour)
			first := scheduler.New(scheduler.Options{Store: &dying{Store: w.store, at: at}, Providers: w.set, Log: zerolog.Nop(), Now: w.now})
			if err := first.Repeat(t.Context()); !errors.Is(err, errKilled) {
				t.Fatalf("got %v, want to be killed", err)
			}
			w.repeat()
			if batches, _ := w.runs(id); len(batches) != 0 {
				t.Fatalf("somebody else ran it at once: %v", batches)
			}
			w.add(5 * time.Minute)
			w.repeat()
			w.repeat()
			batches, _ := w.runs(id)
			accepted, err := w.store.Batches(t.Context(), store.BatchFilter{States: []store.BatchState{store.BatchRunning, store.BatchPaused}})
			if err != nil || len(batches) != 1 || len(accepted) != 1 || accepted[0].No != batches[0] {
				t.Errorf("it ran as %v, and %d batches run, %v: want one", batches, len(accepted), err)
			}
		})
	}
}

// TestOfManySchedulersOneRepeats a list, even where the lease of one is over
// while it works.
func TestOfManySchedulersOneRepeats(t *testing.T) {
	t.Parallel()
	w := newWorks(t, sim.Fast())
	list := w.list(3)
	w.answer(list)
	id := w.schedule(list, nil)
	w.add(24 * time.Hour)
	slow := scheduler.New(scheduler.Options{Providers: w.set, Log: zerolog.Nop(), Now: w.now, Store: &overtaken{Store: w.store, by: func() {
		w.add(10 * time.Minute)
		w.repeat()
	}}})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := slow.Repeat(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	batches, _ := w.runs(id)
	running, err := w.store.Batches(t.Context(), store.BatchFilter{States: []store.BatchState{store.BatchRunning}})
	if err != nil || len(batches) != 1 || len(running) != 1 {
		t.Errorf("it ran as %v, and %d batches run, %v: want one", batches, len(running), err)
	}
}

// overtaken is a store in which somebody else is faster just before the first
// commit.
type overtaken struct {
	store.Store
	once sync.Once
	by   func()
}

func (o *overtaken) CommitBatch(ctx context.Context, b store.BatchNo, identity []byte, since time.Time) (store.Batch, error) {
	o.once.Do(o.by)
	return o.Store.CommitBatch(ctx, b, identity, since)
}

func TestAListThatCannotBeRepeatedSaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorks(t, sim.Fast())
	list := w.list(3)
	w.answer(list)
	id := w.schedule(list, nil)
	w.add(24 * time.Hour)
	none, err := providers.NewSet()
	if err != nil {
		t.Fatal(err)
	}
	s := scheduler.New(scheduler.Options{Store: w.store, Providers: none, Log: zerolog.Nop(), Now: w.now})
	if err := s.Repeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, reasons := w.runs(id); len(reasons) != 1 || reasons[0] != "its provider is not set up" {
		t.Errorf("reasons %q", reasons)
	}
}
