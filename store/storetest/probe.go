package storetest

import (
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var probeRules = []rule{
	{"a gate that waits for a probe lets one pass at its time", probeOne},
	{"a probe that came through opens the gate to all", probeOpens},
	{"a probe that was refused may set the time anew", probeRefused},
	{"a call that was no probe does not", probeOther},
	{"a success of another call does not open a gate that waits for a probe", probeNotOpened},
	{"a probe that died frees the gate after its time", probeDies},
	{"a probe that was not sent leaves its gate to the next", probeUnsent},
	{"a probe outlives a restart", probeSurvives},
	{"a claim that takes nothing uses up no probe", probeUnused},
	{"a claim that another gate refuses uses up no probe", probeBlocked},
	{"the probe of an open circuit carries one ask", probeCircuit},
	{"of look-ups that would go out together one is the probe", probeLookups},
	{"a poll may be the probe", probePoll},
	{"a gate that is made due lets its probe pass now", probeDue},
	{"a probe without a time passes when the gate is made due", probeNoTime},
}

// probing is the wide gate closed until a probe passes.
func (w *world) probing(d time.Duration) store.GateClose {
	return store.GateClose{Scope: wide, Class: providers.OutOfCredit, Code: "5003", By: "policy", Until: w.in(d), Probe: true, Strikes: 1}
}

// probe shuts the wide gate, waits for its time and claims the probe.
func (w *world) probe(chunk store.ChunkID) store.Claim {
	w.t.Helper()
	w.shut(w.probing(time.Minute))
	w.pass(time.Minute)
	c := w.passes(chunk, wide, submit)
	equal(w, "the claim is a probe", c.Probe, true)
	return c
}

func probeOne(w *world) {
	ref := w.chunk(w.list("P1", "P2"))
	w.shut(w.probing(time.Minute))
	w.pass(time.Minute - time.Millisecond)
	w.refused(ref.ID, wide, wide, submit)
	w.pass(time.Millisecond)
	c := w.passes(ref.ID, wide, submit)
	equal(w, "the claim is a probe", c.Probe, true)
	g := w.gate(wide)
	equal(w, "closed", g.Closed, true)
	if !g.ProbeUntil.After(w.now()) {
		w.t.Errorf("the probe is out until %v, want a later time", g.ProbeUntil)
	}
	w.refused(ref.ID, wide, wide, submit)
}

func probeOpens(w *world) {
	ref := w.chunk(w.list("P1", "P2", "P3"))
	c := w.probe(ref.ID)
	found := w.found(0)
	got := w.settleAll(store.Settlement{Call: c.Call, Rest: &found, Gates: store.GateChanges{Open: []string{wide}}})
	equal(w, "events", got.Gates, []store.GateEvent{{Gate: w.gate(wide), Opened: true}})
	for range 2 {
		equal(w, "a later claim is a probe", w.passes(ref.ID, wide, submit).Probe, false)
	}
}

func probeRefused(w *world) {
	ref := w.chunk(w.list("P1", "P2"))
	c := w.probe(ref.ID)
	again := w.probing(30 * time.Second) // sooner than the probe could have run
	again.Strikes = 2
	got := w.settleAll(store.Settlement{
		Call: c.Call, Rest: &store.Verdict{To: store.Queued}, Gates: store.GateChanges{Close: []store.GateClose{again}},
	})
	equal(w, "events", got.Gates, nil)
	g := w.gate(wide)
	equal(w, "until", g.Until, w.in(30*time.Second))
	equal(w, "strikes", g.Strikes, 2)
	equal(w, "a probe is out", g.ProbeUntil.IsZero(), true)
	w.refused(ref.ID, wide, wide, submit)
	w.pass(30 * time.Second)
	equal(w, "the next claim is a probe", w.passes(ref.ID, wide, submit).Probe, true)
}

func probeOther(w *world) {
	ref := w.chunk(w.list("P1", "P2"))
	early := w.passes(ref.ID, wide, submit)
	w.shut(w.probing(time.Hour))
	w.settleAll(store.Settlement{
		Call: early.Call, Rest: &store.Verdict{To: store.Queued},
		Gates: store.GateChanges{Close: []store.GateClose{w.probing(time.Minute)}},
	})
	equal(w, "until", w.gate(wide).Until, w.in(time.Hour))
}

func probeNotOpened(w *world) {
	ref := w.chunk(w.list("P1", "P2", "P3"))
	early := w.passes(ref.ID, wide, submit)
	w.probe(ref.ID)
	found := w.found(0)
	got := w.settleAll(store.Settlement{Call: early.Call, Rest: &found, Gates: store.GateChanges{Open: []string{wide}}})
	equal(w, "events", got.Gates, nil)
	w.refused(ref.ID, wide, wide, submit)
	equal(w, "events of a person", len(w.setGates(store.GateChanges{Open: []string{wide}})), 1)
	equal(w, "a later claim is a probe", w.passes(ref.ID, wide, submit).Probe, false)
}

func probeDies(w *world) {
	ref := w.chunk(w.list("P1", "P2"))
	w.probe(ref.ID)
	until := w.gate(wide).ProbeUntil
	w.pass(until.Sub(w.now()) - time.Millisecond)
	w.refused(ref.ID, wide, wide, submit)
	w.pass(time.Millisecond)
	equal(w, "the next claim is a probe", w.passes(ref.ID, wide, submit).Probe, true)
	w.refused(ref.ID, wide, wide, submit)
}

func probeUnsent(w *world) {
	ref := w.chunk(w.list("P1", "P2", "P3"))
	other := w.passes(ref.ID, wide, submit)
	c := w.probe(ref.ID)
	unsent := queued(0)
	unsent.Unsent = true
	w.settleRest(other, unsent)
	w.refused(ref.ID, wide, wide, submit)
	w.settleRest(c, unsent)
	g := w.gate(wide)
	equal(w, "the gate is closed", g.Closed, true)
	equal(w, "no probe is out", g.ProbeUntil.IsZero(), true)
	c = w.passes(ref.ID, wide, submit)
	equal(w, "the next claim is a probe", c.Probe, true)
	w.refused(ref.ID, wide, wide, submit)
	w.settleRest(c, queued(0)) // a request was made, and says nothing about the gate
	w.refused(ref.ID, wide, wide, submit)
}

func probeSurvives(w *world) {
	ref := w.chunk(w.list("P1", "P2"))
	c := w.probe(ref.ID)
	w.reopen()
	w.refused(ref.ID, wide, wide, submit)
	again := w.probing(time.Second)
	w.settleAll(store.Settlement{
		Call: c.Call, Rest: &store.Verdict{To: store.Queued}, Gates: store.GateChanges{Close: []store.GateClose{again}},
	})
	equal(w, "until", w.gate(wide).Until, w.in(time.Second))
}

func probeUnused(w *world) {
	empty, full := w.chunk(w.list("P1")), w.chunk(w.list("P2"))
	w.settleRest(w.take(empty.ID), w.found(0))
	w.shut(w.probing(time.Minute))
	w.pass(time.Minute)
	c, err := w.tryClaim(empty.ID, wide, submit)
	w.must(err, "claim of an answered chunk")
	equal(w, "asks", plates(c), nil)
	equal(w, "the next claim is a probe", w.passes(full.ID, wide, submit).Probe, true)
}

func probeBlocked(w *world) {
	ref := w.chunk(w.list("P1"))
	w.shut(w.probing(time.Minute))
	w.shut(w.closing(submit, time.Hour))
	w.pass(time.Minute)
	w.refused(ref.ID, submit, wide, submit)
	equal(w, "the next claim is a probe", w.passes(ref.ID, wide, items).Probe, true)
}

func probeCircuit(w *world) {
	for class, want := range map[providers.Class]int{
		providers.Unavailable: 1, providers.Ambiguous: 1, providers.OutOfCredit: 3, providers.RateLimited: 3,
	} {
		p := class.String()
		b := w.list(p+" 1", p+" 2", p+" 3")
		g := w.probing(time.Minute)
		g.Class = class
		w.shut(g)
		w.pass(time.Minute)
		c := w.take(w.chunk(b).ID)
		equal(w, "the claim is a probe", c.Probe, true)
		equal(w, "asks of a probe of "+p, len(c.Asks), want)
		equal(w, "left", c.Left, 3-want)
		found := w.found(0)
		w.settleAll(store.Settlement{Call: c.Call, Rest: &found, Gates: store.GateChanges{Open: []string{wide}}})
		equal(w, "asks left for "+p, len(w.take(w.chunkOr(b, c)).Asks), 3-want)
	}
}

// chunkOr returns the chunk that the batch offers, that of the claim if none.
func (w *world) chunkOr(b store.BatchNo, c store.Claim) store.ChunkID {
	w.t.Helper()
	if refs := w.offer(b, 1000); len(refs) > 0 {
		return refs[0].ID
	}
	return c.Asks[0].ID
}

func probeLookups(w *world) {
	ref := w.chunk(w.list("P1", "P2", "P3"))
	w.shut(w.probing(time.Minute))
	w.pass(time.Minute)
	c := w.lookups(ref.ID)
	equal(w, "the claim is a probe", c.Probe, true)
	equal(w, "asks", len(c.Asks), 1)
}

func probePoll(w *world) {
	w.waiting("T-1", "P1")
	w.waiting("T-2", "P2")
	w.shut(w.probing(time.Minute))
	w.pass(time.Minute)
	refs := w.due()
	o := w.takeTicket(refs[0].ID)
	equal(w, "the poll is a probe", o.Probe, true)
	_, err := w.s.ClaimTicket(w.ctx, store.TicketClaim{ID: refs[1].ID, Owner: worker, Scopes: []string{wide}, Until: w.in(lease)})
	refuses[*store.GateClosedError](w, "claim the other ticket", err)
	got := w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.in(time.Minute),
		Gates: store.GateChanges{Close: []store.GateClose{w.probing(time.Second)}},
	})
	equal(w, "events", got.Gates, nil)
	equal(w, "until", w.gate(wide).Until, w.in(time.Second))
	w.pass(time.Second)
	equal(w, "the next poll is a probe", w.takeTicket(refs[1].ID).Probe, true)
}

func probeDue(w *world) {
	ref := w.chunk(w.list("P1", "P2"))
	w.shut(w.probing(time.Hour))
	w.shut(w.closing(submit, time.Minute))
	w.setGates(store.GateChanges{Due: []string{wide, submit, items}})
	w.refused(ref.ID, submit, wide, submit)
	equal(w, "the next claim is a probe", w.passes(ref.ID, wide).Probe, true)
	w.refused(ref.ID, wide, wide)
}

func probeNoTime(w *world) {
	ref := w.chunk(w.list("P1", "P2"))
	g := w.probing(0)
	g.Until = time.Time{}
	w.shut(g)
	w.pass(time.Hour)
	w.refused(ref.ID, wide, wide)
	w.setGates(store.GateChanges{Due: []string{wide}})
	equal(w, "the next claim is a probe", w.passes(ref.ID, wide).Probe, true)
	w.refused(ref.ID, wide, wide)
}
