package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var ticketRules = []rule{
	{"a ticket is due at its time and not before", ticketDue},
	{"the next due time is that of the earliest ticket", ticketNextDue},
	{"the next due time leaves out what is due by then", ticketNextAfter},
	{"the handle is replaced by what the poll returned, byte for byte", ticketHandle},
	{"a poll answers some and the others wait on", ticketParts},
	{"two tickets of a call hold each its own asks", ticketTwo},
	{"a ticket of another call is taken, and nothing is written", ticketTaken},
	{"a shared ticket is each call's own", ticketShared},
	{"a ticket that is closed is never due", ticketClose},
	{"a ticket on which asks wait is not closed", ticketCloseRefused},
	{"a ticket on which nobody waits is not due", ticketEmpty},
	{"tickets due are those of the provider that was named", ticketProvider},
	{"as many tickets are listed as wanted, the longest due first", ticketLimit},
	{"polls are counted and change the ticket's name", ticketPolls},
	{"tickets outlive a restart", ticketSurvives},
	{"a paused or cancelled list is polled all the same", ticketPaused},
}

func newTicket(id string, due time.Time) store.NewTicket {
	return store.NewTicket{Handle: providers.Ticket{ID: id, Number: "N-" + id}, Due: due, Deadline: due.Add(48 * time.Hour), Interval: time.Minute}
}

// ticketed settles all of a call as waiting on a ticket due after d.
func (w *world) ticketed(c store.Claim, id string, d time.Duration) {
	w.t.Helper()
	w.settleAll(store.Settlement{
		Call: c.Call, Rest: &store.Verdict{To: store.Waiting}, Tickets: []store.NewTicket{newTicket(id, w.in(d))},
	})
}

// settleWaiting settles all of a call as waiting on a ticket that is due.
func (w *world) settleWaiting(c store.Claim, id string) {
	w.t.Helper()
	w.ticketed(c, id, 0)
}

// waiting is a list whose asks wait on a ticket that is due.
func (w *world) waiting(id string, plates ...string) store.BatchNo {
	w.t.Helper()
	b := w.list(plates...)
	w.settleWaiting(w.claim(b), id)
	return b
}

func (w *world) due() []store.TicketRef {
	w.t.Helper()
	refs, err := w.s.DueTickets(w.ctx, provider, 1000)
	w.must(err, "list due tickets")
	return refs
}

// lease is how long the tickets taken here are nobody else's.
const lease = 2 * time.Minute

func (w *world) takeTicket(id store.TicketID) store.OpenTicket {
	w.t.Helper()
	o, err := w.s.ClaimTicket(w.ctx, store.TicketClaim{ID: id, Owner: worker, Scopes: []string{provider}, Until: w.in(lease)})
	w.must(err, "claim ticket")
	return o
}

// poll takes the due ticket of that handle.
func (w *world) poll(id string) store.OpenTicket {
	w.t.Helper()
	for _, ref := range w.due() {
		o := w.takeTicket(ref.ID)
		if o.Lease == 0 {
			w.t.Fatalf("due ticket %d was not given", ref.ID)
		}
		if o.Handle.ID == id {
			return o
		}
		w.release(o)
	}
	w.t.Fatalf("no ticket %s is due", id)
	return store.OpenTicket{}
}

// release gives a ticket back, due at once.
func (w *world) release(o store.OpenTicket) {
	w.t.Helper()
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.now(), Interval: o.Interval})
}

// hold brings verdicts and keeps the ticket.
func (w *world) hold(o store.OpenTicket, v ...store.Verdict) store.Settled {
	w.t.Helper()
	return w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Verdicts: v, Hold: true, Due: w.in(lease), Interval: o.Interval,
	})
}

// settleTicket brings verdicts and gives the ticket back, due in a minute.
func (w *world) settleTicket(o store.OpenTicket, v ...store.Verdict) store.Settled {
	w.t.Helper()
	return w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Verdicts: v, Due: w.in(time.Minute), Interval: time.Minute,
	})
}

