package storetest

import (
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var gateRules = []rule{
	{"a closed gate refuses claims and says so", gateRefuses},
	{"a wide gate closes all below it, a narrow one only its own", gateScopes},
	{"another provider's gate closes nothing here", gateOtherProvider},
	{"a gate for a short time lets everyone pass after it", gateByTime},
	{"a gate refuses polls as well", gateTickets},
	{"a claim that a gate refused has taken nothing", gateTakesNothing},
	{"a gate that is closed twice is one event", gateClosedTwice},
	{"closing again never brings the time forward", gateUntilForward},
	{"a burst that was on its way when a gate closed does not lengthen it", gateBurst},
	{"a call that passed opens the gate, once", gateOpens},
	{"a gate moves with the settlement that learnt of it", gateInSettlement},
	{"a poll closes and opens gates as a call does", gateInPoll},
	{"a settlement opens no gate that it closes", gateClosedAndOpened},
	{"a gate without a time stays closed until a person opens it", gateNoTime},
	{"a success that was sent before the gate closed does not open it", gateOldSuccess},
	{"a gate that is closed for another reason stays closed since the first", gateSince},
	{"a gate that was closed by hand only a person opens", gateByHand},
	{"gates outlive a restart", gateSurvives},
}

// closing is a gate closed for a time after which everyone passes.
func (w *world) closing(scope string, d time.Duration) store.GateClose {
	return store.GateClose{Scope: scope, Class: providers.RateLimited, Code: "4291", By: "policy", Until: w.in(d), Strikes: 1}
}

func (w *world) setGates(c store.GateChanges) []store.GateEvent {
	w.t.Helper()
	events, err := w.s.SetGates(w.ctx, c)
	w.must(err, "set gates")
	return events
}

func (w *world) shut(g store.GateClose) []store.GateEvent {
	w.t.Helper()
	return w.setGates(store.GateChanges{Close: []store.GateClose{g}})
}

func (w *world) gate(scope string) store.Gate {
	w.t.Helper()
	gates, err := w.s.Gates(w.ctx)
	w.must(err, "list gates")
	for _, g := range gates {
		if g.Scope == scope {
			return g
		}
	}
	w.t.Fatalf("there is no gate %s among %v", scope, gates)
	return store.Gate{}
}

// tryClaim claims past gates.
func (w *world) tryClaim(c store.ChunkID, scopes ...string) (store.Claim, error) {
	w.t.Helper()
	r := w.request(c)
	r.Scopes, r.Max = scopes, 1
	return w.s.Claim(w.ctx, r)
}

// refused expects a closed gate to stop a claim.
func (w *world) refused(c store.ChunkID, gate string, scopes ...string) {
	w.t.Helper()
	_, err := w.tryClaim(c, scopes...)
	e := wantError[*store.GateClosedError](w, "claim past "+gate, err)
	equal(w, "gate in the error", e.Gate.Scope, gate)
}

// passes expects a claim of one ask to pass.
func (w *world) passes(c store.ChunkID, scopes ...string) store.Claim {
	w.t.Helper()
	got, err := w.tryClaim(c, scopes...)
	w.must(err, "claim past open gates")
	if len(got.Asks) != 1 {
		w.t.Fatalf("the claim took %d asks, want 1", len(got.Asks))
	}
	return got
}

const (
	wide   = provider
	submit = provider + "/submit"
	items  = provider + "/items"
)

func gateRefuses(w *world) {
	ref := w.chunk(w.list("P1"))
	w.shut(w.closing(wide, time.Minute))
	_, err := w.tryClaim(ref.ID, wide, submit)
	e := wantError[*store.GateClosedError](w, "claim", err)
	want := store.Gate{
		Scope: wide, Closed: true, Class: providers.RateLimited, Code: "4291", By: "policy",
		Since: w.now(), Until: w.in(time.Minute), Strikes: 1,
	}
	equal(w, "gate in the error", e.Gate, want)
	equal(w, "gate", w.gate(wide), want)
}

func gateScopes(w *world) {
	ref := w.chunk(w.list("P1", "P2", "P3", "P4"))
	w.shut(w.closing(submit, time.Minute))
	w.refused(ref.ID, submit, wide, submit)
	w.passes(ref.ID, wide, items)
	w.shut(w.closing(wide, time.Minute))
	w.refused(ref.ID, wide, wide, items)
	w.refused(ref.ID, wide, wide, submit)
	w.setGates(store.GateChanges{Open: []string{wide}})
	w.refused(ref.ID, submit, wide, submit)
	w.passes(ref.ID, wide, items)
}

func gateOtherProvider(w *world) {
	ref := w.chunk(w.list("P1"))
	w.shut(w.closing("regnum", time.Minute))
	w.shut(w.closing(provider+"2", time.Minute))
	w.passes(ref.ID, wide, submit)
}

func gateByTime(w *world) {
	ref := w.chunk(w.list("P1", "P2"))
	w.shut(w.closing(wide, time.Minute))
	w.pass(time.Minute - time.Millisecond)
	w.refused(ref.ID, wide, wide)
	w.pass(time.Millisecond)
	for range 2 {
		if c := w.passes(ref.ID, wide); c.Probe {
			w.t.Error("a claim is a probe though the gate waits for none")
		}
	}
}

func gateTickets(w *world) {
	w.waiting("T-1", "P1")
	ref := w.due()[0]
	w.shut(w.closing(items, time.Minute))
	r := store.TicketClaim{ID: ref.ID, Owner: worker, Scopes: []string{wide, items}, Until: w.in(time.Minute)}
	_, err := w.s.ClaimTicket(w.ctx, r)
	e := wantError[*store.GateClosedError](w, "claim ticket", err)
	equal(w, "gate in the error", e.Gate.Scope, items)
	equal(w, "still due", w.due(), []store.TicketRef{ref})
	w.pass(time.Minute)
	r.Until = w.in(time.Minute)
	o, err := w.s.ClaimTicket(w.ctx, r)
	w.must(err, "claim ticket")
	equal(w, "taken", o.Lease != 0, true)
}

func gateTakesNothing(w *world) {
	b := w.list("P1")
	ref := w.chunk(b)
	w.shut(w.closing(wide, time.Minute))
	w.refused(ref.ID, wide, wide)
	w.states(b, store.Queued)
	equal(w, "calls", w.calls(), 0)
	equal(w, "chunk", w.chunk(b), ref)
}

func gateClosedTwice(w *world) {
	events := w.shut(w.closing(wide, time.Minute))
	equal(w, "first", events, []store.GateEvent{{Gate: w.gate(wide)}})
	since := w.now()
	w.pass(time.Second)
	equal(w, "second", w.shut(w.closing(wide, time.Minute)), nil)
	g := w.gate(wide)
	equal(w, "since and until", []time.Time{g.Since, g.Until}, []time.Time{since, w.in(time.Minute)})
}

func gateUntilForward(w *world) {
	w.shut(w.closing(wide, time.Hour))
	until := w.in(time.Hour)
	w.shut(w.closing(wide, time.Minute))
	equal(w, "until", w.gate(wide).Until, until)
	w.shut(w.closing(wide, 2*time.Hour))
	equal(w, "until", w.gate(wide).Until, w.in(2*time.Hour))
}

func gateBurst(w *world) {
	ref := w.chunk(w.list("P1", "P2", "P3", "P4", "P5"))
	var burst []store.Claim
	for range 4 {
		burst = append(burst, w.passes(ref.ID, wide, submit))
	}
	refuse := func(c store.Claim, g store.GateClose) []store.GateEvent {
		return w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued}, Gates: store.GateChanges{Close: []store.GateClose{g}}}).Gates
	}
	w.pass(time.Second)
	refuse(burst[0], w.closing(wide, time.Minute))
	until := w.in(time.Minute)
	w.pass(time.Second)
	equal(w, "events of the second", refuse(burst[1], w.closing(wide, time.Hour)), nil)
	equal(w, "until, after the second", w.gate(wide).Until, until)
	told := w.closing(wide, 2*time.Minute)
	told.Told = true
	refuse(burst[2], told)
	equal(w, "until, told by the provider", w.gate(wide).Until, w.in(2*time.Minute))
	equal(w, "events of another reason", len(refuse(burst[3], w.probing(time.Hour))), 1)
	equal(w, "until, for another reason", w.gate(wide).Until, w.in(time.Hour))
	w.setGates(store.GateChanges{Due: []string{wide}})
	late := w.passes(ref.ID, wide, submit)
	w.pass(time.Second)
	refuse(late, w.probing(2*time.Hour))
	equal(w, "until, after the probe", w.gate(wide).Until, w.in(2*time.Hour))
}

