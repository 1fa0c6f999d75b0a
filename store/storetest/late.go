package storetest

import (
	"time"

	"github.com/plateq/plateq/store"
)

var lateRules = []rule{
	{"a ticket past its deadline is given up, and a late answer still counts", lateAnswer},
	{"a late ticket is still polled and says that it is late", lateStillPolled},
	{"a ticket may be given up before its deadline", lateEarly},
	{"a record that went missing may still come", lateMissing},
	{"an answer after a final failure changes nothing", lateRefused},
	{"a late answer comes by the call as well", lateByCall},
	{"only kinds of failure that may be wrong are replaced", lateClasses},
	{"a late answer counts once and finishes nothing twice", lateOnce},
	{"a done list runs again when an unknown of it turns out to wait", lateWaiting},
	{"a late answer reaches every list that shares the ask", lateShared},
}

// expire gives up what a ticket still waits for.
func (w *world) expire(o store.OpenTicket) store.Settled {
	w.t.Helper()
	var v []store.Verdict
	for _, a := range o.Asks {
		v = append(v, w.failed(a.ID, store.ClassProviderTimeout))
	}
	return w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Verdicts: v, Due: w.in(time.Hour), Interval: time.Hour, Expire: true,
	})
}

// timedOut is a list whose asks were given up at the deadline of ticket T-1,
// which is due again in an hour.
func (w *world) timedOut(plates ...string) store.BatchNo {
	w.t.Helper()
	b := w.waiting("T-1", plates...)
	w.pass(49 * time.Hour)
	equal(w, "done at the deadline", w.expire(w.poll("T-1")).Done, []store.BatchNo{b})
	return b
}

func lateAnswer(w *world) {
	b := w.timedOut("P1", "P2", "P3")
	w.states(b, store.Failed, store.Failed, store.Failed)
	equal(w, "class", w.row(b, 1).Answer.Failure.Class, store.ClassProviderTimeout)
	w.pass(time.Hour)
	o := w.poll("T-1")
	c := store.Claim{Asks: o.Asks}
	got := w.settleTicket(o, w.found(w.ask(c, "P1")), w.notFound(w.ask(c, "P2")))
	equal(w, "settled", got, store.Settled{Applied: 2, Late: 2})
	w.states(b, store.Found, store.NotFound, store.Failed)
	equal(w, "answer", w.row(b, 1).Answer.At, w.now())
	if f := w.row(b, 1).Answer.Failure; f != nil {
		w.t.Errorf("the failure stayed beside the late answer: %+v", f)
	}
}

func lateStillPolled(w *world) {
	w.waiting("T-1", "P1")
	o := w.poll("T-1")
	equal(w, "late before the deadline", o.Late, false)
	w.release(o)
	w.pass(49 * time.Hour)
	o = w.poll("T-1")
	equal(w, "late before it was given up", o.Late, false)
	w.expire(o)
	equal(w, "due at once", w.due(), nil)
	w.reopen()
	w.pass(time.Hour)
	o = w.poll("T-1")
	equal(w, "late after it", o.Late, true)
	equal(w, "asks", asks(o), []string{"P1"})
}

func lateEarly(w *world) {
	w.waiting("T-1", "P1")
	w.expire(w.poll("T-1"))
	w.pass(time.Hour)
	equal(w, "late", w.poll("T-1").Late, true)
}

func lateMissing(w *world) {
	b := w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	c := store.Claim{Asks: o.Asks}
	w.settleTicket(o, w.failed(w.ask(c, "P1"), store.ClassMissing))
	w.pass(time.Minute)
	o = w.poll("T-1")
	equal(w, "asks", asks(o), []string{"P1", "P2"})
	got := w.settleTicket(o, w.found(w.ask(c, "P1")), w.found(w.ask(c, "P2")))
	equal(w, "settled", []int{got.Applied, got.Late}, []int{2, 1})
	w.states(b, store.Found, store.Found)
}

func lateRefused(w *world) {
	b := w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	c := store.Claim{Asks: o.Asks}
	w.hold(o, w.failed(w.ask(c, "P1"), store.ClassProviderError))
	got := w.settleTicket(o, w.found(w.ask(c, "P1")))
	equal(w, "settled", got, store.Settled{Refused: 1})
	w.states(b, store.Failed, store.Waiting)
	w.pass(time.Minute)
	equal(w, "asks", asks(w.poll("T-1")), []string{"P2"})
}

func lateByCall(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.settleRest(c, w.failed(0, store.ClassGivenUp))
	got := w.settle(c, w.found(w.ask(c, "P1")), w.notFound(w.ask(c, "P2")))
	equal(w, "settled", got, store.Settled{Applied: 2, Late: 2})
	w.states(b, store.Found, store.NotFound)
}

func lateClasses(w *world) {
	for class, replaced := range map[store.ErrorClass]bool{
		store.ClassInvalidInput: false, store.ClassProviderError: false, store.ClassUnavailable: false, store.ClassPoison: false,
		store.ClassProviderTimeout: true, store.ClassMissing: true, store.ClassGivenUp: true,
	} {
		s := w.bring(store.Failed, class)
		want := store.Settled{Refused: 1}
		if replaced {
			want = store.Settled{Applied: 1, Late: 1}
		}
		equal(w, "answer after "+string(class), w.settle(s.call, w.found(s.ask)), want)
	}
}

func lateOnce(w *world) {
	b := w.timedOut("P1", "P2")
	w.pass(time.Hour)
	o := w.poll("T-1")
	v := []store.Verdict{w.found(o.Asks[0].ID), w.found(o.Asks[1].ID)}
	equal(w, "first", w.hold(o, v...), store.Settled{Applied: 2, Late: 2})
	equal(w, "second", w.settleTicket(o, v...), store.Settled{Refused: 2})
	w.states(b, store.Found, store.Found)
	w.batchState(b, store.BatchDone)
}

func lateWaiting(w *world) {
	b, cancelled := w.list("P1"), w.list("P1")
	c := w.claim(b)
	w.cancel(cancelled)
	w.settleRest(c, unknown(0))
	w.batchState(b, store.BatchDone)
	w.settleWaiting(c, "T-1")
	w.states(b, store.Waiting)
	w.batchState(b, store.BatchRunning)
	equal(w, "done at", w.batch(b).Done.IsZero(), true)
	w.batchState(cancelled, store.BatchCancelled)
	o := w.poll("T-1")
	equal(w, "done", w.settleTicket(o, w.found(o.Asks[0].ID)).Done, []store.BatchNo{b})
	w.states(cancelled, store.Found)
}

func lateShared(w *world) {
	first := w.waiting("T-1", "P1")
	second := w.list("P1")
	w.pass(49 * time.Hour)
	w.expire(w.poll("T-1"))
	w.states(second, store.Failed)
	w.pass(time.Hour)
	o := w.poll("T-1")
	w.settleTicket(o, w.found(o.Asks[0].ID))
	w.states(first, store.Found)
	w.states(second, store.Found)
}
