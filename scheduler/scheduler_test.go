package scheduler_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/scheduler"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// works is everything but Redis, which nobody can reach.
type works struct {
	*clock
	t     *testing.T
	path  string
	keys  store.Keys
	set   *providers.Set
	sim   *sim.Server
	redis *redis.Client

	retention time.Duration // of lists that say nothing
	store     store.Store
	worker    *jobs.Worker
	scheduler *scheduler.Scheduler
}

func newWorks(t *testing.T, o sim.Options) *works {
	t.Helper()
	return newWorksOf(t, o, 50)
}

// newWorksOf is newWorks with calls of so many plates.
func newWorksOf(t *testing.T, o sim.Options, perCall int) *works {
	t.Helper()
	w := &works{t: t, retention: 90 * 24 * time.Hour, clock: &clock{at: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}, path: filepath.Join(t.TempDir(), "plateq.db"), keys: store.NewKeys()}
	o.Now = w.now
	var err error
	if w.sim, err = sim.New(o); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(w.sim.Handler())
	t.Cleanup(func() {
		_ = w.sim.Close()
		web.Close()
	})
	p, err := attestr.New(attestr.Config{BaseURL: web.URL + "/attestr", AuthToken: sim.DefaultToken, BatchSize: perCall}, attestr.Options{Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	if w.set, err = providers.NewSet(p); err != nil {
		t.Fatal(err)
	}
	w.redis = redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = w.redis.Close() })
	w.open("first")
	t.Cleanup(func() { _ = w.store.Close() })
	return w
}

