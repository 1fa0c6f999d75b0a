package storetest

import (
	"errors"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var unknownRules = []rule{
	{"calls of which nobody knows are listed with their rows", unknownListed},
	{"lists of unknown calls are chosen and paged", unknownChosen},
	{"calls that a resend made are not among those that were there", unknownBy},
	{"resending gives all rows another ask, and the call stays unknown", unknownResent},
	{"a cancelled list is not resent", unknownCancelled},
	{"a late answer to an ask that was resent stays with that ask", unknownLate},
	{"a rule resends a question once", unknownRule},
	{"a list that resends by a rule does so once", unknownReuse},
	{"what is given up is failed, and a late answer counts", unknownGivenUp},
	{"an adopted ticket is polled, and its answers count", unknownAdopted},
	{"an ask that the adopted ticket does not hold is unknown again", unknownDisowned},
	{"the ticket of another call is not adopted", unknownTaken},
	{"a decision is kept with who made it and why", unknownDecided},
	{"the decisions of one tenant can be listed", unknownTenant},
	{"a list is done though an ask that was resent turns out to wait", unknownDone},
	{"only a call that is unknown is judged", unknownNoCall},
}

// person is who decides in these rules.
var person = store.Decision{By: "key-1", Reason: "the provider says that it never came"}

func (w *world) resend(c store.Claim, d store.Decision) store.Taken {
	w.t.Helper()
	got, err := w.s.Resend(w.ctx, c.Call, d)
	w.must(err, "resend")
	return got
}

// adopt has the asks of a call wait on ticket T-7.
func (w *world) adopt(c store.Claim) int {
	w.t.Helper()
	n, err := w.s.Adopt(w.ctx, c.Call, 0, newTicket("T-7", w.now()), person)
	w.must(err, "adopt")
	return n
}

func (w *world) unknowns(f store.UnknownFilter) []store.UnknownCall {
	w.t.Helper()
	all, err := w.s.Unknowns(w.ctx, f)
	w.must(err, "list unknown calls")
	return all
}

// lost is a list all of whose asks are in one call of which nobody knows.
func (w *world) lost(plates ...string) (store.BatchNo, store.Claim) {
	w.t.Helper()
	b := w.list(plates...)
	c := w.claim(b)
	rest := unknown(0)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &rest, Class: "ambiguous", Code: "cut"})
	return b, c
}

func unknownListed(w *world) {
	sent := w.now()
	b, c := w.lost("P1", "P1", "P2", "P3")
	w.settle(c, w.found(w.ask(c, "P3")))
	joined := w.list("P2")
	w.pass(time.Hour)
	equal(w, "unknown calls", w.unknowns(store.UnknownFilter{}), []store.UnknownCall{{
		Call: c.Call, Provider: provider, Tenant: store.DefaultTenant, Sent: sent, Class: "ambiguous", Code: "cut",
		Carried: 3, Asks: 2, Rows: 4, Batches: []store.BatchNo{b, joined},
		Subjects: []providers.Subject{{providers.Plate: "P1"}, {providers.Plate: "P2"}},
	}})
}

func unknownChosen(w *world) {
	first, c1 := w.lost("P1")
	nb := plain()
	nb.Tenant = "acme"
	by := w.now()
	w.pass(time.Minute)
	second := w.submit(nb, rows("P1"))
	c2 := w.claim(second)
	w.settleRest(c2, unknown(0))
	calls := func(f store.UnknownFilter) (ids []store.CallID) {
		for _, u := range w.unknowns(f) {
			ids = append(ids, u.Call)
		}
		return ids
	}
	equal(w, "all", calls(store.UnknownFilter{}), []store.CallID{c1.Call, c2.Call})
	equal(w, "of a call", calls(store.UnknownFilter{Call: c2.Call}), []store.CallID{c2.Call})
	equal(w, "of a list", calls(store.UnknownFilter{Batch: first}), []store.CallID{c1.Call})
	equal(w, "of a tenant", calls(store.UnknownFilter{Tenant: "acme"}), []store.CallID{c2.Call})
	equal(w, "of a provider", calls(store.UnknownFilter{Provider: provider}), []store.CallID{c1.Call, c2.Call})
	equal(w, "unknown by then", calls(store.UnknownFilter{By: by}), []store.CallID{c1.Call})
	equal(w, "unknown by now", calls(store.UnknownFilter{By: w.now()}), []store.CallID{c1.Call, c2.Call})
	equal(w, "of another provider", calls(store.UnknownFilter{Provider: "regnum"}), nil)
	equal(w, "first page", calls(store.UnknownFilter{Limit: 1}), []store.CallID{c1.Call})
	equal(w, "second page", calls(store.UnknownFilter{Limit: 1, After: c1.Call}), []store.CallID{c2.Call})
	w.resend(c1, person)
	equal(w, "after a resend", calls(store.UnknownFilter{}), []store.CallID{c2.Call})
	equal(w, "with those that were resent", calls(store.UnknownFilter{Resent: true}), []store.CallID{c1.Call, c2.Call})
	equal(w, "untried", calls(store.UnknownFilter{Resent: true, Untried: true}), []store.CallID{c2.Call})
}

