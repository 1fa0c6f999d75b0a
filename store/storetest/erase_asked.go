package storetest

import (
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// What a call that was on its way brings once somebody was erased.

func eraseNote(w *world) {
	b := w.list("P1")
	c := w.claim(b)
	w.erase(w.plate("P1"))
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Unknown}, Note: []byte(`<html>{"plate":"P1","owner":"Ivan"`)})
	w.blank(b, 1, store.Unknown)
	equal(w, "what is left", w.mentions("P1", "Ivan"), nil)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Unknown}, Note: []byte("P1 once more")})
	equal(w, "what is left of what comes twice", w.mentions("P1"), nil)
}

func eraseNoteBack(w *world) {
	b := w.list("P1")
	c := w.claim(b)
	w.settleRest(c, queued(0))
	w.erase(w.plate("P1"))
	w.states(b, store.Invalid)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Unknown}, Note: []byte("P1, of Ivan")})
	equal(w, "what is left", w.mentions("P1"), nil)
}

func eraseNoteOther(w *world) {
	b := w.list("P1", "P2")
	first := w.pricedMax(b, store.Price{}, 1)
	second := w.claim(b)
	w.erase(w.plate("P1"))
	w.settleAll(store.Settlement{Call: second.Call, Rest: &store.Verdict{To: store.Unknown}, Note: []byte("what was seen of P2")})
	equal(w, "what is kept", w.mentions("seen of"), []string{"calls.note: what was seen of P2"})
	w.settleRest(first, w.found(0))
}

// reported is a ticket whose name holds the plate P1.
func reported(w *world) store.NewTicket {
	return store.NewTicket{Handle: providers.Ticket{ID: "report_P1@x"}, Due: w.now(), Deadline: w.in(time.Hour), Interval: time.Minute}
}

func eraseTicket(w *world) {
	b := w.list("P1")
	c := w.priced(b, inr)
	w.erase(w.plate("P1"))
	got := w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Waiting}, Tickets: []store.NewTicket{reported(w)}})
	equal(w, "settled", got, store.Settled{Applied: 1, Done: []store.BatchNo{b}})
	w.blank(b, 1, store.Failed)
	w.bill(b, 1, 0, 0)
	equal(w, "due tickets", len(w.due()), 0)
	equal(w, "calls that are not done", w.line().State, store.CallDone)
	equal(w, "what is left", w.mentions("P1"), nil)
	w.booksBalance()
}

func eraseTicketFree(w *world) {
	b := w.list("P1")
	c := w.priced(b, inr)
	w.erase(w.plate("P1"))
	rest := free(store.Verdict{To: store.Waiting})
	w.settleAll(store.Settlement{Call: c.Call, Rest: &rest, Tickets: []store.NewTicket{reported(w)}})
	w.states(b, store.Failed)
	w.bill(b, 0, 1, 0)
}

func eraseTicketShared(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.priced(b, inr)
	w.erase(w.plate("P1"))
	w.settleAll(store.Settlement{
		Call: c.Call, Tickets: []store.NewTicket{newTicket("T-1", w.now()), reported(w)},
		Verdicts: []store.Verdict{
			{Ask: w.ask(c, "P1"), To: store.Waiting, Ticket: 1}, {Ask: w.ask(c, "P2"), To: store.Waiting}, {Ask: w.ask(c, "P3"), To: store.Waiting},
		},
	})
	w.states(b, store.Failed, store.Waiting, store.Waiting)
	o := w.poll("T-1")
	equal(w, "who is waited for", asks(o), []string{"P2", "P3"})
	w.settleTicket(o, w.found(w.ask(c, "P2")), w.notFound(w.ask(c, "P3")))
	w.states(b, store.Failed, store.Found, store.NotFound)
	w.batchState(b, store.BatchDone)
	w.bill(b, 3, 0, 0)
	equal(w, "what is left", w.mentions("P1"), nil)
	w.booksBalance()
}

func eraseHinted(w *world) {
	c := w.claim(w.list("P1"))
	w.erase(w.plate("P1"))
	rest := store.Verdict{To: store.Waiting}
	w.settleAll(store.Settlement{Call: c.Call, Rest: &rest, Tickets: []store.NewTicket{newTicket("T-1", w.now())}})
	equal(w, "hinted", w.hint(about("T-1", "P1"), named("R-1")), store.Hinted{})
	equal(w, "what is left", w.mentions("P1"), nil)
	equal(w, "hints that are kept", len(w.orphans()), 0)
	w.hint(about("T-2", "P2"))
	equal(w, "hints about others that are kept", len(w.orphans()), 1)
}

func eraseAdopted(w *world) {
	b := w.list("P1", "P2")
	c := w.priced(b, inr)
	w.settleRest(c, store.Verdict{To: store.Unknown})
	w.erase(w.plate("P1"))
	n, err := w.s.Adopt(w.ctx, c.Call, store.NewRowID(b, 1), reported(w), person)
	w.must(err, "adopt")
	equal(w, "settled", n, 1)
	w.blank(b, 1, store.Failed)
	w.states(b, store.Failed, store.Unknown)
	w.bill(b, 1, 0, 1)
	equal(w, "due tickets", len(w.due()), 0)
	equal(w, "what is left", w.mentions("P1"), nil)
	_, err = w.s.Adopt(w.ctx, c.Call, 0, newTicket("T-1", w.now()), person)
	w.must(err, "adopt")
	equal(w, "who is waited for", asks(w.poll("T-1")), []string{"P2"})
	w.booksBalance()
}