// open starts worker and scheduler over the store's file.
func (w *works) open(id store.WorkerID) {
	w.t.Helper()
	st, err := sqlite.Open(w.t.Context(), sqlite.Options{Path: w.path, Keys: w.keys, Now: w.now, Retention: w.retention})
	if err != nil {
		w.t.Fatal(err)
	}
	sealer, err := store.NewSealer(w.keys)
	if err != nil {
		w.t.Fatal(err)
	}
	spool, err := store.OpenSpool(w.t.TempDir(), sealer, st.ID(), 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	limits := map[string]jobs.Limits{"attestr": {
		Rate: jobs.Unlimited, Concurrency: 2, Timeout: 5 * time.Second,
		PollMin: 15 * time.Second, PollMax: 5 * time.Minute, PollPrice: jobs.DefaultPollPrice, Deadline: 48 * time.Hour,
		NextReset: func(t time.Time) time.Time { return t.Truncate(24 * time.Hour).Add(24 * time.Hour) }, Probe: time.Hour,
	}}
	w.store = st
	enq := jobs.NewEnqueuer(jobs.EnqueuerOptions{Store: st, Providers: w.set, Limits: limits, Redis: w.redis, Log: zerolog.Nop(), Now: w.now})
	w.scheduler = scheduler.New(scheduler.Options{Store: st, Providers: w.set, Enqueuer: enq, Log: zerolog.Nop(), Now: w.now})
	w.worker, err = jobs.NewWorker(jobs.WorkerOptions{ID: id, Store: st, Providers: w.set, Limits: limits, Redis: w.redis, Spool: spool, Log: zerolog.Nop(), Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := st.Beat(w.t.Context(), id); err != nil {
		w.t.Fatal(err)
	}
}

func (w *works) list(n int) store.BatchNo {
	w.t.Helper()
	return w.listKept(n, 0)
}

// listKept is a list that says how long it is kept; 0: it says nothing.
func (w *works) listKept(n int, d time.Duration) store.BatchNo {
	w.t.Helper()
	no, err := w.store.BeginBatch(w.t.Context(), store.NewBatch{Provider: "attestr", Kept: d})
	if err != nil {
		w.t.Fatal(err)
	}
	rows := make([]store.NewRow, n)
	for i := range rows {
		s := providers.Subject{providers.Plate: fmt.Sprintf("KA81AA%04d", i)}
		rows[i] = store.NewRow{Subject: s, Question: store.Question{Subject: s}}
	}
	if _, err := w.store.AddRows(w.t.Context(), no, store.Piece{Rows: rows}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.store.CommitBatch(w.t.Context(), no, nil, time.Time{}); err != nil {
		w.t.Fatal(err)
	}
	return no
}

func (w *works) once() {
	w.t.Helper()
	if err := w.scheduler.Once(w.t.Context(), w.worker); err != nil {
		w.t.Fatal(err)
	}
}

func (w *works) batch(b store.BatchNo) store.Batch {
	w.t.Helper()
	got, err := w.store.BatchByNo(w.t.Context(), b)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *works) counts(b store.BatchNo) store.Counts {
	w.t.Helper()
	return w.batch(b).Counts
}

// later is a stand-in whose records are final an hour after the submit.
func later() sim.Options {
	o := sim.Fast()
	o.Completion = sim.Completion{Min: time.Hour, Max: time.Hour, Order: sim.PageOrder}
	return o
}

func TestOnceDoesAllThatIsDueWithoutRedis(t *testing.T) {
	t.Parallel()
	w := newWorks(t, later())
	b := w.list(120)
	w.once()
	if c := w.counts(b); c[store.Waiting] != 120 {
		t.Fatalf("after the first time: %v, want 120 waiting", c)
	}
	if polls := w.sim.Stats().Requests["items"]; polls != 0 {
		t.Errorf("%d polls before any was due", polls)
	}
	w.add(20 * time.Second)
	w.once()
	polls := w.sim.Stats().Requests["items"]
	w.once()
	if again := w.sim.Stats().Requests["items"]; polls == 0 || again != polls {
		t.Errorf("%d polls when due, %d at once after it: want some, then none", polls, again-polls)
	}
	w.add(time.Hour)
	w.once()
	if c := w.counts(b); c.Open() != 0 || c.Total() != 120 {
		t.Errorf("in the end: %v", c)
	}
}

func TestATicketIsGivenUpAtItsDeadlineAndALateAnswerCounts(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 100}
	o.Completion = sim.Completion{Min: 49 * time.Hour, Max: 49 * time.Hour, Order: sim.PageOrder}
	w := newWorks(t, o)
	b := w.list(10)
	w.once()
	w.add(48*time.Hour + time.Minute)
	w.once()
	if c := w.counts(b); c[store.Failed] != 10 {
		t.Fatalf("at the deadline: %v, want 10 failed", c)
	}
	w.add(2 * time.Hour)
	w.once()
	if c := w.counts(b); c[store.Found] != 10 {
		t.Errorf("after the answer: %v, want 10 found", c)
	}
}

func TestADeadProcessLeavesUnknownAndPaysNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorks(t, later())
	b := w.list(30)
	turns, err := w.store.Turns(t.Context(), "attestr")
	if err != nil || len(turns) != 1 {
		t.Fatalf("%v, %v", turns, err)
	}
	refs, err := w.store.Offer(t.Context(), store.OfferRequest{Batch: turns[0].Batch, Size: 50, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("%v, %v", refs, err)
	}
	if _, err := w.store.Claim(t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "first", Expires: w.now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	w.once()
	if c := w.counts(b); c[store.Sending] != 30 {
		t.Fatalf("while its owner lives: %v, want 30 sending", c)
	}
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.open("second")
	w.once()
	if c := w.counts(b); c[store.Unknown] != 30 {
		t.Errorf("after its death: %v, want 30 unknown", c)
	}
	if n := len(w.sim.Charges()); n != 0 {
		t.Errorf("%d plates were sent", n)
	}
}

func TestTicketsOfADeadProcessArePolledByAnother(t *testing.T) {
	t.Parallel()
	w := newWorks(t, later())
	w.list(10)
	w.once()
	w.add(20 * time.Second)
	due, err := w.store.DueTickets(t.Context(), "attestr", 2)
	if err != nil || len(due) != 1 {
		t.Fatalf("%v, %v", due, err)
	}
	if err := w.store.Beat(t.Context(), "another"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.ClaimTicket(t.Context(), store.TicketClaim{ID: due[0].ID, Owner: "another", Until: w.now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what string
		wait time.Duration
		want int
	}{
		{"while it lives", 59 * time.Second, 0},
		{"after a minute without a sign of life", time.Second, 1},
	} {
		w.add(step.wait)
		w.once()
		if polls := w.sim.Stats().Requests["items"]; polls != step.want {
			t.Errorf("%s: %d polls, want %d", step.what, polls, step.want)
		}
	}
}

func TestTwoSchedulersPollNoMoreThanOne(t *testing.T) {
	t.Parallel()
	w := newWorks(t, later())
	w.list(50)
	w.once()
	w.add(20 * time.Second)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := w.worker.PollNow(context.Background(), "attestr"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if polls := w.sim.Stats().Requests["items"]; polls != 1 {
		t.Errorf("%d polls of one ticket with one page, want 1", polls)
	}
}

// TestWebhooksThatToldOfNothingAreForgotten after a day.
func TestWebhooksThatToldOfNothingAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorks(t, sim.Options{})
	if _, err := w.store.Hint(t.Context(), store.HintRequest{Provider: "attestr", Hints: []providers.Hint{{Ticket: "b1"}}}); err != nil {
		t.Fatal(err)
	}
	left := func() int {
		t.Helper()
		if err := w.scheduler.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		orphans, err := w.store.Orphans(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(orphans)
	}
	if got := left(); got != 1 {
		t.Errorf("got %d, want it to be kept", got)
	}
	w.add(store.OrphanLife)
	if got := left(); got != 0 {
		t.Errorf("got %d, want it to be forgotten", got)
	}
}