func gateOpens(w *world) {
	ref := w.chunk(w.list("P1"))
	equal(w, "opening what was never closed", w.setGates(store.GateChanges{Open: []string{wide}}), nil)
	w.shut(w.closing(wide, time.Minute))
	events := w.setGates(store.GateChanges{Open: []string{wide}})
	equal(w, "events", events, []store.GateEvent{{Gate: w.gate(wide), Opened: true}})
	equal(w, "closed", w.gate(wide).Closed, false)
	equal(w, "opening it again", w.setGates(store.GateChanges{Open: []string{wide}}), nil)
	w.passes(ref.ID, wide)
}

func gateInSettlement(w *world) {
	b := w.list("P1", "P2")
	ref := w.chunk(b)
	first, second := w.passes(ref.ID, wide, submit), w.passes(ref.ID, wide, submit)
	closing := store.GateChanges{Close: []store.GateClose{w.closing(wide, time.Minute)}}
	got := w.settleAll(store.Settlement{Call: first.Call, Rest: &store.Verdict{To: store.Queued}, Gates: closing})
	equal(w, "events of the first", got.Gates, []store.GateEvent{{Gate: w.gate(wide)}})
	got = w.settleAll(store.Settlement{Call: second.Call, Rest: &store.Verdict{To: store.Queued}, Gates: closing})
	equal(w, "events of the second", got.Gates, nil)
	w.refused(ref.ID, wide, wide, submit)
	w.pass(time.Minute)
	third := w.passes(ref.ID, wide, submit)
	found := w.found(0)
	got = w.settleAll(store.Settlement{Call: third.Call, Rest: &found, Gates: store.GateChanges{Open: []string{wide, submit}}})
	equal(w, "events of the third", got.Gates, []store.GateEvent{{Gate: w.gate(wide), Opened: true}})
}

