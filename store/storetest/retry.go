package storetest

import (
	"errors"
	"time"

	"github.com/plateq/plateq/store"
)

var retryRules = []rule{
	{"a failed row that is retried is asked again, and the call it had stays", retryFailed},
	{"a retry is about its own list alone", retryOwn},
	{"a retry joins the ask that is open", retryJoins},
	{"a retry chooses by class and code", retryChooses},
	{"a retry leaves what failed after its time, and what it has made itself", retryBy},
	{"a rehearsal of a retry changes nothing", retryDry},
	{"all rows on a failed ask get one other", retryDuplicates},
	{"what fails again is retried again", retryAgain},
	{"an ask that is retried goes on with the ticket that failed", retryPrior},
	{"an ask that is retried goes on with no ticket that may be another's", retryPriorOther},
	{"a cancelled list is not retried", retryCancelled},
	{"a late answer to an ask that was retried stays with that ask", retryLate},
	{"causes count the rows that failed by them", retryCauses},
	{"a list that wanted fresh answers takes one that came after it", retryFresh},
	{"a row that is retried waits on an unknown as unknown", retryUnknown},
	{"a paused list that is retried stays paused", retryPaused},
}

// askAgain retries failed rows of a batch.
func (w *world) askAgain(r store.RetryRequest) store.Retried {
	w.t.Helper()
	got, err := w.s.Retry(w.ctx, r)
	w.must(err, "retry")
	return got
}

// failedList is a done list whose asks all failed.
func (w *world) failedList(plates ...string) store.BatchNo {
	w.t.Helper()
	b := w.list(plates...)
	w.settleRest(w.claim(b), w.failed(0, store.ClassProviderError))
	return b
}

// cause is why rows failed that the rules let fail.
func cause(class store.ErrorClass, n int) store.Cause {
	return store.Cause{Class: class, Code: "5001", Message: "as it came", Rows: n}
}

func retryFailed(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.settle(c, w.failed(w.ask(c, "P1"), store.ClassProviderError), w.found(w.ask(c, "P2")))
	w.batchState(b, store.BatchDone)
	equal(w, "retried", w.askAgain(store.RetryRequest{Batch: b}), store.Retried{
		Taken: store.Taken{Rows: 1, Asks: 1}, Causes: []store.Cause{cause(store.ClassProviderError, 1)},
	})
	w.batchState(b, store.BatchRunning)
	w.states(b, store.Queued, store.Found)
	again := w.claim(b)
	equal(w, "asked again", plates(again), []string{"P1"})
	equal(w, "done by it", w.settleRest(again, w.found(0)).Done, []store.BatchNo{b})
	w.states(b, store.Found, store.Found)
	equal(w, "calls", w.calls(), 2)
	equal(w, "retried once more", w.askAgain(store.RetryRequest{Batch: b}), store.Retried{})
	w.reopen()
	w.states(b, store.Found, store.Found)
}

func retryOwn(w *world) {
	first := w.list("P1")
	second := w.submit(reusing(time.Hour, time.Hour), rows("P1"))
	w.settleRest(w.claim(first), w.failed(0, store.ClassProviderError))
	equal(w, "retried", w.askAgain(store.RetryRequest{Batch: second}).Taken, store.Taken{Rows: 1, Asks: 1})
	w.states(first, store.Failed)
	w.batchState(first, store.BatchDone)
	w.settleRest(w.claim(second), w.found(0))
	w.states(first, store.Failed)
	w.states(second, store.Found)
	w.pass(time.Minute)
	equal(w, "retried by the other", w.askAgain(store.RetryRequest{Batch: first}).Taken, store.Taken{Rows: 1, Cached: 1})
	w.states(first, store.Found)
	w.batchState(first, store.BatchDone)
	equal(w, "shared", w.batch(first).Shared, store.Shared{Known: 1})
	equal(w, "shared by the other", w.batch(second).Shared, store.Shared{})
	equal(w, "calls", w.calls(), 2)
}

func retryJoins(w *world) {
	first := w.list("P1")
	second := w.list("P1")
	w.settleRest(w.claim(first), w.failed(0, store.ClassProviderError))
	w.askAgain(store.RetryRequest{Batch: first})
	c := w.claim(first)
	equal(w, "retried by the other", w.askAgain(store.RetryRequest{Batch: second}).Taken, store.Taken{Rows: 1, Shared: 1, Joined: 1})
	w.states(second, store.Sending)
	w.settleRest(c, w.notFound(0))
	w.states(first, store.NotFound)
	w.states(second, store.NotFound)
	w.batchState(second, store.BatchDone)
	equal(w, "calls", w.calls(), 2)
}

func retryChooses(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	other := w.failed(w.ask(c, "P3"), store.ClassUnavailable)
	other.Answer.Failure.Code = "503"
	w.settle(c, w.failed(w.ask(c, "P1"), store.ClassProviderError), w.failed(w.ask(c, "P2"), store.ClassPoison), other)
	equal(w, "retried by class", w.askAgain(store.RetryRequest{Batch: b, Class: store.ClassPoison}).Taken, store.Taken{Rows: 1, Asks: 1})
	w.states(b, store.Failed, store.Queued, store.Failed)
	equal(w, "retried by code", w.askAgain(store.RetryRequest{Batch: b, Code: "503"}).Taken, store.Taken{Rows: 1, Asks: 1})
	w.states(b, store.Failed, store.Queued, store.Queued)
	equal(w, "retried by both", w.askAgain(store.RetryRequest{Batch: b, Class: store.ClassProviderError, Code: "503"}), store.Retried{})
	w.states(b, store.Failed, store.Queued, store.Queued)
}

