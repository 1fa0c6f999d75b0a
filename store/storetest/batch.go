package storetest

import (
	"errors"
	"time"

	"github.com/plateq/plateq/store"
)

var batchRules = []rule{
	{"a paused list sends nothing and goes on when it is resumed", batchPause},
	{"a paused list finishes what was sent", batchPausedFinishes},
	{"what was settled during a pause makes the list done after it", batchFinish},
	{"a list that is done cannot be changed", batchDoneFixed},
	{"a list in intake cannot be paused or resumed", batchIntakeFixed},
	{"a batch that does not exist is no batch", batchNone},
	{"lists are shown newest first, in pages", batchListed},
	{"lists are chosen by tenant, provider and state", batchFilter},
	{"lists are chosen by when they were made", batchMade},
	{"turns are those of running lists with open rows", batchTurns},
	{"a list keeps under which request it came", batchTrace},
	{"a pause outlives a restart", batchSurvives},
}

func (w *world) pause(b store.BatchNo) {
	w.t.Helper()
	w.must(w.s.Pause(w.ctx, b, "budget"), "pause")
}

func (w *world) cancel(b store.BatchNo) {
	w.t.Helper()
	w.must(w.s.Cancel(w.ctx, b, "wrong file"), "cancel")
}

func batchPause(w *world) {
	b := w.list("P1", "P2")
	ref := w.chunk(b)
	c := w.takeMax(ref.ID, 1)
	w.pause(b)
	got := w.batch(b)
	equal(w, "state and reason", []string{string(got.State), got.Reason}, []string{"paused", "budget"})
	equal(w, "offer", w.offer(b, 10), nil)
	equal(w, "claim", plates(w.take(ref.ID)), nil)
	w.must(w.s.Resume(w.ctx, b), "resume")
	got = w.batch(b)
	equal(w, "state and reason", []string{string(got.State), got.Reason}, []string{"running", ""})
	w.settleRest(c, w.found(0))
	w.settleRest(w.claim(b), w.found(0))
	w.batchState(b, store.BatchDone)
}

func batchPausedFinishes(w *world) {
	b := w.list("P1", "P2", "P3")
	ref := w.chunk(b)
	first, second := w.takeMax(ref.ID, 1), w.takeMax(ref.ID, 1)
	w.pause(b)
	w.settleRest(first, w.found(0))
	w.settleRest(second, queued(0))
	w.states(b, store.Found, store.Queued, store.Queued)
	equal(w, "offer", w.offer(b, 10), nil)
}

func batchFinish(w *world) {
	b, open := w.list("P1"), w.list("P2")
	c := w.claim(b)
	w.pause(b)
	equal(w, "done by the answer", w.settleRest(c, w.found(0)).Done, nil)
	done, err := w.s.Finish(w.ctx)
	w.must(err, "finish")
	equal(w, "done while paused", done, nil)
	w.pass(time.Minute)
	w.must(w.s.Resume(w.ctx, b), "resume")
	_, err = w.s.Finish(w.ctx)
	w.must(err, "finish")
	w.batchState(b, store.BatchDone)
	equal(w, "done at", w.batch(b).Done, w.now())
	w.batchState(open, store.BatchRunning)
}

// fixed expects a change to be refused for the state of the batch.
func (w *world) fixed(b store.BatchNo, doing string, err error) {
	w.t.Helper()
	before := w.batch(b)
	e := wantError[*store.StateError](w, doing, err)
	equal(w, "state in the error of "+doing, e.State, before.State)
}

func batchDoneFixed(w *world) {
	b := w.list("P1")
	w.settleRest(w.claim(b), w.found(0))
	before := w.batch(b)
	w.fixed(b, "pause", w.s.Pause(w.ctx, b, "budget"))
	w.fixed(b, "resume", w.s.Resume(w.ctx, b))
	w.fixed(b, "cancel", w.s.Cancel(w.ctx, b, "wrong file"))
	equal(w, "batch", w.batch(b), before)
}

func batchIntakeFixed(w *world) {
	b := w.begin(plain())
	w.fixed(b, "pause", w.s.Pause(w.ctx, b, "budget"))
	w.fixed(b, "resume", w.s.Resume(w.ctx, b))
	w.batchState(b, store.BatchIntake)
}

func batchNone(w *world) {
	w.list("P1")
	const none = 4711
	_, byNo := w.s.BatchByNo(w.ctx, none)
	_, byID := w.s.Batch(w.ctx, "b_none")
	_, found := w.s.FindBatch(w.ctx, []byte("none"))
	_, added := w.s.AddRows(w.ctx, none, store.Piece{Rows: rows("P1")})
	_, committed := w.s.CommitBatch(w.ctx, none, nil, time.Time{})
	for doing, err := range map[string]error{
		"read by number": byNo, "read by id": byID, "find": found, "add rows": added, "commit": committed,
		"pause": w.s.Pause(w.ctx, none, "budget"), "resume": w.s.Resume(w.ctx, none), "cancel": w.s.Cancel(w.ctx, none, "wrong"),
		"abandon": w.s.AbandonBatch(w.ctx, none),
		"rows":    w.s.Rows(w.ctx, none, store.RowFilter{}, func(store.Row) error { return nil }),
	} {
		if !errors.Is(err, store.ErrNoBatch) {
			w.t.Errorf("%s: got error %v, want ErrNoBatch", doing, err)
		}
	}
}

