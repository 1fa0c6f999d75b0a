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
	equal(w, "taken", w.add(second, rows("DL01AA1000")), store.Taken{Rows: 1, Shared: 1})
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

var reuseRules = []rule{
	{"a fresh answer is reused and calls nobody", reuseFound},
	{"an old answer is asked anew", reuseOld},
	{"found and not found have each their own age", reuseAges},
	{"a failure is never reused", reuseFailed},
	{"an unknown is waited on as unknown", reuseUnknown},
	{"a late answer reaches the row that waited on an unknown", reuseUnknownLate},
	{"an unknown is asked anew where the list says so", reuseResend},
	{"a list that wants fresh answers asks anew what is known", reuseFresh},
	{"a list that wants fresh answers joins what is open", reuseFreshJoins},
	{"the newest answer is the one reused", reuseNewest},
	{"another tenant's answers are not reused", reuseTenant},
}

// reusing is a batch that is content with answers of these ages.
func reusing(found, notFound time.Duration) store.NewBatch {
	nb := plain()
	nb.Reuse = store.Reuse{FreshFor: found, FreshNotFoundFor: notFound}
	return nb
}

// answered is a done batch about one plate.
func (w *world) answered(plate string, v store.Verdict) store.BatchNo {
	w.t.Helper()
	b := w.list(plate)
	w.settleRest(w.claim(b), v)
	return b
}

// taken submits one plate and says what became of it.
func (w *world) taken(nb store.NewBatch, plate string) (store.BatchNo, store.Taken) {
	w.t.Helper()
	b := w.begin(nb)
	t := w.add(b, rows(plate))
	w.commit(b)
	return b, t
}

func reuseFound(w *world) {
	first := w.answered("DL01AA1000", w.found(0))
	w.pass(time.Hour)
	b := w.begin(reusing(2*time.Hour, 0))
	equal(w, "taken", w.add(b, append(rows("DL01AA1000", "DL01AA1000"), invalid("X"))), store.Taken{Rows: 3, Invalid: 1, Cached: 2})
	got := w.commit(b)
	equal(w, "state at commit", got.State, store.BatchDone)
	w.states(b, store.Found, store.Found, store.Invalid)
	r := w.row(b, 1)
	equal(w, "answer", r.Answer, w.row(first, 1).Answer)
	equal(w, "marked as cached", []bool{r.Cached, w.row(first, 1).Cached}, []bool{true, false})
	equal(w, "calls", w.calls(), 1)
}

func reuseOld(w *world) {
	first := w.answered("DL01AA1000", w.found(0))
	w.pass(3 * time.Hour)
	b, taken := w.taken(reusing(2*time.Hour, 9*time.Hour), "DL01AA1000")
	equal(w, "taken", taken, store.Taken{Rows: 1, Asks: 1})
	w.settleRest(w.claim(b), w.notFound(0))
	w.states(b, store.NotFound)
	w.states(first, store.Found)
}

func reuseAges(w *world) {
	w.answered("DL01AA1000", w.found(0))
	w.answered("DL01AA1001", w.notFound(0))
	w.pass(time.Hour)
	b := w.begin(reusing(2*time.Hour, time.Minute))
	equal(w, "taken by long and short", w.add(b, rows("DL01AA1000", "DL01AA1001")), store.Taken{Rows: 2, Asks: 1, Cached: 1})
	w.must(w.s.AbandonBatch(w.ctx, b), "abandon batch")
	b = w.begin(reusing(time.Minute, 2*time.Hour))
	equal(w, "taken by short and long", w.add(b, rows("DL01AA1000", "DL01AA1001")), store.Taken{Rows: 2, Asks: 1, Cached: 1})
	w.commit(b)
	w.states(b, store.Queued, store.NotFound)
}

func reuseFailed(w *world) {
	for _, class := range []store.ErrorClass{store.ClassProviderError, store.ClassProviderTimeout} {
		w.answered("DL01AA1000", w.failed(0, class))
		w.pass(time.Minute)
		b, taken := w.taken(reusing(time.Hour, time.Hour), "DL01AA1000")
		equal(w, "taken after "+string(class), taken, store.Taken{Rows: 1, Asks: 1})
		w.settleRest(w.claim(b), w.failed(0, class))
	}
}

func reuseUnknown(w *world) {
	w.answered("DL01AA1000", unknown(0))
	w.pass(time.Hour)
	b, taken := w.taken(reusing(2*time.Hour, 2*time.Hour), "DL01AA1000")
	equal(w, "taken", taken, store.Taken{Rows: 1, Unknown: 1})
	w.states(b, store.Unknown)
	w.batchState(b, store.BatchDone)
	equal(w, "offer", w.offer(b, 10), nil)
}

func reuseUnknownLate(w *world) {
	first := w.list("DL01AA1000")
	c := w.claim(first)
	w.settleRest(c, unknown(0))
	second, _ := w.taken(plain(), "DL01AA1000")
	w.settle(c, w.found(c.Asks[0].ID))
	w.states(first, store.Found)
	w.states(second, store.Found)
}

func reuseResend(w *world) {
	first := w.answered("DL01AA1000", unknown(0))
	nb := plain()
	nb.Reuse.ResendUnknown = true
	b, taken := w.taken(nb, "DL01AA1000")
	equal(w, "taken", taken, store.Taken{Rows: 1, Asks: 1})
	w.settleRest(w.claim(b), w.found(0))
	w.states(b, store.Found)
	w.states(first, store.Unknown)
}

func reuseFresh(w *world) {
	w.answered("DL01AA1000", w.found(0))
	w.pass(time.Minute)
	nb := reusing(time.Hour, time.Hour)
	nb.Reuse.Fresh = true
	b, taken := w.taken(nb, "DL01AA1000")
	equal(w, "taken", taken, store.Taken{Rows: 1, Asks: 1})
	w.settleRest(w.claim(b), w.notFound(0))
	w.states(b, store.NotFound)
}

func reuseFreshJoins(w *world) {
	first := w.list("DL01AA1000")
	nb := plain()
	nb.Reuse.Fresh = true
	b, taken := w.taken(nb, "DL01AA1000")
	equal(w, "taken", taken, store.Taken{Rows: 1, Shared: 1})
	w.settleRest(w.claim(first), w.found(0))
	w.states(b, store.Found)
}

func reuseNewest(w *world) {
	w.answered("DL01AA1000", w.found(0))
	w.pass(time.Hour)
	w.answered("DL01AA1000", w.notFound(0))
	w.pass(time.Hour)
	b, taken := w.taken(reusing(9*time.Hour, 9*time.Hour), "DL01AA1000")
	equal(w, "taken", taken, store.Taken{Rows: 1, Cached: 1})
	w.states(b, store.NotFound)
}

func reuseTenant(w *world) {
	w.answered("DL01AA1000", w.found(0))
	nb := reusing(time.Hour, time.Hour)
	nb.Tenant = "acme"
	_, taken := w.taken(nb, "DL01AA1000")
	equal(w, "taken", taken, store.Taken{Rows: 1, Asks: 1})
}
