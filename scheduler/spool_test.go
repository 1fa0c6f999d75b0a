package scheduler_test

import (
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/scheduler"
	"github.com/plateq/plateq/store"
)

// TestARefusedAnswerHoldsUpNoOtherCall is `scheduler --once`, each time a new
// process, with an answer in its spool that the store refuses: calls of others
// are judged at once, and its own when the answer is set aside.
func TestARefusedAnswerHoldsUpNoOtherCall(t *testing.T) {
	t.Parallel()
	e := newElsewhere(t, false)
	w := e.works
	sealer, err := store.NewSealer(w.keys)
	if err != nil {
		t.Fatal(err)
	}
	no := w.list(2) // the first of them is asked for elsewhere
	refs, err := w.store.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 50, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("got %v, %v, want a chunk", refs, err)
	}
	c, err := w.store.Claim(t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "own", Max: 1, Expires: w.now().Add(time.Minute)})
	if err != nil || len(c.Asks) != 1 {
		t.Fatalf("got %+v, %v, want a claim", c, err)
	}
	dir := t.TempDir()
	limits := map[string]jobs.Limits{"attestr": {Rate: jobs.Unlimited, Concurrency: 2, Timeout: 5 * time.Second,
		NextReset: func(t time.Time) time.Time { return t.Add(time.Hour) }}}
	for day := range 5 {
		w.add(24 * time.Hour)
		spool, err := store.OpenSpool(dir, sealer, w.store.ID(), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		spool.TellTime(w.now)
		if day == 0 { // found without what was found
			nonsense := store.Settlement{Call: c.Call, Verdicts: []store.Verdict{{Ask: c.Asks[0].ID, To: store.Failed}}}
			if err := spool.Put(store.Spooled{Call: &nonsense}); err != nil {
				t.Fatal(err)
			}
		}
		worker, err := jobs.NewWorker(jobs.WorkerOptions{
			ID: "once", Store: w.store, Providers: w.set, Limits: limits, Redis: w.redis, Spool: spool, Log: zerolog.Nop(), Now: w.now,
		})
		if err != nil {
			t.Fatal(err)
		}
		refused := worker.DrainSpool(t.Context())
		if err := w.store.Beat(t.Context(), "once"); err != nil {
			t.Fatal(err)
		}
		s := scheduler.New(scheduler.Options{Store: w.store, Providers: w.set, Log: zerolog.Nop(), Now: w.now, Holds: worker.Holds})
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		u := spool.Use()
		if refused == nil || u.Answers+u.Refused != 1 {
			t.Fatalf("day %d: the spool tells %+v, %v, want the refused answer", day, u, refused)
		}
		e.want("whatever is in the spool", true)
		if judged := w.counts(no)[store.Unknown] == 2; judged != (u.Refused == 1) || judged != (day == 4) {
			t.Errorf("day %d: its own call is judged: %t, the spool tells %+v", day, judged, u)
		}
		if err := spool.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