func retryBy(w *world) {
	b := w.list("P1", "P2", "P3", "P4")
	other := w.list("P4")
	c := w.claim(b)
	w.settle(c, w.failed(w.ask(c, "P1"), store.ClassProviderError), w.failed(w.ask(c, "P2"), store.ClassPoison))
	by := w.now()
	w.pass(store.Apart) // noted by a process that is ahead of this one
	w.settle(c, w.failed(w.ask(c, "P3"), store.ClassProviderError))
	w.pass(time.Second)
	w.settle(c, w.failed(w.ask(c, "P4"), store.ClassProviderError))
	equal(w, "retried by its time, where it failed later", w.askAgain(store.RetryRequest{Batch: other, By: by}), store.Retried{})
	whole := store.RetryRequest{Batch: b, By: by}
	half := store.RetryRequest{Batch: b, By: by, Class: store.ClassPoison}
	w.askAgain(half)
	w.settleRest(w.claim(b), w.failed(0, store.ClassPoison))
	equal(w, "what it had left", w.askAgain(whole), store.Retried{
		Taken: store.Taken{Rows: 2, Asks: 2}, Causes: []store.Cause{cause(store.ClassProviderError, 2)},
	})
	w.states(b, store.Queued, store.Failed, store.Queued, store.Failed)
	w.settleRest(w.claim(b), w.failed(0, store.ClassProviderError))
	equal(w, "nothing is left", w.askAgain(whole), store.Retried{})
	ahead := store.RetryRequest{Batch: b, By: w.now().Add(time.Second)} // by the clock of another server
	equal(w, "another retry", w.askAgain(ahead).Taken, store.Taken{Rows: 4, Asks: 4})
	equal(w, "retried by the other", w.askAgain(store.RetryRequest{Batch: other}).Taken, store.Taken{Rows: 1, Shared: 1, Joined: 1})
	w.settleRest(w.claim(b), w.failed(0, store.ClassProviderError))
	equal(w, "the same once more", w.askAgain(ahead), store.Retried{})
}

func retryDry(w *world) {
	b := w.failedList("P1", "P2", "P2")
	before := w.read(b, store.RowFilter{})
	equal(w, "rehearsed", w.askAgain(store.RetryRequest{Batch: b, Dry: true}), store.Retried{
		Taken: store.Taken{Rows: 3, Asks: 2, Shared: 1}, Causes: []store.Cause{cause(store.ClassProviderError, 3)},
	})
	equal(w, "rows", w.read(b, store.RowFilter{}), before)
	w.batchState(b, store.BatchDone)
	equal(w, "offer", w.offer(b, 10), nil)
}

func retryDuplicates(w *world) {
	b := w.failedList("P1", "P1", "P1")
	equal(w, "retried", w.askAgain(store.RetryRequest{Batch: b}).Taken, store.Taken{Rows: 3, Asks: 1, Shared: 2})
	equal(w, "shared", w.batch(b).Shared, store.Shared{Duplicates: 2})
	w.settleRest(w.claim(b), w.found(0))
	w.states(b, store.Found, store.Found, store.Found)
}

func retryAgain(w *world) {
	b := w.failedList("P1")
	for range 3 {
		w.askAgain(store.RetryRequest{Batch: b})
		w.settleRest(w.claim(b), w.failed(0, store.ClassProviderError))
		w.states(b, store.Failed)
	}
	w.askAgain(store.RetryRequest{Batch: b})
	w.settleRest(w.claim(b), w.found(0))
	w.states(b, store.Found)
	equal(w, "asks", w.batch(b).Asks, 5)
	equal(w, "calls", w.calls(), 5)
}

func retryPriorOther(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.settleAll(store.Settlement{
		Call: c.Call, Tickets: []store.NewTicket{newTicket("T-1", w.now())},
		Verdicts: []store.Verdict{{Ask: w.ask(c, "P1"), To: store.Waiting}, w.failed(w.ask(c, "P2"), store.ClassProviderError)},
	})
	w.askAgain(store.RetryRequest{Batch: b})
	if p := w.claim(b).Asks[0].Prior; p != nil {
		w.t.Errorf("the retry of P2 goes on with %+v, which is the ticket of P1", p)
	}
}