func (w *world) settlePoll(s store.TicketSettlement) store.Settled {
	w.t.Helper()
	got, err := w.s.SettleTicket(w.ctx, s)
	w.must(err, "settle ticket")
	return got
}

// asks lists what a ticket is still asked about, sorted.
func asks(o store.OpenTicket) []string { return plates(store.Claim{Asks: o.Asks}) }

func ticketDue(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.ticketed(c, "T-1", time.Minute)
	w.states(b, store.Waiting, store.Waiting)
	w.pass(59 * time.Second)
	equal(w, "due before", w.due(), nil)
	w.pass(time.Second)
	refs := w.due()
	equal(w, "due", len(refs), 1)
	created := w.now()
	o := w.takeTicket(refs[0].ID)
	equal(w, "ticket", o, store.OpenTicket{
		ID: refs[0].ID, Lease: o.Lease, Call: c.Call, Provider: provider,
		Handle: providers.Ticket{ID: "T-1", Number: "N-T-1"}, Asks: c.Asks, Trace: store.Trace{Rows: 2},
		Created: created.Add(-time.Minute), Due: created, Deadline: created.Add(48 * time.Hour), Interval: time.Minute,
	})
}

func ticketNextDue(w *world) {
	none, err := w.s.NextDue(w.ctx, provider, time.Time{})
	w.must(err, "read next due time")
	equal(w, "without tickets", none.IsZero(), true)
	w.ticketed(w.claim(w.list("P1")), "T-1", 3*time.Minute)
	w.ticketed(w.claim(w.list("P2")), "T-2", 2*time.Minute)
	next, err := w.s.NextDue(w.ctx, provider, time.Time{})
	w.must(err, "read next due time")
	equal(w, "next", next, w.in(2*time.Minute))
	other, err := w.s.NextDue(w.ctx, "regnum", time.Time{})
	w.must(err, "read next due time")
	equal(w, "of another provider", other.IsZero(), true)
}

// ticketNextAfter: of those that are due by a time, or taken until then, it is
// known that they are; who waits for the next must not be held up by them.
func ticketNextAfter(w *world) {
	w.ticketed(w.claim(w.list("P1")), "T-1", time.Minute)
	w.ticketed(w.claim(w.list("P2")), "T-2", 2*time.Minute)
	w.ticketed(w.claim(w.list("P3")), "T-3", 3*time.Minute)
	after := func(d time.Duration) time.Time {
		next, err := w.s.NextDue(w.ctx, provider, w.in(d))
		w.must(err, "read next due time")
		return next
	}
	equal(w, "after the first", after(time.Minute), w.in(2*time.Minute))
	w.pass(2 * time.Minute)
	w.poll("T-2")
	equal(w, "while the second is taken", after(0), w.in(time.Minute))
	equal(w, "after the third", after(time.Minute), w.in(lease))
	equal(w, "after all", after(lease).IsZero(), true)
}

func ticketHandle(w *world) {
	w.waiting("T-1", "P1")
	for _, cursor := range [][]byte{[]byte("page 2"), {0, 255, 10, 13, 0}, slices.Repeat([]byte{0xfe, '"', '<'}, 3000), nil} {
		o := w.poll("T-1")
		h := providers.Ticket{ID: "T-1", Number: "N-<\"1\">", Cursor: cursor, Plan: slices.Clone(cursor)}
		w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: h, Due: w.now(), Interval: time.Second})
		o = w.poll("T-1")
		equal(w, "handle", o.Handle, h)
		equal(w, "pause", o.Interval, time.Second)
		w.release(o)
	}
}

func ticketParts(w *world) {
	b := w.waiting("T-1", "P1", "P2", "P3")
	o := w.poll("T-1")
	a := store.Claim{Asks: o.Asks}
	equal(w, "first", w.settleTicket(o, w.found(w.ask(a, "P2"))), store.Settled{Applied: 1})
	w.pass(time.Minute)
	o = w.poll("T-1")
	equal(w, "asks left", asks(o), []string{"P1", "P3"})
	got := w.settleTicket(o, w.notFound(w.ask(a, "P1")), w.failed(w.ask(a, "P3"), store.ClassMissing))
	equal(w, "second", got, store.Settled{Applied: 2, Done: []store.BatchNo{b}})
	w.states(b, store.NotFound, store.Found, store.Failed)
}