func gateInPoll(w *world) {
	w.waiting("T-1", "P1")
	o := w.poll("T-1")
	s := store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Hold: true, Due: w.in(lease)}
	s.Gates = store.GateChanges{Close: []store.GateClose{w.closing(items, time.Minute)}}
	equal(w, "events of closing", w.settlePoll(s).Gates, []store.GateEvent{{Gate: w.gate(items)}})
	s.Gates = store.GateChanges{Open: []string{items}}
	equal(w, "events of opening", w.settlePoll(s).Gates, []store.GateEvent{{Gate: w.gate(items), Opened: true}})
}

func gateClosedAndOpened(w *world) {
	w.waiting("T-1", "P1")
	o := w.poll("T-1")
	both := store.GateChanges{Close: []store.GateClose{w.closing(wide, time.Minute)}, Open: []string{wide, items}}
	both.Close[0].Strikes = 3
	got := w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Hold: true, Due: w.in(lease), Gates: both})
	g := w.gate(wide)
	equal(w, "events of a poll", got.Gates, []store.GateEvent{{Gate: g}})
	equal(w, "strikes after a poll", g.Strikes, 3)

	w.pass(time.Minute) // it lets everyone pass, and counts as closed
	c := w.passes(w.chunk(w.list("P2", "P3")).ID, wide, submit)
	w.pass(time.Second)
	both.Close[0].Until = w.in(time.Hour)
	got = w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued}, Gates: both})
	equal(w, "events of a call", got.Gates, nil)
	equal(w, "until, after a call", w.gate(wide).Until, w.in(time.Hour))
	equal(w, "closed after a call", w.gate(wide).Closed, true)
}

