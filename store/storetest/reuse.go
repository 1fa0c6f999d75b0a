package storetest

import (
	"encoding/json"
	"time"

	"github.com/plateq/plateq/store"
)

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
	{"wanting fresh answers alone does not resend an unknown", reuseFreshUnknown},
	{"the newest answer is the one reused", reuseNewest},
	{"another tenant's answers are not reused", reuseTenant},
	{"an abandoned list gives back the answer that it would have replaced", reuseAfterAbandon},
	{"raw answers are shown to the lists that keep them", reuseRaw},
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

// taken submits the plate that these rules ask about and says what became of it.
func (w *world) taken(nb store.NewBatch) (store.BatchNo, store.Taken) {
	w.t.Helper()
	b := w.begin(nb)
	t := w.add(b, rows("DL01AA1000"))
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
	b, taken := w.taken(reusing(2*time.Hour, 9*time.Hour))
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
		b, taken := w.taken(reusing(time.Hour, time.Hour))
		equal(w, "taken after "+string(class), taken, store.Taken{Rows: 1, Asks: 1})
		w.settleRest(w.claim(b), w.failed(0, class))
	}
}

func reuseUnknown(w *world) {
	w.answered("DL01AA1000", unknown(0))
	w.pass(time.Hour)
	b, taken := w.taken(reusing(2*time.Hour, 2*time.Hour))
	equal(w, "taken", taken, store.Taken{Rows: 1, Unknown: 1})
	w.states(b, store.Unknown)
	w.batchState(b, store.BatchDone)
	equal(w, "offer", w.offer(b, 10), nil)
}

func reuseUnknownLate(w *world) {
	first := w.list("DL01AA1000")
	c := w.claim(first)
	w.settleRest(c, unknown(0))
	second, _ := w.taken(plain())
	w.settle(c, w.found(c.Asks[0].ID))
	w.states(first, store.Found)
	w.states(second, store.Found)
}

func reuseResend(w *world) {
	first := w.answered("DL01AA1000", unknown(0))
	nb := plain()
	nb.Reuse.ResendUnknown = true
	b, taken := w.taken(nb)
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
	b, taken := w.taken(nb)
	equal(w, "taken", taken, store.Taken{Rows: 1, Asks: 1})
	w.settleRest(w.claim(b), w.notFound(0))
	w.states(b, store.NotFound)
}

func reuseFreshJoins(w *world) {
	first := w.list("DL01AA1000")
	nb := plain()
	nb.Reuse.Fresh = true
	b, taken := w.taken(nb)
	equal(w, "taken", taken, store.Taken{Rows: 1, Shared: 1, Joined: 1})
	w.settleRest(w.claim(first), w.found(0))
	w.states(b, store.Found)
}

func reuseFreshUnknown(w *world) {
	w.answered("DL01AA1000", unknown(0))
	nb := plain()
	nb.Reuse.Fresh = true
	b, taken := w.taken(nb)
	equal(w, "taken", taken, store.Taken{Rows: 1, Unknown: 1})
	w.states(b, store.Unknown)
}

func reuseNewest(w *world) {
	w.answered("DL01AA1000", w.found(0))
	w.pass(time.Hour)
	w.answered("DL01AA1000", w.notFound(0))
	w.pass(time.Hour)
	b, taken := w.taken(reusing(9*time.Hour, 9*time.Hour))
	equal(w, "taken", taken, store.Taken{Rows: 1, Cached: 1})
	w.states(b, store.NotFound)
}

func reuseTenant(w *world) {
	w.answered("DL01AA1000", w.found(0))
	nb := reusing(time.Hour, time.Hour)
	nb.Tenant = "acme"
	_, taken := w.taken(nb)
	equal(w, "taken", taken, store.Taken{Rows: 1, Asks: 1})
}

func reuseAfterAbandon(w *world) {
	w.answered("DL01AA1000", w.found(0))
	w.pass(time.Minute)
	b := w.begin(plain())
	equal(w, "taken anew", w.add(b, rows("DL01AA1000")), store.Taken{Rows: 1, Asks: 1})
	w.must(w.s.AbandonBatch(w.ctx, b), "abandon batch")
	_, taken := w.taken(reusing(time.Hour, time.Hour))
	equal(w, "taken", taken, store.Taken{Rows: 1, Cached: 1})
}

func reuseRaw(w *world) {
	nb := plain()
	nb.KeepRaw = true
	first := w.list("P1")
	second := w.submit(nb, rows("P1"))
	c := w.claim(first)
	equal(w, "raw answers are wanted", c.KeepRaw, true)
	v := w.found(c.Asks[0].ID)
	v.Answer.Raw = json.RawMessage(`{ "as": "it came" }`)
	w.settle(c, v)
	equal(w, "raw answer of the list that keeps it", string(w.row(second, 1).Answer.Raw), string(v.Answer.Raw))
	equal(w, "raw answer of the other", string(w.row(first, 1).Answer.Raw), "")
}
