package storetest

import "github.com/plateq/plateq/store"

var cancelRules = []rule{
	{"queued rows of a cancelled list are cancelled at once", cancelQueued},
	{"cancelled rows stay cancelled when the ask is answered for another list", cancelStays},
	{"an ask that another list wants is kept", cancelKeepsWanted},
	{"an ask that a paused list wants is kept", cancelKeepsPaused},
	{"an ask that nobody wants is asked anew by the next list", cancelDrops},
	{"what was sent before is finished and kept", cancelFinishes},
	{"what comes back to the queue of a cancelled list is dropped", cancelRequeued},
	{"what comes back to the queue is left to the list that still wants it", cancelRequeuedShared},
	{"what waits at the provider is finished and kept", cancelWaiting},
	{"settled and invalid rows stay as they are", cancelSettled},
	{"a cancelled list is never done, paused or resumed", cancelFinal},
	{"a paused list can be cancelled", cancelPaused},
	{"two cancelled lists drop what only they wanted", cancelBoth},
	{"cancelled rows stay cancelled over a restart", cancelSurvives},
}

func cancelQueued(w *world) {
	b := w.list("P1", "P2", "P2")
	w.cancel(b)
	got := w.batch(b)
	equal(w, "state and reason", []string{string(got.State), got.Reason}, []string{"cancelled", "wrong file"})
	w.states(b, store.Cancelled, store.Cancelled, store.Cancelled)
	equal(w, "counts", got.Counts[store.Cancelled], 3)
	equal(w, "offer", w.offer(b, 10), nil)
}

func cancelStays(w *world) {
	first := w.list("P1", "P2")
	second := w.list("P1", "P2")
	w.cancel(first)
	w.states(first, store.Cancelled, store.Cancelled)
	w.states(second, store.Queued, store.Queued)
	c := w.claim(second)
	w.states(first, store.Cancelled, store.Cancelled)
	w.settle(c, w.found(w.ask(c, "P1")), queued(w.ask(c, "P2")))
	w.settleRest(w.claim(second), w.notFound(0))
	w.states(first, store.Cancelled, store.Cancelled)
	w.states(second, store.Found, store.NotFound)
}

func cancelKeepsWanted(w *world) {
	first := w.list("P1", "P2", "P3")
	second := w.list("P2")
	w.cancel(second)
	w.states(first, store.Queued, store.Queued, store.Queued)
	equal(w, "asks of the home", plates(w.claim(first)), []string{"P1", "P2", "P3"})
}

func cancelKeepsPaused(w *world) {
	first := w.list("P1", "P2")
	second := w.list("P2")
	w.pause(second)
	w.cancel(first)
	w.states(second, store.Queued)
	w.must(w.s.Resume(w.ctx, second), "resume")
	c := w.claim(second)
	equal(w, "asks", plates(c), []string{"P2"})
	w.settleRest(c, w.found(0))
	w.states(first, store.Cancelled, store.Cancelled)
	w.states(second, store.Found)
}

func cancelDrops(w *world) {
	w.cancel(w.list("P1"))
	b := w.begin(plain())
	equal(w, "taken", w.add(b, rows("P1")), store.Taken{Rows: 1, Asks: 1})
	w.commit(b)
	equal(w, "asks", plates(w.claim(b)), []string{"P1"})
}

func cancelFinishes(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.takeMax(w.chunk(b).ID, 2)
	w.cancel(b)
	w.states(b, store.Sending, store.Sending, store.Cancelled)
	got := w.settle(c, w.found(w.ask(c, "P1")), unknown(w.ask(c, "P2")))
	equal(w, "settled", got, store.Settled{Applied: 2})
	w.states(b, store.Found, store.Unknown, store.Cancelled)
	equal(w, "late", w.settle(c, w.notFound(w.ask(c, "P2"))).Late, 1)
	w.states(b, store.Found, store.NotFound, store.Cancelled)
}

func cancelRequeued(w *world) {
	b := w.list("P1")
	ref := w.chunk(b)
	c := w.take(ref.ID)
	w.cancel(b)
	w.settleRest(c, queued(0))
	w.states(b, store.Cancelled)
	equal(w, "asks", plates(w.take(ref.ID)), nil)
	next := w.begin(plain())
	w.add(next, rows("P1"))
	w.commit(next)
	equal(w, "asks of the next list", plates(w.claim(next)), []string{"P1"})
	w.states(b, store.Cancelled)
}

func cancelRequeuedShared(w *world) {
	first, second := w.list("P1"), w.list("P1")
	c := w.claim(first)
	w.cancel(first)
	w.states(first, store.Sending)
	w.settleRest(c, queued(0))
	w.states(first, store.Cancelled)
	w.states(second, store.Queued)
	w.settleRest(w.claim(second), w.found(0))
	w.states(first, store.Cancelled)
	w.states(second, store.Found)
}

func cancelWaiting(w *world) {
	b := w.waiting("T-1", "P1", "P2")
	w.cancel(b)
	w.states(b, store.Waiting, store.Waiting)
	o := w.poll("T-1")
	w.settleTicket(o, w.found(o.Asks[0].ID))
	w.states(b, store.Found, store.Waiting)
}

func cancelSettled(w *world) {
	b := w.submit(plain(), append(rows("P1", "P2", "P3"), invalid("X")))
	c := w.takeMax(w.chunk(b).ID, 2)
	w.settle(c, w.found(w.ask(c, "P1")), unknown(w.ask(c, "P2")))
	w.cancel(b)
	w.states(b, store.Found, store.Unknown, store.Cancelled, store.Invalid)
}

func cancelFinal(w *world) {
	b := w.list("P1")
	c := w.claim(b)
	w.cancel(b)
	w.fixed(b, "pause", w.s.Pause(w.ctx, b, "budget"))
	w.fixed(b, "resume", w.s.Resume(w.ctx, b))
	equal(w, "done by the last answer", w.settleRest(c, w.found(0)).Done, nil)
	done, err := w.s.Finish(w.ctx)
	w.must(err, "finish")
	equal(w, "done by finish", done, nil)
	w.batchState(b, store.BatchCancelled)
}

func cancelPaused(w *world) {
	b := w.list("P1")
	w.pause(b)
	w.cancel(b)
	w.states(b, store.Cancelled)
	w.batchState(b, store.BatchCancelled)
}

func cancelBoth(w *world) {
	first, second := w.list("P1", "P2"), w.list("P2", "P3")
	w.cancel(first)
	w.cancel(second)
	w.states(first, store.Cancelled, store.Cancelled)
	w.states(second, store.Cancelled, store.Cancelled)
	b := w.begin(plain())
	equal(w, "taken", w.add(b, rows("P1", "P2", "P3")), store.Taken{Rows: 3, Asks: 3})
	w.commit(b)
}

func cancelSurvives(w *world) {
	first, second := w.list("P1", "P2"), w.list("P2")
	w.cancel(first)
	w.reopen()
	w.states(first, store.Cancelled, store.Cancelled)
	c := w.claim(second)
	equal(w, "asks", plates(c), []string{"P2"})
	w.settleRest(c, w.found(0))
	w.reopen()
	w.states(first, store.Cancelled, store.Cancelled)
	w.states(second, store.Found)
}
