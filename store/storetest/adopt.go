package storetest

import (
	"errors"
	"time"

	"github.com/plateq/plateq/store"
)

var adoptRules = []rule{
	{"a ticket that has run out begins anew where a person names it", adoptLate},
	{"what was asked of a ticket before a person named it does not end it", adoptPolled},
	{"a ticket that answers one ask is adopted for that of the row", adoptNamed},
	{"a ticket that answers one ask is not adopted for another", adoptOther},
	{"a ticket that answers one ask and was released may be named again", adoptReleased},
	{"a row stands for what it was on before it was asked again", adoptResent},
}

// single is a ticket that answers one ask.
func single(id string, due time.Time) store.NewTicket {
	n := newTicket(id, due)
	n.Shared, n.Single = true, true
	return n
}

// adoptFor adopts a ticket that answers one ask for that of a row.
func (w *world) adoptFor(c store.Claim, row store.RowID, id string) error {
	w.t.Helper()
	n, err := w.s.Adopt(w.ctx, c.Call, row, single(id, w.now()), person)
	if err == nil {
		equal(w, "adopted", n, 1)
	}
	return err
}

// refuse wants an error of an adoption, and that it changed nothing.
func (w *world) refuse(what string, err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("%s: got %v, want %v", what, err, want)
	}
	w.booksBalance()
}

// mixed is a list with a call that brought ticket T-1 for P1 and nothing that
// is known for P2.
func (w *world) mixed() (store.BatchNo, store.Claim) {
	w.t.Helper()
	b := w.list("P1", "P2")
	c := w.claim(b)
	n := newTicket("T-1", w.now())
	n.Shared = true
	w.settleAll(store.Settlement{
		Call: c.Call, Tickets: []store.NewTicket{n},
		Verdicts: []store.Verdict{{Ask: w.ask(c, "P1"), To: store.Waiting}, unknown(w.ask(c, "P2"))},
	})
	w.states(b, store.Waiting, store.Unknown)
	return b, c
}

// named adopts T-1, a ticket that may answer many, for row 2 of a mixed list.
func (w *world) named(b store.BatchNo, c store.Claim) {
	w.t.Helper()
	n := newTicket("T-1", w.now())
	n.Shared = true
	_, err := w.s.Adopt(w.ctx, c.Call, store.NewRowID(b, 2), n, person)
	w.must(err, "adopt")
}

func adoptLate(w *world) {
	b, c := w.mixed()
	w.pass(49 * time.Hour)
	w.expire(w.poll("T-1"))
	w.named(b, c)
	w.states(b, store.Failed, store.Waiting)
	o := w.poll("T-1")
	equal(w, "late, adopted", []bool{o.Late, o.Adopted}, []bool{false, true})
	equal(w, "deadline", o.Deadline, w.in(48*time.Hour))
	equal(w, "asks", asks(o), []string{"P1", "P2"})
	w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Close: true,
		Verdicts: []store.Verdict{unknown(w.ask(c, "P1")), unknown(w.ask(c, "P2"))},
	})
	w.states(b, store.Failed, store.Unknown)
	w.batchState(b, store.BatchDone)
}

func adoptPolled(w *world) {
	b, c := w.mixed()
	w.pass(49 * time.Hour)
	before := w.poll("T-1")
	w.named(b, c)
	w.expire(before)
	w.states(b, store.Waiting, store.Waiting)
	o := w.poll("T-1")
	equal(w, "late", o.Late, false)
	equal(w, "asks", asks(o), []string{"P1", "P2"})
	w.settleTicket(before, w.found(w.ask(c, "P1")))
	w.settleTicket(o, w.found(w.ask(c, "P2")))
	w.states(b, store.Found, store.Found)
}