func unknownBy(w *world) {
	by := w.now()
	b, c := w.lost("P1", "P2")
	w.resend(c, person)
	second := w.claim(b)
	w.settleRest(second, unknown(0))
	equal(w, "there by then", len(w.unknowns(store.UnknownFilter{By: by})), 0)
	equal(w, "with what was resent", w.unknowns(store.UnknownFilter{By: by, Resent: true})[0].Call, c.Call)
	equal(w, "there now", w.unknowns(store.UnknownFilter{})[0].Call, second.Call)
	w.pass(time.Second)
	equal(w, "there by now", w.unknowns(store.UnknownFilter{By: w.now()})[0].Call, second.Call)
}

func unknownResent(w *world) {
	first, c := w.lost("P1", "P1", "P2")
	second := w.list("P1")
	w.states(second, store.Unknown)
	equal(w, "resent", w.resend(c, person), store.Taken{Rows: 4, Asks: 2, Shared: 2, Joined: 1})
	w.states(first, store.Queued, store.Queued, store.Queued)
	w.states(second, store.Queued)
	w.batchState(first, store.BatchRunning)
	w.batchState(second, store.BatchRunning)
	again := w.claim(first)
	equal(w, "asked again", plates(again), []string{"P1", "P2"})
	w.settleRest(again, w.found(0))
	w.states(first, store.Found, store.Found, store.Found)
	w.states(second, store.Found)
	w.batchState(first, store.BatchDone)
	w.batchState(second, store.BatchDone)
	totals, err := w.s.Totals(w.ctx, 0)
	w.must(err, "read totals")
	equal(w, "totals", totals, store.Totals{Calls: 2, Asks: 4, UnknownCalls: 1, UnknownAsks: 2})
	u := w.unknowns(store.UnknownFilter{Resent: true})
	equal(w, "what the call is left with", []int{u[0].Asks, u[0].Resent, u[0].Rows}, []int{2, 2, 0})
}

func unknownCancelled(w *world) {
	first, c := w.lost("P1")
	second := w.list("P1", "P9")
	w.cancel(second)
	equal(w, "resent", w.resend(c, person), store.Taken{Rows: 1, Asks: 1})
	w.states(first, store.Queued)
	w.states(second, store.Unknown, store.Cancelled)
	equal(w, "rows on the call", w.unknowns(store.UnknownFilter{})[0].Rows, 1)
}

func unknownLate(w *world) {
	b, c := w.lost("P1")
	w.resend(c, person)
	equal(w, "late answer", w.settleRest(c, w.found(0)), store.Settled{Applied: 1, Late: 1})
	w.states(b, store.Queued)
	w.settleRest(w.claim(b), w.notFound(0))
	w.states(b, store.NotFound)
	equal(w, "unknown calls", w.unknowns(store.UnknownFilter{Resent: true}), nil)
}

func unknownRule(w *world) {
	rule := store.Decision{By: store.ByPolicy}
	b, c := w.lost("P1", "P2")
	equal(w, "resent", w.resend(c, rule), store.Taken{Rows: 2, Asks: 2})
	again := w.claim(b)
	w.settleRest(again, unknown(0))
	equal(w, "resent again by the rule", w.resend(again, rule), store.Taken{})
	w.states(b, store.Unknown, store.Unknown)
	equal(w, "untried", w.unknowns(store.UnknownFilter{Untried: true}), nil)
	equal(w, "resent by a person", w.resend(again, person), store.Taken{Rows: 2, Asks: 2})
}

func unknownReuse(w *world) {
	nb := plain()
	nb.Reuse.ResendUnknown = true
	w.lost("P1")
	second := w.submit(nb, rows("P1"))
	w.settleRest(w.claim(second), unknown(0))
	third := w.begin(nb)
	equal(w, "taken by the third", w.add(third, rows("P1")), store.Taken{Rows: 1, Unknown: 1})
	w.commit(third)
	w.states(third, store.Unknown)
}

func unknownGivenUp(w *world) {
	b, c := w.lost("P1", "P2")
	n, err := w.s.GiveUp(w.ctx, c.Call, person)
	w.must(err, "give up")
	equal(w, "given up", n, 2)
	w.states(b, store.Failed, store.Failed)
	equal(w, "class", w.row(b, 1).Answer.Failure.Class, store.ClassGivenUp)
	w.batchState(b, store.BatchDone)
	equal(w, "late answer", w.settle(c, w.found(w.ask(c, "P1"))).Late, 1)
	w.states(b, store.Found, store.Failed)
	equal(w, "unknown calls", w.unknowns(store.UnknownFilter{}), nil)
}

