package storetest

import (
	"time"

	"github.com/plateq/plateq/store"
)

// beganWith is a list that is still taken in, and one that joined its asks about
// these plates and runs.
func (w *world) beganWith(nb store.NewBatch, plates ...string) (home, joined store.BatchNo) {
	w.t.Helper()
	home = w.begin(plain())
	w.add(home, rows(append(plates, "P9")...)) // one is nobody else's
	return home, w.submit(nb, rows(plates...))
}

// abandon abandons a list of beganWith. What nobody else asked is gone with it.
func (w *world) abandon(b store.BatchNo) {
	w.t.Helper()
	w.must(w.s.AbandonBatch(w.ctx, b), "abandon batch")
	equal(w, "a question that nobody else asked", w.estimate(plain(), rows("P9")).Taken, store.Taken{Rows: 1, Asks: 1})
}

// intakeAbandonedResent: who joined has left by a resend.
func intakeAbandonedResent(w *world) {
	home, b := w.beganWith(plain(), "P1", "P2")
	c := w.priced(b, inr)
	w.settleRest(c, unknown(0))
	w.resend(c, person)
	w.abandon(home)
	w.holds(2, 4, 0)
	u := w.unknowns(store.UnknownFilter{Resent: true})
	if len(u) != 1 || u[0].Call != c.Call || u[0].Asks != 2 || u[0].Resent != 2 || len(u[0].Subjects) != 2 {
		w.t.Fatalf("unknown calls are %+v, want two asks of call %d, all resent", u, c.Call)
	}
	equal(w, "late answer", w.settle(c, w.found(w.ask(c, "P1"))), store.Settled{Applied: 1, Late: 1})
	_, err := w.s.GiveUp(w.ctx, c.Call, person)
	w.must(err, "give up")
	w.settleRest(w.claim(b), w.notFound(0))
	w.states(b, store.NotFound, store.NotFound)
	w.holds(2, 4, 4)
}

// intakeAbandonedRetried: who joined has left by a retry, and the ticket is
// asked about still.
func intakeAbandonedRetried(w *world) {
	home, b := w.beganWith(plain(), "P1")
	w.settleWaiting(w.claim(b), "T-1")
	w.pass(49 * time.Hour)
	w.expire(w.poll("T-1"))
	w.askAgain(store.RetryRequest{Batch: b})
	w.abandon(home)
	w.holds(1, 2, 1)
	w.pass(time.Hour)
	o := w.poll("T-1")
	equal(w, "late answer", w.settleTicket(o, w.found(o.Asks[0].ID)), store.Settled{Applied: 1, Late: 1})
	w.pass(90 * day)
	equal(w, "tickets that are due", w.due(), nil)
	w.states(b, store.Queued)
	w.settleRest(w.claim(b), w.notFound(0))
	w.states(b, store.NotFound)
	w.holds(1, 2, 2)
}

// retentionBeforeHome: a list that joined is over before its home is abandoned.
// Then nobody relies on what was asked for it.
func retentionBeforeHome(w *world) {
	home, b := w.beganWith(keptFor(day), "P1", "P2", "P3")
	c := w.priced(b, inr)
	w.settleAll(store.Settlement{Call: c.Call, Tickets: []store.NewTicket{newTicket("T-1", w.now())}, Verdicts: []store.Verdict{
		w.found(w.ask(c, "P1")), unknown(w.ask(c, "P2")), {Ask: w.ask(c, "P3"), To: store.Waiting},
	}})
	w.pass(49 * time.Hour)
	w.expire(w.poll("T-1"))
	w.pass(day)
	equal(w, "before the home is abandoned", w.lapse(), store.Expired{Lists: 1, Rows: 3})
	w.abandon(home)
	w.holds(0, 3, 2)
	equal(w, "after it", w.lapse(), store.Expired{Asks: 3, Given: 1})
	w.holds(0, 0, 0)
	w.pass(90 * day)
	equal(w, "tickets that are due", w.due(), nil)
	equal(w, "unknown calls", w.unknowns(store.UnknownFilter{Resent: true}), nil)
	equal(w, "late answer", w.settle(c, w.found(w.ask(c, "P2"))), store.Settled{Refused: 1})
	equal(w, "once more", w.lapse(), store.Expired{})
}