func adoptNamed(w *world) {
	b, c := w.lost("P1", "P2", "P3")
	other := w.list("P3", "P4")
	w.refuse("no row", w.adoptFor(c, 0, "T-2"), store.ErrManyAsks)
	w.refuse("a row of something else", w.adoptFor(c, store.NewRowID(other, 2), "T-2"), store.ErrNotOn)
	w.refuse("a row that is not there", w.adoptFor(c, store.NewRowID(b, 99), "T-2"), store.ErrNotOn)
	w.states(b, store.Unknown, store.Unknown, store.Unknown)
	w.must(w.adoptFor(c, store.NewRowID(b, 2), "T-2"), "adopt for row 2")
	w.states(b, store.Unknown, store.Waiting, store.Unknown)
	equal(w, "asks", asks(w.poll("T-2")), []string{"P2"})
	w.refuse("a row that waits already", w.adoptFor(c, store.NewRowID(b, 2), "T-3"), store.ErrNotOn)
	w.must(w.adoptFor(c, store.NewRowID(other, 1), "T-3"), "adopt for the row of another list")
	w.states(b, store.Unknown, store.Waiting, store.Waiting)
	w.must(w.adoptFor(c, 0, "T-1"), "adopt for the only one that is left")
	w.states(b, store.Waiting, store.Waiting, store.Waiting)
	all, err := w.s.Decisions(w.ctx, "", 10)
	w.must(err, "list decisions")
	for _, d := range all {
		equal(w, "asks of a decision", d.Asks, 1)
	}
	equal(w, "decisions", len(all), 3)
}

func adoptOther(w *world) {
	b, c := w.mixed()
	row := store.NewRowID(b, 2)
	w.refuse("P1 waits on it", w.adoptFor(c, row, "T-1"), store.ErrTicketTaken)
	w.pass(49 * time.Hour)
	w.expire(w.poll("T-1"))
	w.refuse("P1 was given up", w.adoptFor(c, row, "T-1"), store.ErrTicketTaken)
	w.pass(time.Hour)
	w.settleTicket(w.poll("T-1"), w.found(w.ask(c, "P1")))
	w.refuse("P1 has its answer", w.adoptFor(c, row, "T-1"), store.ErrTicketTaken)
	w.states(b, store.Found, store.Unknown)

	b, c = w.lost("P3", "P4")
	w.must(w.adoptFor(c, store.NewRowID(b, 1), "T-3"), "adopt for row 1")
	o := w.poll("T-3")
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Close: true, Verdicts: []store.Verdict{w.found(o.Asks[0].ID)}})
	w.refuse("P3 has its answer", w.adoptFor(c, store.NewRowID(b, 2), "T-3"), store.ErrTicketTaken)
	w.states(b, store.Found, store.Unknown)
}

func adoptReleased(w *world) {
	b, c := w.lost("P1", "P2")
	for i, plate := range []string{"P1", "P1", "P2"} {
		row := store.NewRowID(b, map[string]int{"P1": 1, "P2": 2}[plate])
		w.must(w.adoptFor(c, row, "T-1"), "adopt")
		o := w.poll("T-1")
		equal(w, "asks", asks(o), []string{plate})
		if i == 2 {
			w.settleTicket(o, w.found(o.Asks[0].ID))
			break
		}
		w.settlePoll(store.TicketSettlement{
			ID: o.ID, Lease: o.Lease, Handle: o.Handle, Close: true, Release: true, Verdicts: []store.Verdict{unknown(o.Asks[0].ID)},
		})
		w.states(b, store.Unknown, store.Unknown)
	}
	w.states(b, store.Unknown, store.Found)
	// Nobody goes on with a ticket that was not the ask's own.
	b, c = w.lost("P3")
	w.must(w.adoptFor(c, 0, "T-3"), "adopt")
	o := w.poll("T-3")
	w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Close: true, Release: true, Verdicts: []store.Verdict{unknown(o.Asks[0].ID)},
	})
	_, err := w.s.GiveUp(w.ctx, c.Call, person)
	w.must(err, "give up")
	w.askAgain(store.RetryRequest{Batch: b})
	if p := w.claim(b).Asks[0].Prior; p != nil {
		w.t.Errorf("the retry goes on with %+v, want nothing", p)
	}
}

func adoptResent(w *world) {
	b, first := w.lost("P1", "P2")
	w.resend(first, person)
	second := w.claim(b)
	w.settleRest(second, unknown(0))
	w.must(w.adoptFor(first, store.NewRowID(b, 2), "T-1"), "adopt for what the row was on")
	w.states(b, store.Unknown, store.Unknown)
	equal(w, "asks", asks(w.poll("T-1")), []string{"P2"})
	w.must(w.adoptFor(second, store.NewRowID(b, 2), "T-2"), "adopt for what it is on")
	w.states(b, store.Unknown, store.Waiting)
	equal(w, "asks", asks(w.poll("T-2")), []string{"P2"})
}