func ticketTwo(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	wait := func(plate string, ticket int) store.Verdict {
		return store.Verdict{Ask: w.ask(c, plate), To: store.Waiting, Ticket: ticket}
	}
	w.settleAll(store.Settlement{
		Call: c.Call, Verdicts: []store.Verdict{wait("P1", 0), wait("P2", 1), wait("P3", 0)},
		Tickets: []store.NewTicket{newTicket("T-1", w.now()), newTicket("T-2", w.now())},
	})
	equal(w, "due", len(w.due()), 2)
	first, second := w.poll("T-1"), w.poll("T-2")
	equal(w, "asks of the first", asks(first), []string{"P1", "P3"})
	equal(w, "asks of the second", asks(second), []string{"P2"})
	got := w.settleTicket(first, w.found(w.ask(c, "P1")), w.found(w.ask(c, "P2")))
	equal(w, "settled", got, store.Settled{Applied: 1, Refused: 1})
	w.states(b, store.Found, store.Waiting, store.Waiting)
}

func ticketTaken(w *world) {
	first := w.waiting("T-1", "P1")
	second := w.list("P2", "P3")
	c := w.claim(second)
	_, err := w.s.Settle(w.ctx, store.Settlement{
		Call:     c.Call,
		Verdicts: []store.Verdict{w.found(w.ask(c, "P2"))},
		Rest:     &store.Verdict{To: store.Waiting},
		Tickets:  []store.NewTicket{newTicket("T-1", w.now())},
		Gates:    store.GateChanges{Close: []store.GateClose{{Scope: provider, Class: providers.RateLimited, Until: w.in(time.Hour)}}},
	})
	if !errors.Is(err, store.ErrTicketTaken) {
		w.t.Fatalf("got error %v, want ErrTicketTaken", err)
	}
	w.states(second, store.Sending, store.Sending)
	gates, err := w.s.Gates(w.ctx)
	w.must(err, "list gates")
	equal(w, "gates", gates, nil)
	o := w.poll("T-1")
	equal(w, "asks of the ticket", asks(o), []string{"P1"})
	w.settleTicket(o, w.found(o.Asks[0].ID))
	w.settleRest(c, unknown(0))
	w.states(first, store.Found)
	w.states(second, store.Unknown, store.Unknown)
}

func ticketShared(w *world) {
	shared := newTicket("T-1", w.now())
	shared.Shared = true
	var lists []store.BatchNo
	for _, plate := range []string{"P1", "P2"} {
		b := w.list(plate)
		w.settleAll(store.Settlement{Call: w.claim(b).Call, Rest: &store.Verdict{To: store.Waiting}, Tickets: []store.NewTicket{shared}})
		lists = append(lists, b)
	}
	due := w.due()
	equal(w, "due", len(due), 2)
	for i, plate := range []string{"P1", "P2"} {
		o := w.takeTicket(due[i].ID)
		equal(w, "asks", asks(o), []string{plate})
		equal(w, "handle", o.Handle.ID, "T-1")
		w.settleTicket(o, w.found(o.Asks[0].ID))
		w.states(lists[i], store.Found)
	}
}

func ticketClose(w *world) {
	w.timedOut("P1") // a late answer would count, but nobody waits for it any more
	w.pass(time.Hour)
	o := w.poll("T-1")
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.now(), Close: true})
	w.pass(90 * 24 * time.Hour)
	equal(w, "due", w.due(), nil)
	equal(w, "taken", w.takeTicket(o.ID).Lease, 0)
	next, err := w.s.NextDue(w.ctx, provider, time.Time{})
	w.must(err, "read next due time")
	equal(w, "next due", next.IsZero(), true)
}

