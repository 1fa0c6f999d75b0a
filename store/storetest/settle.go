package storetest

import (
	"encoding/json"
	"time"

	"github.com/plateq/plateq/store"
)

var settleRules = []rule{
	{"a call is settled as a whole, and its list is done", settleWhole},
	{"a call is settled in parts", settleParts},
	{"the rest is what the verdicts do not name", settleRestOnly},
	{"answers are kept as they came", settleKeepsAnswers},
	{"raw answers are kept where the list wants them", settleKeepRaw},
	{"verdicts on asks of another call are refused", settleForeign},
	{"a call that was never recorded settles nothing", settleNoCall},
	{"a second settlement changes nothing", settleTwice},
	{"a late answer never overwrites a settled one", settleLateRefused},
	{"an unknown becomes what a late answer says", settleLate},
	{"a late word that nothing was accepted does not queue an unknown again", settleUnknownStays},
	{"what was not accepted may be claimed by another call, and is not the old one's", settleNotAccepted},
	{"an old call does not settle what a new one has claimed", settleFence},
	{"attempts are those that count", settleAttempts},
	{"an ask that takes its worker down three times is poison", settlePoison},
	{"a call that takes its worker down is halved until the poison is alone", settlePoisonHalves},
	{"a list is done once", settleDoneOnce},
	{"a paused list is not done", settlePaused},
	{"what is settled outlives a restart", settleSurvives},
	{"figures of calls add up", settleTotals},
	{"look-ups under one record count one by one, but those that were not made", settleLookups},
	{"a look-up that takes its worker down is poison, whoever shares its record", settleLookupPoison},
}

func settleWhole(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	got := w.settle(c, w.found(w.ask(c, "P1")), w.notFound(w.ask(c, "P2")), w.failed(w.ask(c, "P3"), store.ClassProviderError))
	equal(w, "settled", got, store.Settled{Applied: 3, Done: []store.BatchNo{b}})
	w.states(b, store.Found, store.NotFound, store.Failed)
	w.batchState(b, store.BatchDone)
	equal(w, "done at", w.batch(b).Done, w.now())
}

func settleParts(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	equal(w, "first part", w.settle(c, w.found(w.ask(c, "P2"))), store.Settled{Applied: 1})
	w.states(b, store.Sending, store.Found, store.Sending)
	equal(w, "second part", w.settle(c, w.found(w.ask(c, "P1"))), store.Settled{Applied: 1})
	equal(w, "last part", w.settle(c, w.found(w.ask(c, "P3"))), store.Settled{Applied: 1, Done: []store.BatchNo{b}})
}

func settleRestOnly(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	rest := w.found(0)
	got := w.settleAll(store.Settlement{Call: c.Call, Verdicts: []store.Verdict{unknown(w.ask(c, "P2"))}, Rest: &rest})
	equal(w, "settled", got, store.Settled{Applied: 3, Done: []store.BatchNo{b}})
	w.states(b, store.Found, store.Unknown, store.Found)

	b = w.list("P4", "P5")
	c = w.claim(b)
	w.settle(c, w.found(w.ask(c, "P4")))
	w.settleRest(c, queued(0))
	w.states(b, store.Found, store.Queued)
}

func settleKeepsAnswers(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	at := w.now()
	result := json.RawMessage(`{"valid":true,"contact":"<9433952003>","n":1.50}`)
	failure := &store.Failure{Class: store.ClassProviderError, Code: "5001", Message: "the provider's \"own\" words"}
	v := []store.Verdict{w.found(w.ask(c, "P1")), w.notFound(w.ask(c, "P2")), w.failed(w.ask(c, "P3"), "")}
	v[0].Answer.Result = result
	v[2].Answer.Failure = failure
	w.pass(time.Minute) // what is settled late has the time at which it was answered
	w.settle(c, v...)
	w.pass(time.Hour)
	equal(w, "found", w.row(b, 1).Answer, &store.Answer{At: at, Result: result})
	equal(w, "not found", w.row(b, 2).Answer, &store.Answer{At: at})
	equal(w, "failed", w.row(b, 3).Answer, &store.Answer{At: at, Failure: failure})
}