func retryPrior(w *world) {
	b := w.waiting("T-1", "P1")
	w.pass(time.Hour)
	o := w.poll("T-1")
	w.settleTicket(o, w.failed(o.Asks[0].ID, store.ClassProviderError))
	w.askAgain(store.RetryRequest{Batch: b})
	w.must(w.s.Beat(w.ctx, worker), "beat")
	c := w.claim(b)
	if p := c.Asks[0].Prior; p == nil || p.ID != "T-1" {
		w.t.Fatalf("the ask goes on with %+v, want ticket T-1", p)
	}
	w.must(w.s.Retire(w.ctx, worker), "retire")
	stale, err := w.s.StaleCalls(w.ctx, 0)
	w.must(err, "list dead calls")
	if len(stale) != 1 || stale[0].Asks[0].Prior == nil {
		w.t.Errorf("dead calls are %+v, want one that goes on with a ticket", stale)
	}
	// It is remembered where the retry itself brought no ticket.
	w.settleRest(c, w.failed(0, store.ClassUnavailable))
	w.askAgain(store.RetryRequest{Batch: b})
	c = w.claim(b)
	if p := c.Asks[0].Prior; p == nil || p.ID != "T-1" {
		w.t.Errorf("the second retry goes on with %+v, want ticket T-1", p)
	}
	w.settleRest(c, w.failed(0, store.ClassUnavailable))
	if p := w.claim(w.list("P1")).Asks[0].Prior; p != nil {
		w.t.Errorf("a new list goes on with %+v, want nothing: it is no retry", p)
	}
}

func retryCancelled(w *world) {
	b := w.list("P1", "P2")
	c := w.takeMax(w.chunk(b).ID, 1)
	w.settleRest(c, w.failed(0, store.ClassProviderError))
	w.cancel(b)
	_, err := w.s.Retry(w.ctx, store.RetryRequest{Batch: b})
	equal(w, "state in the error", wantError[*store.StateError](w, "retry", err).State, store.BatchCancelled)
	w.states(b, store.Failed, store.Cancelled)
	if _, err := w.s.Retry(w.ctx, store.RetryRequest{Batch: 999}); !errors.Is(err, store.ErrNoBatch) {
		w.t.Errorf("retry of no batch: %v, want ErrNoBatch", err)
	}
}

func retryLate(w *world) {
	b := w.timedOut("P1")
	w.askAgain(store.RetryRequest{Batch: b})
	w.pass(time.Hour)
	o := w.poll("T-1")
	equal(w, "late answer", w.settleTicket(o, w.found(o.Asks[0].ID)), store.Settled{Applied: 1, Late: 1})
	w.states(b, store.Queued)
	w.settleRest(w.claim(b), w.notFound(0))
	w.states(b, store.NotFound)
	w.batchState(b, store.BatchDone)
}

func retryCauses(w *world) {
	b := w.list("P1", "P2", "P2", "P3")
	joined := w.list("P2", "P3")
	c := w.claim(b)
	w.settle(c, w.failed(w.ask(c, "P1"), store.ClassUnavailable), w.failed(w.ask(c, "P2"), store.ClassProviderTimeout), w.found(w.ask(c, "P3")))
	causes := func(b store.BatchNo) []store.Cause {
		all, err := w.s.Causes(w.ctx, b)
		w.must(err, "read causes")
		return all
	}
	equal(w, "causes", causes(b), []store.Cause{cause(store.ClassProviderTimeout, 2), cause(store.ClassUnavailable, 1)})
	equal(w, "causes of the other", causes(joined), []store.Cause{cause(store.ClassProviderTimeout, 1)})
	w.settle(c, w.found(w.ask(c, "P2")))
	equal(w, "causes after a late answer", causes(b), []store.Cause{cause(store.ClassUnavailable, 1)})
	w.askAgain(store.RetryRequest{Batch: b})
	equal(w, "causes after a retry", causes(b), nil)
}

func retryFresh(w *world) {
	nb := plain()
	nb.Reuse.Fresh = true
	b := w.submit(nb, rows("P1"))
	w.settleRest(w.claim(b), w.failed(0, store.ClassProviderError))
	w.pass(time.Minute)
	w.settleRest(w.claim(w.list("P1")), w.found(0))
	w.pass(time.Minute)
	equal(w, "retried", w.askAgain(store.RetryRequest{Batch: b}).Taken, store.Taken{Rows: 1, Cached: 1})
	w.states(b, store.Found)
}

func retryUnknown(w *world) {
	b := w.failedList("P1")
	other := w.list("P1")
	c := w.claim(other)
	w.settleRest(c, unknown(0))
	equal(w, "retried", w.askAgain(store.RetryRequest{Batch: b}).Taken, store.Taken{Rows: 1, Unknown: 1})
	w.states(b, store.Unknown)
	w.batchState(b, store.BatchDone)
	w.settleRest(c, w.found(0))
	w.states(b, store.Found)
}

func retryPaused(w *world) {
	b := w.list("P1", "P2")
	w.settleRest(w.takeMax(w.chunk(b).ID, 1), w.failed(0, store.ClassProviderError))
	w.must(w.s.Pause(w.ctx, b, "wait"), "pause")
	w.askAgain(store.RetryRequest{Batch: b})
	w.batchState(b, store.BatchPaused)
	w.states(b, store.Queued, store.Queued)
	w.must(w.s.Resume(w.ctx, b), "resume")
	for _, ref := range w.offer(b, 10) {
		w.settleRest(w.take(ref.ID), w.found(0))
	}
	w.states(b, store.Found, store.Found)
}