func ticketCloseRefused(w *world) {
	b := w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	_, err := w.s.SettleTicket(w.ctx, store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Verdicts: []store.Verdict{w.found(o.Asks[0].ID)}, Close: true,
	})
	if err == nil {
		w.t.Error("a ticket was closed while an ask waits on it")
	}
	w.states(b, store.Waiting, store.Waiting)
	w.release(o)
	equal(w, "asks", asks(w.poll("T-1")), []string{"P1", "P2"})
}

func ticketEmpty(w *world) {
	w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	w.settleTicket(o, w.found(o.Asks[0].ID), w.failed(o.Asks[1].ID, store.ClassProviderError))
	w.pass(90 * 24 * time.Hour)
	equal(w, "due", w.due(), nil)
}

func ticketProvider(w *world) {
	w.waiting("T-1", "P1")
	nb := plain()
	nb.Provider = "spectrumdata"
	b := w.submit(nb, rows("P1"))
	w.settleWaiting(w.claim(b), "T-1") // the same name at another provider is another ticket
	equal(w, "due", len(w.due()), 1)
	refs, err := w.s.DueTickets(w.ctx, "spectrumdata", 10)
	w.must(err, "list due tickets")
	equal(w, "due of the other", len(refs), 1)
	equal(w, "call's provider", w.takeTicket(refs[0].ID).Provider, "spectrumdata")
}

func ticketLimit(w *world) {
	for i, id := range []string{"T-1", "T-2", "T-3"} {
		w.ticketed(w.claim(w.list("P"+id)), id, time.Duration(3-i)*time.Minute)
	}
	w.pass(time.Hour)
	refs, err := w.s.DueTickets(w.ctx, provider, 2)
	w.must(err, "list due tickets")
	var got []string
	for _, r := range refs {
		got = append(got, w.takeTicket(r.ID).Handle.ID)
	}
	equal(w, "tickets", got, []string{"T-3", "T-2"})
}

func ticketPolls(w *world) {
	w.waiting("T-1", "P1")
	first := w.due()[0]
	equal(w, "listed twice", w.due()[0], first)
	o := w.takeTicket(first.ID)
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Polls: 3, Due: w.now(), Interval: o.Interval})
	second := w.due()[0]
	equal(w, "ticket", second.ID, first.ID)
	if second.Polls == first.Polls {
		w.t.Errorf("polls stayed %d when the ticket was claimed", first.Polls)
	}
	w.release(w.takeTicket(first.ID)) // nobody was asked
	totals, err := w.s.Totals(w.ctx, 0)
	w.must(err, "read totals")
	equal(w, "polls", totals.Polls, 3)
}

func ticketSurvives(w *world) {
	b := w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	h := o.Handle
	h.Cursor = []byte{0, 1, 2}
	w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: h, Verdicts: []store.Verdict{w.found(o.Asks[0].ID)}, Due: w.in(time.Minute), Interval: time.Minute,
	})
	w.reopen()
	w.states(b, store.Found, store.Waiting)
	next, err := w.s.NextDue(w.ctx, provider, time.Time{})
	w.must(err, "read next due time")
	equal(w, "next due", next, w.in(time.Minute))
	w.pass(time.Minute)
	again := w.poll("T-1")
	equal(w, "handle", again.Handle, h)
	equal(w, "asks", asks(again), []string{"P2"})
	equal(w, "answer", w.settleTicket(again, w.found(again.Asks[0].ID)).Done, []store.BatchNo{b})
}

func ticketPaused(w *world) {
	paused, cancelled := w.waiting("T-1", "P1"), w.waiting("T-2", "P2")
	w.must(w.s.Pause(w.ctx, paused, "wait"), "pause")
	w.must(w.s.Cancel(w.ctx, cancelled, "wrong file"), "cancel")
	for _, id := range []string{"T-1", "T-2"} {
		o := w.poll(id)
		w.settleTicket(o, w.found(o.Asks[0].ID))
	}
	w.states(paused, store.Found)
	w.states(cancelled, store.Found)
}
