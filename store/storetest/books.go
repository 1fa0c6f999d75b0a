package storetest

import "github.com/plateq/plateq/store"

var bookRules = []rule{
	{"a store has an id and keeps it", booksID},
	{"the books of an empty store balance", booksEmpty},
	{"check counts what there is", booksCount},
	{"check is green with work in every state", booksEveryState},
}

func booksID(w *world) {
	id := w.s.ID()
	if len(id) < 10 {
		w.t.Errorf("the id is %q, want one that no other store has", id)
	}
	w.reopen()
	equal(w, "id", w.s.ID(), id)
}

func booksEmpty(w *world) {
	report, err := w.s.Check(w.ctx)
	w.must(err, "check")
	equal(w, "report", report, store.Report{})
}

func booksCount(w *world) {
	b := w.submit(plain(), append(rows("P1", "P2", "P2"), invalid("X")))
	w.list("P2", "P3")
	c := w.claim(b)
	w.settleAll(store.Settlement{
		Call: c.Call, Verdicts: []store.Verdict{w.found(w.ask(c, "P1"))}, Rest: &store.Verdict{To: store.Waiting},
		Tickets: []store.NewTicket{newTicket("T-1", w.now())},
	})
	report, err := w.s.Check(w.ctx)
	w.must(err, "check")
	equal(w, "report", report, store.Report{Batches: 2, Rows: 6, Asks: 3, Calls: 1, Tickets: 1, Answers: 1})
}

func booksEveryState(w *world) {
	list := rows("found", "none", "failed", "unknown", "waiting", "sending", "queued")
	b := w.submit(plain(), append(list, invalid("X")))
	ref := w.chunk(b)
	c := w.takeMax(ref.ID, 5)
	w.settleAll(store.Settlement{
		Call: c.Call,
		Verdicts: []store.Verdict{
			w.found(w.ask(c, "found")), w.notFound(w.ask(c, "none")),
			w.failed(w.ask(c, "failed"), store.ClassUnavailable), unknown(w.ask(c, "unknown")),
		},
		Rest:    &store.Verdict{To: store.Waiting},
		Tickets: []store.NewTicket{newTicket("T-1", w.now())},
	})
	w.takeMax(ref.ID, 1)
	w.cancel(w.list("cancelled"))
	states := []store.State{
		store.Found, store.NotFound, store.Failed, store.Unknown, store.Waiting, store.Sending, store.Queued, store.Invalid,
	}
	w.states(b, states...)
	for _, s := range states {
		equal(w, "count of "+s.String(), w.batch(b).Counts[s], 1)
	}
	w.booksBalance()
	w.reopen()
	w.states(b, states...)
}