func gateNoTime(w *world) {
	ref := w.chunk(w.list("P1"))
	g := w.closing(wide, 0)
	g.Until = time.Time{}
	w.shut(g)
	w.pass(1000 * time.Hour)
	w.refused(ref.ID, wide, wide)
	if !w.gate(wide).Shut(w.now()) {
		w.t.Error("the gate calls itself passable")
	}
	w.setGates(store.GateChanges{Open: []string{wide}})
	w.passes(ref.ID, wide)
}

func gateOldSuccess(w *world) {
	ref := w.chunk(w.list("P1", "P2", "P3"))
	early := w.passes(ref.ID, wide, submit)
	w.pass(time.Second)
	w.shut(w.closing(wide, time.Minute))
	found := w.found(0)
	opening := store.GateChanges{Open: []string{wide}}
	got := w.settleAll(store.Settlement{Call: early.Call, Rest: &found, Gates: opening})
	equal(w, "events of the early call", got.Gates, nil)
	w.refused(ref.ID, wide, wide, submit)
	w.pass(time.Minute)
	c := w.passes(ref.ID, wide, submit)
	got = w.settleAll(store.Settlement{Call: c.Call, Rest: &found, Gates: opening})
	equal(w, "events of a later one", got.Gates, []store.GateEvent{{Gate: w.gate(wide), Opened: true}})
}

func gateSince(w *world) {
	since := w.now()
	g := w.closing(wide, time.Minute)
	for i, class := range []providers.Class{providers.Ambiguous, providers.Unavailable, providers.Ambiguous} {
		g.Class, g.Probe, g.Until = class, i == 1, w.in(time.Minute)
		equal(w, "events", len(w.shut(g)), 1)
		equal(w, "class", w.gate(wide).Class, class)
		equal(w, "since", w.gate(wide).Since, since)
		w.pass(time.Second)
	}
	w.setGates(store.GateChanges{Open: []string{wide}})
	w.pass(time.Second)
	w.shut(w.closing(wide, time.Minute))
	equal(w, "since, closed anew", w.gate(wide).Since, w.now())
}

func gateByHand(w *world) {
	ref := w.chunk(w.list("P1", "P2", "P3"))
	under := w.passes(ref.ID, wide, submit)
	w.pass(time.Second)
	hand := store.GateClose{Scope: submit, Code: store.ByHand, By: "key a"}
	equal(w, "events", len(w.shut(hand)), 1)
	equal(w, "events of a second hand", len(w.shut(hand)), 0)
	w.refused(ref.ID, submit, wide, submit)
	at := w.now()

	w.pass(time.Second)
	rest := w.found(0)
	got := w.settleAll(store.Settlement{Call: under.Call, Rest: &rest, Gates: store.GateChanges{Open: []string{submit}}})
	equal(w, "events of a success", len(got.Gates), 0)
	equal(w, "events of a refusal", len(w.shut(w.closing(submit, time.Minute))), 0)
	w.setGates(store.GateChanges{Due: []string{submit}})
	w.pass(time.Hour)
	w.refused(ref.ID, submit, wide, submit)
	g := w.gate(submit)
	equal(w, "gate", g, store.Gate{Scope: submit, Closed: true, Code: store.ByHand, By: "key a", Since: at})
	equal(w, "reason", g.Reason(), store.ByHand)
	equal(w, "events of a person", len(w.setGates(store.GateChanges{Open: []string{submit}, By: "key b"})), 1)
	w.passes(ref.ID, wide, submit)

	w.shut(w.closing(wide, time.Minute))
	equal(w, "events of a hand on a closed gate", len(w.shut(store.GateClose{Scope: wide, Code: store.ByHand})), 1)
	w.pass(time.Hour)
	w.refused(ref.ID, wide, wide, submit)
}

func gateSurvives(w *world) {
	ref := w.chunk(w.list("P1"))
	w.shut(w.closing(wide, time.Minute))
	g := w.gate(wide)
	w.reopen()
	equal(w, "gate", w.gate(wide), g)
	w.refused(ref.ID, wide, wide)
}