// listed returns the numbers of batches.
func (w *world) listed(f store.BatchFilter) []store.BatchNo {
	w.t.Helper()
	list, err := w.s.Batches(w.ctx, f)
	w.must(err, "list batches")
	var numbers []store.BatchNo
	for _, b := range list {
		numbers = append(numbers, b.No)
	}
	return numbers
}

func batchListed(w *world) {
	a, b, c := w.list("P1"), w.list("P2"), w.list("P3")
	equal(w, "all", w.listed(store.BatchFilter{}), []store.BatchNo{c, b, a})
	equal(w, "first page", w.listed(store.BatchFilter{Limit: 2}), []store.BatchNo{c, b})
	equal(w, "second page", w.listed(store.BatchFilter{Limit: 2, Before: b}), []store.BatchNo{a})
	equal(w, "third page", w.listed(store.BatchFilter{Limit: 2, Before: a}), nil)
	list, err := w.s.Batches(w.ctx, store.BatchFilter{Limit: 1})
	w.must(err, "list batches")
	equal(w, "batch", list[0], w.batch(c))
}

func batchMade(w *world) {
	a := w.list("P1")
	w.pass(time.Hour)
	first := w.now()
	b := w.list("P2")
	w.pass(time.Hour)
	c := w.list("P3")
	equal(w, "from", w.listed(store.BatchFilter{From: first}), []store.BatchNo{c, b})
	equal(w, "to, which is out", w.listed(store.BatchFilter{To: first}), []store.BatchNo{a})
	equal(w, "from and to", w.listed(store.BatchFilter{From: first, To: w.now()}), []store.BatchNo{b})
	equal(w, "a page of them", w.listed(store.BatchFilter{From: first, Before: c}), []store.BatchNo{b})
	equal(w, "none", w.listed(store.BatchFilter{From: w.in(time.Millisecond)}), nil)
}

func batchFilter(w *world) {
	mine, paused, done := w.list("P1"), w.list("P2"), w.list("P3")
	w.pause(paused)
	w.settleRest(w.claim(done), w.found(0))
	nb := plain()
	nb.Tenant = "acme"
	acme := w.submit(nb, rows("P4"))
	nb = plain()
	nb.Provider = "regnum"
	regnum := w.submit(nb, rows("P5"))
	equal(w, "of a tenant", w.listed(store.BatchFilter{Tenant: "acme"}), []store.BatchNo{acme})
	equal(w, "of a provider", w.listed(store.BatchFilter{Provider: "regnum"}), []store.BatchNo{regnum})
	finished := store.BatchFilter{States: []store.BatchState{store.BatchDone, store.BatchPaused}}
	equal(w, "of states", w.listed(finished), []store.BatchNo{done, paused})
	running := store.BatchFilter{Tenant: "default", Provider: provider, States: []store.BatchState{store.BatchRunning}}
	equal(w, "of all three", w.listed(running), []store.BatchNo{mine})
}

func batchTurns(w *world) {
	paused, cancelled, done, sending, running := w.list("P1"), w.list("P2"), w.list("P3"), w.list("P4"), w.list("P5")
	w.pause(paused)
	w.cancel(cancelled)
	w.settleRest(w.claim(done), w.found(0))
	w.claim(sending)
	turns, err := w.s.Turns(w.ctx, provider)
	w.must(err, "list turns")
	has := map[store.BatchNo]bool{}
	for _, t := range turns {
		has[t.Batch] = true
	}
	equal(w, "turns", []bool{has[paused], has[cancelled], has[done], has[running]}, []bool{false, false, false, true})
}

func batchTrace(w *world) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	nb := plain()
	nb.Traceparent = parent
	traced, plainly := w.submit(nb, rows("P1", "P2")), w.list("P3")
	turns, err := w.s.Turns(w.ctx, provider)
	w.must(err, "list turns")
	of := map[store.BatchNo]store.Trace{}
	for _, t := range turns {
		of[t.Batch] = t.Trace
	}
	want := store.Trace{Parent: parent, Rows: 2}
	equal(w, "of the turns", []store.Trace{of[traced], of[plainly]}, []store.Trace{want, {Rows: 1}})
	w.settleWaiting(w.claim(traced), "T1")
	t, err := w.s.ClaimTicket(w.ctx, store.TicketClaim{ID: w.due()[0].ID, Owner: worker, Scopes: []string{provider}, Until: w.in(time.Minute)})
	w.must(err, "claim ticket")
	equal(w, "of the ticket", t.Trace, want)
}

func batchSurvives(w *world) {
	b := w.list("P1")
	w.pause(b)
	before := w.batch(b)
	w.reopen()
	equal(w, "batch", w.batch(b), before)
	equal(w, "offer", w.offer(b, 10), nil)
	w.must(w.s.Resume(w.ctx, b), "resume")
	equal(w, "asks", plates(w.claim(b)), []string{"P1"})
}