func settleKeepRaw(w *world) {
	nb := plain()
	nb.KeepRaw = true
	kept, dropped := w.submit(nb, rows("P1")), w.list("P2")
	raw := json.RawMessage("{ \"as\" : \"it <came>\" }\n")
	for _, b := range []store.BatchNo{kept, dropped} {
		c := w.claim(b)
		v := w.found(c.Asks[0].ID)
		if c.KeepRaw {
			v.Answer.Raw = raw
		}
		w.settle(c, v)
	}
	equal(w, "kept", string(w.row(kept, 1).Answer.Raw), string(raw))
	equal(w, "not kept", string(w.row(dropped, 1).Answer.Raw), "")
}

func settleForeign(w *world) {
	b := w.list("P1", "P2")
	ref := w.chunk(b)
	mine, other := w.takeMax(ref.ID, 1), w.takeMax(ref.ID, 1)
	far := w.claim(w.list("P3"))
	got := w.settle(mine, w.found(w.ask(mine, "P1")), w.found(w.ask(other, "P2")), w.found(w.ask(far, "P3")))
	equal(w, "settled", got, store.Settled{Applied: 1, Refused: 2})
	w.states(b, store.Found, store.Sending)
	equal(w, "the other call's own word", w.settle(other, w.notFound(w.ask(other, "P2"))).Applied, 1)
}

func settleNoCall(w *world) {
	b := w.list("P1")
	c := w.claim(b)
	c.Call += 1000
	equal(w, "settled", w.settle(c, w.found(c.Asks[0].ID)), store.Settled{Refused: 1})
	equal(w, "settled", w.settleRest(c, w.found(0)), store.Settled{})
	w.states(b, store.Sending)
}

func settleTwice(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	v := []store.Verdict{w.found(w.ask(c, "P1")), unknown(w.ask(c, "P2")), queued(w.ask(c, "P3"))}
	v[2].Counted = true
	equal(w, "first", w.settle(c, v...).Applied, 3)
	before := w.read(b, store.RowFilter{})
	w.pass(time.Minute)
	equal(w, "second", w.settle(c, v...), store.Settled{Refused: 3})
	equal(w, "rows", w.read(b, store.RowFilter{}), before)
}

func settleLateRefused(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	w.settle(c, w.found(w.ask(c, "P1")), w.notFound(w.ask(c, "P2")), w.failed(w.ask(c, "P3"), store.ClassProviderError))
	before := w.read(b, store.RowFilter{})
	w.pass(time.Minute)
	got := w.settle(c, w.notFound(w.ask(c, "P1")), w.found(w.ask(c, "P2")), w.found(w.ask(c, "P3")))
	equal(w, "late answers", got, store.Settled{Refused: 3})
	equal(w, "rows", w.read(b, store.RowFilter{}), before)
}

func settleLate(w *world) {
	b := w.list("P1", "P2", "P3", "P4")
	c := w.claim(b)
	got := w.settleRest(c, unknown(0))
	equal(w, "unknown settles", got.Done, []store.BatchNo{b})
	w.pass(time.Hour)
	got = w.settle(c, w.found(w.ask(c, "P1")), w.notFound(w.ask(c, "P2")), w.failed(w.ask(c, "P3"), store.ClassGivenUp))
	equal(w, "applied", got.Applied, 3)
	equal(w, "done again", got.Done, nil)
	if got.Late < 2 {
		w.t.Errorf("%d late answers were counted, want found and not found", got.Late)
	}
	w.states(b, store.Found, store.NotFound, store.Failed, store.Unknown)
	equal(w, "counts", w.batch(b).Counts[store.Unknown], 1)
	equal(w, "answer", w.row(b, 1).Answer.At, w.now())
}

