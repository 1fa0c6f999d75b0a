package storetest

import (
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var leaseRules = []rule{
	{"a ticket is taken by one of many", ticketOnce},
	{"a lease that runs out frees the ticket", ticketLeaseEnds},
	{"a lost lease keeps its answers and moves nothing else", ticketLostLease},
	{"a lease that ran out and that nobody took is still good", ticketLateLease},
	{"a pass that gave its ticket back has no more say", ticketGivenBack},
	{"a worker that ends gives its tickets back", ticketRetired},
	{"a worker that has not beaten for a minute has its tickets taken from it", ticketDead},
	{"a worker that lives keeps its tickets", ticketAlive},
	{"a pass that goes on holds the ticket", ticketHold},
	{"a pass that its worker left in the middle is due when the worker ends", ticketHoldRetired},
	{"a person makes the tickets of a list due now", ticketPollNow},
	{"a ticket on which a list has joined is made due as well", ticketPollNowJoined},
}

func ticketOnce(w *world) {
	w.waiting("T-1", "P1")
	ref := w.due()[0]
	o := w.takeTicket(ref.ID)
	second := w.takeTicket(ref.ID)
	equal(w, "leases", []bool{o.Lease != 0, second.Lease != 0}, []bool{true, false})
	equal(w, "due while it is taken", w.due(), nil)
	w.settleTicket(o)
	equal(w, "taken before it is due", w.takeTicket(ref.ID).Lease, 0)
}

func ticketLeaseEnds(w *world) {
	w.waiting("T-1", "P1")
	o := w.poll("T-1")
	w.pass(lease - time.Second)
	equal(w, "due during the lease", w.due(), nil)
	w.pass(time.Second)
	again := w.poll("T-1")
	if again.Lease == o.Lease {
		w.t.Errorf("two passes have one lease, %d", o.Lease)
	}
}

func ticketLostLease(w *world) {
	b := w.waiting("T-1", "P1", "P2", "P3", "P4")
	lost := w.poll("T-1")
	w.pass(lease)
	mine := w.poll("T-1")
	p := func(plate string) store.AskID { return w.ask(store.Claim{Asks: lost.Asks}, plate) }
	stray := lost.Handle
	stray.Cursor = []byte("where the lost pass stood")
	got := w.settlePoll(store.TicketSettlement{
		ID: lost.ID, Lease: lost.Lease, Handle: stray, Due: w.in(-time.Minute), Interval: time.Hour, Close: true,
		Verdicts: []store.Verdict{w.found(p("P1")), w.notFound(p("P2")), w.failed(p("P3"), store.ClassProviderTimeout)},
		Gates:    store.GateChanges{Close: []store.GateClose{{Scope: provider, Class: providers.RateLimited, Until: w.in(time.Hour)}}},
	})
	equal(w, "settled", []int{got.Applied, got.Refused, len(got.Gates)}, []int{2, 1, 0})
	w.states(b, store.Found, store.NotFound, store.Waiting, store.Waiting)
	equal(w, "due", w.due(), nil)
	equal(w, "the holder's word", w.settleTicket(mine, w.found(p("P3"))).Applied, 1)
	w.pass(time.Minute)
	o := w.poll("T-1")
	equal(w, "cursor", o.Handle, mine.Handle)
	equal(w, "pause", o.Interval, time.Minute)
	equal(w, "asks", asks(o), []string{"P4"})
}

func ticketHold(w *world) {
	b := w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	w.pass(time.Minute)
	w.hold(o, w.found(w.ask(store.Claim{Asks: o.Asks}, "P1")))
	w.pass(lease - time.Second) // past the first lease
	equal(w, "due while it is held", w.due(), nil)
	equal(w, "the same pass", w.settleTicket(o, w.found(w.ask(store.Claim{Asks: o.Asks}, "P2"))).Applied, 1)
	w.states(b, store.Found, store.Found)

	w.waiting("T-2", "P3")
	o = w.poll("T-2")
	w.hold(o)
	w.pass(lease)
	equal(w, "taken when the hold has run out", w.poll("T-2").ID, o.ID)
}

func ticketLateLease(w *world) {
	b := w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	w.pass(lease + time.Minute)
	h := o.Handle
	h.Cursor = []byte("page 2")
	got := w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: h, Due: w.in(time.Minute), Interval: time.Minute,
		Verdicts: []store.Verdict{w.failed(o.Asks[0].ID, store.ClassProviderError)},
	})
	equal(w, "settled", got, store.Settled{Applied: 1})
	w.states(b, store.Failed, store.Waiting)
	equal(w, "due", w.due(), nil)
	w.pass(time.Minute)
	equal(w, "handle", w.poll("T-1").Handle, h)
}

