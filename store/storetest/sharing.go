package storetest

import (
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var sharingRules = []rule{
	{"equal rows of a list are asked once and all answered", shareInList},
	{"equal rows of two lists are paid once and both answered", shareAcrossLists},
	{"equal rows join even while the first list is taken in", shareWithIntake},
	{"an ask that is out already is joined, not sent again", shareSending},
	{"an ask that waits at the provider is joined", shareWaiting},
	{"another tenant does not share", shareTenant},
	{"another provider does not share", shareProvider},
	{"other parameters do not share", shareParams},
	{"a list that joins is done with the ask it joined", shareDone},
	{"a list says how many of its rows cost it nothing", shareCounted},
}

func shareInList(w *world) {
	b := w.list("DL01AA1000", "DL01AA1000", "DL01AA1000", "DL01AA1000", "DL01AA1000")
	c := w.claim(b)
	equal(w, "asks", plates(c), []string{"DL01AA1000"})
	equal(w, "applied", w.settle(c, w.found(c.Asks[0].ID)).Applied, 1)
	w.states(b, store.Found, store.Found, store.Found, store.Found, store.Found)
	w.batchState(b, store.BatchDone)
	equal(w, "calls", w.calls(), 1)
}

func shareCounted(w *world) {
	w.answered("P1", w.found(0))
	w.list("P2")
	w.lost("P3")
	w.pass(time.Minute)
	b := w.begin(reusing(time.Hour, time.Hour))
	w.add(b, append(rows("P1", "P1", "P2", "P4"), invalid("X")))
	w.add(b, rows("P2", "P3", "P4", "P4", "P5"))
	got := w.commit(b)
	equal(w, "shared", got.Shared, store.Shared{Known: 2, Joined: 3, Duplicates: 2})
	equal(w, "asks", got.Asks, 2)
	equal(w, "valid rows", got.Shared.Rows()+got.Asks, got.Rows-1)
}

func shareAcrossLists(w *world) {
	first := w.list("DL01AA1000", "DL01AA1001")
	second := w.list("DL01AA1001", "DL01AA1002")
	c := w.claim(first)
	w.settleRest(c, w.found(0))
	w.states(first, store.Found, store.Found)
	w.states(second, store.Found, store.Queued)
	rest := w.claim(second)
	equal(w, "asks of the second list", plates(rest), []string{"DL01AA1002"})
	w.settleRest(rest, w.notFound(0))
	w.states(second, store.Found, store.NotFound)
}

func shareWithIntake(w *world) {
	first := w.begin(plain())
	w.add(first, rows("DL01AA1000"))
	second := w.list("DL01AA1000")
	c := w.claim(second)
	w.settle(c, w.found(w.ask(c, "DL01AA1000")))
	got := w.commit(first)
	equal(w, "state of the first list at commit", got.State, store.BatchDone)
	w.states(first, store.Found)
	w.states(second, store.Found)
	equal(w, "calls", w.calls(), 1)
}

func shareSending(w *world) {
	c := w.claim(w.list("DL01AA1000"))
	second := w.begin(plain())
	equal(w, "taken", w.add(second, rows("DL01AA1000")), store.Taken{Rows: 1, Shared: 1, Joined: 1})
	w.commit(second)
	w.states(second, store.Sending)
	equal(w, "offer", w.offer(second, 10), nil)
	w.settle(c, w.notFound(c.Asks[0].ID))
	w.states(second, store.NotFound)
}

func shareWaiting(w *world) {
	c := w.claim(w.list("DL01AA1000"))
	w.settleWaiting(c, "T-1")
	second := w.list("DL01AA1000")
	w.states(second, store.Waiting)
	o := w.poll("T-1")
	w.settleTicket(o, w.found(o.Asks[0].ID))
	w.states(second, store.Found)
	equal(w, "calls", w.calls(), 1)
}

// shareNot submits one question two ways and expects two asks.
func (w *world) shareNot(other store.NewBatch) {
	w.t.Helper()
	first := w.list("DL01AA1000")
	second := w.begin(other)
	list := rows("DL01AA1000")
	list[0].Question.Params = other.Params
	equal(w, "taken", w.add(second, list), store.Taken{Rows: 1, Asks: 1})
	w.commit(second)
	a, b := w.claim(first), w.claim(second)
	equal(w, "parameters that are sent", b.Asks[0].Params, other.Params)
	w.settleRest(a, w.found(0))
	w.states(second, store.Sending)
	w.settleRest(b, w.notFound(0))
	w.states(first, store.Found)
	w.states(second, store.NotFound)
}

func shareTenant(w *world) {
	nb := plain()
	nb.Tenant = "acme"
	w.shareNot(nb)
}

func shareProvider(w *world) {
	nb := plain()
	nb.Provider = "regnum"
	w.shareNot(nb)
}

func shareParams(w *world) {
	nb := plain()
	nb.Params = providers.Params{"operator": "311"}
	w.shareNot(nb)
}

func shareDone(w *world) {
	first := w.list("DL01AA1000", "DL01AA1001")
	second := w.list("DL01AA1001")
	c := w.claim(first)
	got := w.settle(c, w.found(w.ask(c, "DL01AA1001")))
	equal(w, "done by the first answer", got.Done, []store.BatchNo{second})
	w.batchState(first, store.BatchRunning)
	w.pass(time.Minute)
	got = w.settle(c, w.found(w.ask(c, "DL01AA1000")))
	equal(w, "done by the second answer", got.Done, []store.BatchNo{first})
	equal(w, "done at", w.batch(first).Done, w.now())
}