func settleUnknownStays(w *world) {
	b := w.list("P1")
	c := w.claim(b)
	w.settleRest(c, unknown(0))
	equal(w, "settled", w.settle(c, queued(c.Asks[0].ID)), store.Settled{Refused: 1})
	w.states(b, store.Unknown)
	equal(w, "offer", w.offer(b, 10), nil)
}

func settleNotAccepted(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.settle(c, queued(w.ask(c, "P1")), w.found(w.ask(c, "P2")))
	w.states(b, store.Queued, store.Found)
	equal(w, "the old call", w.settle(c, w.found(w.ask(c, "P1"))), store.Settled{Refused: 1})
	w.states(b, store.Queued, store.Found)
	again := w.claim(b)
	equal(w, "asks", plates(again), []string{"P1"})
	if again.Call == c.Call {
		w.t.Errorf("the new claim has the old call's id, %d", c.Call)
	}
	w.settleRest(again, w.notFound(0))
	w.states(b, store.NotFound, store.Found)
}

func settleFence(w *world) {
	b := w.list("P1")
	old := w.claim(b)
	w.settleRest(old, queued(0))
	again := w.claim(b)
	a := again.Asks[0].ID
	for _, v := range []store.Verdict{w.found(a), unknown(a), queued(a)} {
		equal(w, "the old call says "+v.To.String(), w.settle(old, v), store.Settled{Refused: 1})
	}
	w.settleRest(old, w.failed(0, store.ClassProviderError))
	w.states(b, store.Sending)
	equal(w, "the new call", w.settle(again, w.found(a)).Applied, 1)
}

func settleAttempts(w *world) {
	b := w.list("P1")
	for _, counted := range []bool{true, false, true} {
		c := w.claim(b)
		v := queued(c.Asks[0].ID)
		v.Counted = counted
		w.settle(c, v)
	}
	c := w.claim(b)
	equal(w, "before the last call", c.Asks[0].Attempts, 2)
	v := w.failed(c.Asks[0].ID, store.ClassUnavailable)
	v.Counted = true
	w.settle(c, v)
	equal(w, "in the end", w.row(b, 1).Attempts, 3)
}

// die ends a call before anything was sent.
func (w *world) die(c store.Claim) {
	w.t.Helper()
	w.settleRest(c, store.Verdict{To: store.Queued, Died: true})
}

func settlePoison(w *world) {
	b := w.list("P1")
	for range 2 {
		c := w.claim(b)
		w.die(c)
		w.states(b, store.Queued)
		w.settleRest(w.claim(b), queued(0)) // an end of another kind does not count
	}
	w.die(w.claim(b))
	w.states(b, store.Failed)
	r := w.row(b, 1)
	if r.Answer == nil || r.Answer.Failure == nil || r.Answer.Failure.Class != store.ClassPoison {
		w.t.Errorf("the answer is %+v, want a failure of class poison", r.Answer)
	}
	w.batchState(b, store.BatchDone)
	equal(w, "offer", w.offer(b, 10), nil)
}

func settlePoisonHalves(w *world) {
	b := w.list("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8")
	for n := 0; w.batch(b).State != store.BatchDone; n++ {
		if n == 60 {
			w.t.Fatal("the list is not done after 60 calls")
		}
		c := w.claim(b)
		deadly := false
		for _, p := range plates(c) {
			deadly = deadly || p == "P6"
		}
		if deadly {
			w.die(c)
		} else {
			w.settleRest(c, w.found(0))
		}
	}
	w.states(b, store.Found, store.Found, store.Found, store.Found, store.Found, store.Failed, store.Found, store.Found)
}

// lookups claims asks of a chunk, each for a request of its own.
func (w *world) lookups(c store.ChunkID) store.Claim {
	w.t.Helper()
	r := w.request(c)
	r.Lookups = true
	got, err := w.s.Claim(w.ctx, r)
	w.must(err, "claim")
	return got
}