func ticketGivenBack(w *world) {
	b := w.waiting("T-1", "P1", "P2", "P3")
	o := w.poll("T-1")
	w.settleTicket(o, w.found(o.Asks[0].ID))
	got := w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.in(time.Hour),
		Verdicts: []store.Verdict{w.found(o.Asks[1].ID), w.failed(o.Asks[2].ID, store.ClassMissing)},
	})
	equal(w, "settled", got, store.Settled{Applied: 1, Refused: 1})
	w.states(b, store.Found, store.Found, store.Waiting)
	w.pass(time.Minute)
	equal(w, "due", len(w.due()), 1)
}

func ticketRetired(w *world) {
	w.waiting("T-1", "P1")
	w.waiting("T-2", "P2")
	first, second := w.due()[0], w.due()[1]
	w.takeTicket(first.ID)
	_, err := w.s.ClaimTicket(w.ctx, store.TicketClaim{ID: second.ID, Owner: "another", Scopes: []string{provider}, Until: w.in(lease)})
	w.must(err, "claim ticket")
	w.must(w.s.Retire(w.ctx, worker), "retire")
	refs := w.due()
	equal(w, "due", len(refs), 1)
	equal(w, "ticket", refs[0].ID, first.ID)
}

// free frees the tickets of dead workers.
func (w *world) free(what string, want int) {
	w.t.Helper()
	n, err := w.s.FreeTickets(w.ctx)
	w.must(err, "free tickets")
	equal(w, what, n, want)
}

func ticketDead(w *world) {
	w.waiting("T-1", "P1")
	w.waiting("T-2", "P2")
	first, second := w.due()[0], w.due()[1]
	w.beat(worker)
	o := w.takeTicket(first.ID)
	_, err := w.s.ClaimTicket(w.ctx, store.TicketClaim{ID: second.ID, Owner: "never beat", Until: w.in(lease)})
	w.must(err, "claim ticket")
	w.free("freed of the one that never beat", 1)
	w.pass(time.Minute)
	w.free("freed of the one that beat a minute ago", 1)
	w.free("freed once more", 0)
	equal(w, "due", len(w.due()), 2)
	got := w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.in(time.Hour),
		Verdicts: []store.Verdict{w.failed(o.Asks[0].ID, store.ClassMissing)}})
	equal(w, "the pass of the dead one", got, store.Settled{Refused: 1})
	equal(w, "due after it", len(w.due()), 2)
}

func ticketAlive(w *world) {
	w.waiting("T-1", "P1")
	w.beat(worker)
	o := w.poll("T-1")
	for range 3 {
		w.pass(59 * time.Second)
		w.free("freed", 0)
		w.beat(worker)
	}
	equal(w, "the pass goes on", w.settleTicket(o, w.found(o.Asks[0].ID)).Applied, 1)
}

func ticketPollNow(w *world) {
	b := w.list("P1", "P2")
	for i, r := range w.offer(b, 1) {
		w.ticketed(w.take(r.ID), []string{"T-1", "T-2"}[i], time.Hour)
	}
	w.ticketed(w.claim(w.list("P3")), "T-3", time.Hour)
	n, err := w.s.PollNow(w.ctx, b)
	w.must(err, "poll now")
	equal(w, "made due", n, 2)
	equal(w, "due", len(w.due()), 2)
	next, err := w.s.NextDue(w.ctx, provider, time.Time{})
	w.must(err, "read next due time")
	if next.After(w.now()) {
		w.t.Errorf("the next due time is %v, want now", next)
	}
}

func ticketPollNowJoined(w *world) {
	c := w.claim(w.list("P1"))
	second := w.list("P1", "P2")
	w.ticketed(c, "T-1", time.Hour)
	n, err := w.s.PollNow(w.ctx, second)
	w.must(err, "poll now")
	equal(w, "made due", n, 1)
	equal(w, "due", len(w.due()), 1)
}

func ticketHoldRetired(w *world) {
	w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	w.hold(o, w.found(o.Asks[0].ID))
	equal(w, "due while it is held", w.due(), nil)
	w.must(w.s.Retire(w.ctx, worker), "retire")
	equal(w, "due", len(w.due()), 1)
	equal(w, "asks", asks(w.poll("T-1")), []string{"P2"})
}
