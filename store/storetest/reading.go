package storetest

import (
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var readingRules = []rule{
	{"counts add up, and a gauge is as it last was", readingSums},
	{"a settlement that comes twice counts once", readingTwice},
	{"what was not accepted counts as it was answered", readingNotAccepted},
	{"a poll counts with the answers that it brings, and once", readingPoll},
	{"providers have figures of their own, listed in order", readingOrder},
	{"counts that come at once all count", readingTogether},
	{"figures outlive a restart", readingSurvives},
	{"an ask knows whether its question was found before", readingFoundBefore},
	{"a question found once stays so, whatever came after", readingFoundLongAgo},
	{"a question that was never found is not found before", readingNeverFound},
}

func count(name string, n int64) providers.Reading { return providers.Reading{Name: name, Value: n} }

func left(n int64) providers.Reading {
	return providers.Reading{Name: "left", Value: n, Gauge: true}
}

// readings settles all of a call as found, with figures.
func (w *world) readings(c store.Claim, all ...providers.Reading) {
	w.t.Helper()
	rest := w.found(0)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &rest, Readings: all})
}

// reads holds the figures of the store against what they should be.
func (w *world) reads(want ...store.Reading) {
	w.t.Helper()
	got, err := w.s.Readings(w.ctx)
	w.must(err, "read readings")
	equal(w, "readings", got, want)
}

func readingSums(w *world) {
	w.reads()
	first := w.now()
	w.readings(w.claim(w.list("P1")), count("common", 2), left(9), count("decoded", 1), count("common", 1))
	w.reads(
		store.Reading{Provider: provider, Name: "common", Value: 3, At: first},
		store.Reading{Provider: provider, Name: "decoded", Value: 1, At: first},
		store.Reading{Provider: provider, Name: "left", Value: 9, Gauge: true, At: first},
	)
	for i := range 20 {
		w.pass(time.Second)
		w.readings(w.claim(w.list(many("Q", 20)[i])), count("common", 1), left(int64(-i)))
	}
	w.reads(
		store.Reading{Provider: provider, Name: "common", Value: 23, At: w.now()},
		store.Reading{Provider: provider, Name: "decoded", Value: 1, At: first},
		store.Reading{Provider: provider, Name: "left", Value: -19, Gauge: true, At: w.now()},
	)
}

func readingTwice(w *world) {
	c := w.claim(w.list("P1", "P2"))
	w.readings(c, count("common", 2), left(9))
	want := []store.Reading{
		{Provider: provider, Name: "common", Value: 2, At: w.now()},
		{Provider: provider, Name: "left", Value: 9, Gauge: true, At: w.now()},
	}
	w.pass(time.Minute)
	w.readings(c, count("common", 2), left(8))
	w.reads(want...)
	c.Call += 1000
	w.readings(c, count("common", 2))
	w.reads(want...)
}

func readingNotAccepted(w *world) {
	c := w.claim(w.list("P1"))
	rest := queued(0)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &rest, Readings: []providers.Reading{left(0)}})
	w.reads(store.Reading{Provider: provider, Name: "left", Gauge: true, At: w.now()})
}

func readingPoll(w *world) {
	w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	first := store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Verdicts: []store.Verdict{w.found(o.Asks[0].ID)},
		Hold: true, Due: w.in(lease), Readings: []providers.Reading{count("decoded", 1)},
	}
	w.settlePoll(first)
	w.settlePoll(first)
	want := store.Reading{Provider: provider, Name: "decoded", Value: 1, At: w.now()}
	w.reads(want)
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.now(), Readings: []providers.Reading{count("decoded", 1)}})
	w.reads(want)
}

func readingOrder(w *world) {
	var want []store.Reading
	for _, p := range []string{"regnum", "attestr"} {
		nb := plain()
		nb.Provider = p
		w.readings(w.claim(w.submit(nb, rows("P1"))), count("b", 1), count("a", 2))
	}
	for _, p := range []string{"attestr", "regnum"} {
		want = append(want, store.Reading{Provider: p, Name: "a", Value: 2, At: w.now()}, store.Reading{Provider: p, Name: "b", Value: 1, At: w.now()})
	}
	w.reads(want...)
}