func settleLookups(w *world) {
	b := w.list("P1", "P2", "P3", "P4", "P5")
	c := w.lookups(w.chunk(b).ID)
	totals := func() store.Totals {
		t, err := w.s.Totals(w.ctx, b)
		w.must(err, "read totals")
		return t
	}
	equal(w, "claimed", totals(), store.Totals{Calls: 5, Asks: 5})
	unsent := queued(w.ask(c, "P5"))
	unsent.Unsent = true
	w.settle(c, w.found(w.ask(c, "P1")), unsent)
	w.settle(c, unsent) // as it comes twice
	equal(w, "settled in part", totals(), store.Totals{Calls: 4, Asks: 5})
	w.settleRest(c, unknown(0))
	equal(w, "settled", totals(), store.Totals{Calls: 4, Asks: 5, UnknownCalls: 3, UnknownAsks: 3})
	w.states(b, store.Found, store.Unknown, store.Unknown, store.Unknown, store.Queued)
	whole := w.claim(b)
	unsent.Ask = 0
	w.settleRest(whole, unsent)
	equal(w, "with a call of many asks that was not made", totals(), store.Totals{Calls: 4, Asks: 6, UnknownCalls: 3, UnknownAsks: 3})
}

func settleLookupPoison(w *world) {
	b := w.list("P1", "P2", "P3")
	for range 3 {
		c := w.lookups(w.chunk(b).ID)
		equal(w, "asks", len(c.Asks), 3)
		died := queued(w.ask(c, "P2"))
		died.Died, died.Alone = true, true
		w.settle(c, died)
		w.settleRest(c, queued(0))
	}
	w.states(b, store.Queued, store.Failed, store.Queued)
}

func settleDoneOnce(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	equal(w, "done by the first", w.settle(c, w.found(w.ask(c, "P1"))).Done, nil)
	equal(w, "done by the last", w.settle(c, unknown(w.ask(c, "P2"))).Done, []store.BatchNo{b})
	equal(w, "done by a late answer", w.settle(c, w.found(w.ask(c, "P2"))).Done, nil)
	done, err := w.s.Finish(w.ctx)
	w.must(err, "finish")
	equal(w, "done by finish", done, nil)
}

func settlePaused(w *world) {
	b := w.list("P1")
	c := w.claim(b)
	w.must(w.s.Pause(w.ctx, b, "wait"), "pause")
	equal(w, "settled", w.settleRest(c, w.found(0)), store.Settled{Applied: 1})
	w.states(b, store.Found)
	w.batchState(b, store.BatchPaused)
}

func settleSurvives(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	w.settle(c, w.found(w.ask(c, "P1")), unknown(w.ask(c, "P2")))
	w.reopen()
	w.states(b, store.Found, store.Unknown, store.Sending)
	equal(w, "a late answer", w.settle(c, w.notFound(w.ask(c, "P2"))).Late, 1)
	equal(w, "the last answer", w.settle(c, w.found(w.ask(c, "P3"))).Done, []store.BatchNo{b})
}

func settleTotals(w *world) {
	b := w.list("P1", "P2", "P3")
	ref := w.chunk(b)
	first, second := w.takeMax(ref.ID, 2), w.take(ref.ID)
	w.settleRest(first, unknown(0))
	w.settleRest(second, w.found(0))
	w.settleRest(w.claim(w.list("P4")), w.found(0))
	totals, err := w.s.Totals(w.ctx, b)
	w.must(err, "read totals")
	equal(w, "of the list", totals, store.Totals{Calls: 2, Asks: 3, UnknownCalls: 1, UnknownAsks: 2})
	totals, err = w.s.Totals(w.ctx, 0)
	w.must(err, "read totals")
	equal(w, "of all", totals, store.Totals{Calls: 3, Asks: 4, UnknownCalls: 1, UnknownAsks: 2})
	w.settleRest(first, w.found(0))
	totals, err = w.s.Totals(w.ctx, b)
	w.must(err, "read totals")
	equal(w, "after late answers", totals, store.Totals{Calls: 2, Asks: 3})
}