func unknownAdopted(w *world) {
	b, c := w.lost("P1", "P2")
	equal(w, "adopted", w.adopt(c), 2)
	w.states(b, store.Waiting, store.Waiting)
	w.batchState(b, store.BatchRunning)
	o := w.poll("T-7")
	equal(w, "adopted ticket says so", o.Adopted, true)
	w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Close: true,
		Verdicts: []store.Verdict{w.found(o.Asks[0].ID), w.notFound(o.Asks[1].ID)},
	})
	w.states(b, store.Found, store.NotFound)
	w.batchState(b, store.BatchDone)
	equal(w, "calls", w.calls(), 1)
	other := w.waiting("T-8", "P3")
	w.pass(time.Minute)
	equal(w, "another ticket does not", w.poll("T-8").Adopted, false)
	w.states(other, store.Waiting)
}

func unknownDisowned(w *world) {
	b, c := w.lost("P1", "P2")
	w.adopt(c)
	by := w.now()
	o := w.poll("T-7")
	w.pass(2 * store.Apart)
	got := w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Close: true,
		Verdicts: []store.Verdict{w.found(o.Asks[0].ID), unknown(o.Asks[1].ID)},
	})
	equal(w, "applied", got.Applied, 2)
	equal(w, "unknown by the time of the adoption", len(w.unknowns(store.UnknownFilter{By: by})), 0)
	w.states(b, store.Found, store.Unknown)
	w.batchState(b, store.BatchDone)
	u := w.unknowns(store.UnknownFilter{})
	if len(u) != 1 || u[0].Call != c.Call || u[0].Asks != 1 {
		w.t.Fatalf("unknown calls are %+v, want one ask of call %d", u, c.Call)
	}
	// The same ticket may be named once more.
	w.adopt(c)
	o = w.poll("T-7")
	equal(w, "asks of the ticket that was named again", len(o.Asks), 1)
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Close: true, Verdicts: []store.Verdict{unknown(o.Asks[0].ID)}})
	w.settle(c, w.found(w.ask(c, "P2")))
	w.states(b, store.Found, store.Found)
}

func unknownTaken(w *world) {
	w.waiting("T-1", "P1")
	b, c := w.lost("P2")
	if _, err := w.s.Adopt(w.ctx, c.Call, 0, newTicket("T-1", w.now()), person); !errors.Is(err, store.ErrTicketTaken) {
		w.t.Errorf("adopt: %v, want ErrTicketTaken", err)
	}
	w.states(b, store.Unknown)
	all, err := w.s.Decisions(w.ctx, "", 10)
	w.must(err, "list decisions")
	equal(w, "decisions", all, nil)
}

func unknownDecided(w *world) {
	_, c := w.lost("P1", "P2")
	w.resend(c, person)
	w.pass(time.Minute)
	_, err := w.s.GiveUp(w.ctx, c.Call, store.Decision{By: "key-2", Reason: "enough"})
	w.must(err, "give up")
	w.reopen()
	all, err := w.s.Decisions(w.ctx, "", 10)
	w.must(err, "list decisions")
	equal(w, "decisions", all, []store.Decided{
		{At: w.now(), What: "give-up", Call: c.Call, Asks: 2, Decision: store.Decision{By: "key-2", Reason: "enough"}},
		{At: w.in(-time.Minute), What: "resend", Call: c.Call, Asks: 2, Decision: person},
	})
}

func unknownDone(w *world) {
	b, c := w.lost("P1")
	w.resend(c, person)
	w.adopt(c)
	equal(w, "done by the new answer", w.settleRest(w.claim(b), w.found(0)).Done, []store.BatchNo{b})
	w.states(b, store.Found)
	o := w.poll("T-7")
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Close: true, Verdicts: []store.Verdict{w.notFound(o.Asks[0].ID)}})
	w.states(b, store.Found)
	w.batchState(b, store.BatchDone)
}

func unknownNoCall(w *world) {
	c := w.claim(w.list("P1"))
	for _, id := range []store.CallID{c.Call, 999} {
		_, resent := w.s.Resend(w.ctx, id, person)
		_, gone := w.s.GiveUp(w.ctx, id, person)
		_, adopted := w.s.Adopt(w.ctx, id, 0, newTicket("T-1", w.now()), person)
		for _, err := range []error{resent, gone, adopted} {
			if !errors.Is(err, store.ErrNoCall) {
				w.t.Errorf("judging call %d: %v, want ErrNoCall", id, err)
			}
		}
	}
	equal(w, "unknown calls", w.unknowns(store.UnknownFilter{}), nil)
}

func unknownTenant(w *world) {
	acme := plain()
	acme.Tenant = "acme"
	b := w.submit(acme, rows("P1"))
	c := w.claim(b)
	rest := unknown(0)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &rest, Class: "ambiguous", Code: "cut"})
	_, other := w.lost("P1")
	for _, call := range []store.CallID{c.Call, other.Call} {
		_, err := w.s.GiveUp(w.ctx, call, person)
		w.must(err, "give up")
	}
	for tenant, want := range map[string][]store.CallID{
		"": {other.Call, c.Call}, "acme": {c.Call}, store.DefaultTenant: {other.Call}, "nobody": nil,
	} {
		all, err := w.s.Decisions(w.ctx, tenant, 10)
		w.must(err, "list decisions")
		var calls []store.CallID
		for _, d := range all {
			calls = append(calls, d.Call)
		}
		equal(w, "decisions of tenant "+tenant, calls, want)
	}
}