func readingTogether(w *world) {
	ref := w.chunk(w.list(many("P", crowd)...))
	calls := make([]store.Claim, crowd)
	for i := range calls {
		calls[i] = w.takeMax(ref.ID, 1)
	}
	rest := w.found(0)
	together(crowd, func(i int) {
		_, err := w.s.Settle(w.ctx, store.Settlement{
			Call: calls[i].Call, Rest: &rest, Readings: []providers.Reading{count("decoded", 1), count("common", 2), left(7)},
		})
		w.ok(err, "settle")
	})
	w.reads(
		store.Reading{Provider: provider, Name: "common", Value: 2 * crowd, At: w.now()},
		store.Reading{Provider: provider, Name: "decoded", Value: crowd, At: w.now()},
		store.Reading{Provider: provider, Name: "left", Value: 7, Gauge: true, At: w.now()},
	)
}

func readingSurvives(w *world) {
	w.readings(w.claim(w.list("P1")), count("common", 2))
	at := w.now()
	w.pass(time.Minute)
	w.reopen()
	w.reads(store.Reading{Provider: provider, Name: "common", Value: 2, At: at})
}

// again asks anew about a plate that is known, and says what the ask knows.
func (w *world) again(plate string) (c store.Claim, foundBefore bool) {
	w.t.Helper()
	nb := plain()
	nb.Reuse = store.Reuse{Fresh: true, ResendUnknown: true}
	c = w.claim(w.submit(nb, rows(plate)))
	return c, c.Asks[0].FoundBefore
}

// wantBefore asks anew and settles the new ask.
func (w *world) wantBefore(plate string, want bool, then store.Verdict) {
	w.t.Helper()
	c, got := w.again(plate)
	equal(w, "found before", got, want)
	w.settleRest(c, then)
}

func readingFoundBefore(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	equal(w, "first asks found before", c.Asks[0].FoundBefore || c.Asks[1].FoundBefore, false)
	w.settle(c, w.found(w.ask(c, "P1")), w.notFound(w.ask(c, "P2")))
	w.wantBefore("P1", true, w.found(0))
	w.wantBefore("P2", false, w.found(0))
	w.wantBefore("P2", true, w.found(0))

	nb := plain()
	nb.Reuse.Fresh = true
	list := append(rows("P1", "P3"), rows("P2", "P1")...)
	list[2].Question.Params = providers.Params{"country": "NO"}
	c = w.claim(w.submit(nb, list))
	equal(w, "P1, asked again with others", w.knows(c, "P1"), true)
	equal(w, "P3, new", w.knows(c, "P3"), false)
	equal(w, "P2 with other parameters", w.knows(c, "P2"), false)
}

// knows says of the ask about a plate whether it was found before.
func (w *world) knows(c store.Claim, plate string) bool {
	w.t.Helper()
	id := w.ask(c, plate)
	for _, a := range c.Asks {
		if a.ID == id {
			return a.FoundBefore
		}
	}
	return false
}

func readingFoundLongAgo(w *world) {
	w.answered("P1", w.found(0))
	w.wantBefore("P1", true, w.notFound(0))
	w.wantBefore("P1", true, w.failed(0, store.ClassProviderError))
	w.wantBefore("P1", true, unknown(0))
	w.reopen()
	w.wantBefore("P1", true, w.notFound(0))
}

func readingNeverFound(w *world) {
	w.answered("P1", w.notFound(0))
	w.wantBefore("P1", false, w.failed(0, store.ClassProviderError))
	w.wantBefore("P1", false, unknown(0))
	w.wantBefore("P1", false, w.notFound(0))
	w.wantBefore("P1", false, w.found(0))
}
