package storetest

import (
	"fmt"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var serviceRules = []rule{
	{"a closed part of the service holds its asks back, and no others", serviceHolds},
	{"an ask says for which part it is", serviceOfAsk},
	{"another endpoint's part closes nothing here", serviceElsewhere},
	{"the probe of a part is one ask of it, before all others", serviceProbe},
	{"a probe of a part that came through opens it", serviceOpens},
	{"a chunk that is all behind shut parts is not offered", serviceNotOffered},
	{"it is offered again when one of them is open", serviceOfferedAgain},
	{"what comes back to such a chunk is offered", serviceRequeued},
	{"what waits for its time is not offered because parts are shut", serviceRetry},
	{"asks behind a long shut part are found", serviceSearch},
	{"a batch tells which parts hold it up", serviceBehind},
	{"parts of the service outlive a restart", serviceSurvives},
}

// parts submits a list of plates, each for the part of the service that stands
// before it: "311 P1".
func (w *world) parts(list ...string) store.BatchNo {
	w.t.Helper()
	var all []store.NewRow
	for _, text := range list {
		var part, plate string
		if _, err := fmt.Sscan(text, &part, &plate); err != nil {
			w.t.Fatal(err)
		}
		r := rows(plate)[0]
		if r.Service = part; part == "-" {
			r.Service = ""
		}
		all = append(all, r)
	}
	return w.submit(plain(), all)
}

// circuit closes a part of the service until a probe passes.
func (w *world) circuit(part string, d time.Duration) {
	w.t.Helper()
	w.shut(store.GateClose{Scope: submit + "/" + part, Class: providers.Unavailable, Code: "no_connection", By: "policy",
		Until: w.in(d), Probe: true, Strikes: 5})
}

// offered offers chunks behind the gate of paid calls.
func (w *world) offered(b store.BatchNo, size, limit int) []store.ChunkRef {
	w.t.Helper()
	refs, err := w.s.Offer(w.ctx, store.OfferRequest{Batch: b, Size: size, Limit: limit, Scope: submit})
	w.must(err, "offer chunks")
	return refs
}

func serviceHolds(w *world) {
	b := w.parts("311 P1", "999 P2", "311 P3", "- P4", "312 P5")
	ref := w.chunk(b)
	w.circuit("311", time.Minute)
	c := w.take(ref.ID)
	equal(w, "taken", plates(c), []string{"P2", "P4", "P5"})
	equal(w, "the claim is a probe", c.Probe, false)
	equal(w, "left", c.Left, 2)
	again := w.take(ref.ID)
	equal(w, "taken then", plates(again), []string{})
	equal(w, "calls", w.calls(), 1)
	w.states(b, store.Queued, store.Sending, store.Queued, store.Sending, store.Sending)
	w.setGates(store.GateChanges{Open: []string{submit + "/311"}})
	equal(w, "taken when it is open", plates(w.take(ref.ID)), []string{"P1", "P3"})
}

func serviceOfAsk(w *world) {
	c := w.claim(w.parts("311 P1", "- P2"))
	equal(w, "parts", []string{c.Asks[0].Service, c.Asks[1].Service}, []string{"311", ""})
}

func serviceElsewhere(w *world) {
	ref := w.chunk(w.parts("311 P1", "311 P2"))
	for _, scope := range []string{items + "/311", submit + "2/311", submit + "/31", submit + "/3111", "regnum/submit/311"} {
		w.shut(store.GateClose{Scope: scope, Class: providers.Unavailable, By: "policy", Until: w.in(time.Minute), Probe: true})
	}
	equal(w, "taken", plates(w.take(ref.ID)), []string{"P1", "P2"})
}

func serviceProbe(w *world) {
	b := w.parts("999 P1", "311 P2", "311 P3", "312 P4")
	ref := w.chunk(b)
	w.circuit("311", time.Minute)
	w.circuit("312", time.Hour)
	w.pass(time.Minute)
	probe := w.take(ref.ID)
	equal(w, "taken by the probe", plates(probe), []string{"P2"})
	equal(w, "it probes", probe.Probes, []string{submit + "/311"})
	equal(w, "it is a probe", probe.Probe, true)
	c := w.take(ref.ID)
	equal(w, "taken while it is out", plates(c), []string{"P1"})
	equal(w, "that is a probe", c.Probe, false)
	equal(w, "that probes", len(c.Probes), 0)
}

func serviceOpens(w *world) {
	ref := w.chunk(w.parts("311 P1", "311 P2", "311 P3"))
	w.circuit("311", time.Minute)
	w.pass(time.Minute)
	probe := w.take(ref.ID)
	again := store.GateClose{Scope: submit + "/311", Class: providers.Unavailable, By: "policy", Until: w.in(2 * time.Second), Probe: true, Strikes: 6}
	w.settleAll(store.Settlement{Call: probe.Call, Rest: &store.Verdict{To: store.Queued}, Gates: store.GateChanges{Close: []store.GateClose{again}}})
	equal(w, "taken after a probe that failed", plates(w.take(ref.ID)), []string{})
	w.pass(2 * time.Second)
	probe = w.take(ref.ID)
	equal(w, "taken by the next probe", plates(probe), []string{"P1"})
	found := w.found(0)
	got := w.settleAll(store.Settlement{Call: probe.Call, Rest: &found, Gates: store.GateChanges{Open: []string{wide, submit, submit + "/311"}}})
	equal(w, "events", got.Gates, []store.GateEvent{{Gate: w.gate(submit + "/311"), Opened: true}})
	equal(w, "taken then", plates(w.take(ref.ID)), []string{"P2", "P3"})
}

func serviceNotOffered(w *world) {
	b := w.parts("311 P1", "311 P2", "311 P3", "999 P4", "312 P5", "311 P6")
	w.circuit("311", time.Minute)
	w.circuit("312", time.Hour)
	refs := w.offered(b, 2, 10)
	equal(w, "chunks", len(refs), 1)
	equal(w, "taken of it", plates(w.take(refs[0].ID)), []string{"P4"})
	for range 2 { // the second time it is known
		equal(w, "chunks then", w.offered(b, 2, 10), nil)
	}
	all, err := w.s.Offer(w.ctx, store.OfferRequest{Batch: b, Size: 2, Limit: 10})
	w.must(err, "offer chunks")
	equal(w, "chunks, asked without a scope", len(all), 3)
}

func serviceOfferedAgain(w *world) {
	b := w.parts("311 P1", "312 P2", "311 P3", "311 P4")
	w.circuit("311", time.Minute)
	w.circuit("312", time.Hour)
	equal(w, "chunks", w.offered(b, 2, 10), nil)
	w.pass(time.Minute)
	equal(w, "chunks when a probe is due", len(w.offered(b, 2, 10)), 2)
	w.circuit("311", time.Minute)
	equal(w, "chunks when it is closed again", w.offered(b, 2, 10), nil)
	w.setGates(store.GateChanges{Open: []string{submit + "/312"}})
	refs := w.offered(b, 2, 10)
	equal(w, "chunks when a person opened the other", len(refs), 1)
	equal(w, "taken", plates(w.take(refs[0].ID)), []string{"P2"})
}

func serviceRequeued(w *world) {
	b := w.parts("311 P1", "999 P2")
	w.circuit("311", time.Minute)
	c := w.take(w.offered(b, 2, 1)[0].ID)
	equal(w, "chunks", w.offered(b, 2, 1), nil)
	w.settleRest(c, store.Verdict{To: store.Queued})
	equal(w, "chunks when the other came back", len(w.offered(b, 2, 1)), 1)
}

func serviceRetry(w *world) {
	b := w.parts("311 P1", "999 P2")
	w.circuit("311", time.Hour)
	c := w.take(w.offered(b, 2, 1)[0].ID)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued, Counted: true}, Ready: w.in(time.Minute)})
	equal(w, "chunks while it waits", w.offered(b, 2, 1), nil)
	w.pass(time.Minute)
	equal(w, "chunks after", len(w.offered(b, 2, 1)), 1)
}

func serviceSearch(w *world) {
	var list []string
	for i := range 130 {
		list = append(list, fmt.Sprintf("311 P%d", i))
	}
	b := w.parts(append(list, "999 LAST")...)
	w.circuit("311", time.Minute)
	refs := w.offered(b, 1, 1)
	equal(w, "chunks", len(refs), 1)
	equal(w, "taken", plates(w.take(refs[0].ID)), []string{"LAST"})
}

func serviceBehind(w *world) {
	b := w.parts("311 P1", "312 P2", "311 P3", "999 P4")
	behind := func(what string, want ...string) {
		w.t.Helper()
		got, err := w.s.Behind(w.ctx, b)
		w.must(err, "read what a batch is behind")
		equal(w, what, append([]string{}, got...), append([]string{}, want...))
	}
	w.circuit("311", time.Minute)
	w.circuit("312", time.Minute)
	behind("before it is offered")
	refs := w.offered(b, 2, 10)
	behind("while another goes on")
	w.take(refs[0].ID)
	w.offered(b, 2, 10)
	behind("when nothing goes on", "311", "312")
	w.setGates(store.GateChanges{Open: []string{submit + "/311", submit + "/312"}})
	for _, ref := range w.offered(b, 2, 10) {
		w.take(ref.ID)
	}
	behind("when nothing is queued")
}

func serviceSurvives(w *world) {
	b := w.parts("311 P1", "999 P2")
	w.circuit("311", time.Minute)
	w.reopen()
	c := w.take(w.offered(b, 2, 1)[0].ID)
	equal(w, "taken", plates(c), []string{"P2"})
	equal(w, "chunks", w.offered(b, 2, 1), nil)
	w.reopen()
	equal(w, "chunks after a restart", w.offered(b, 2, 1), nil)
	w.pass(time.Minute)
	equal(w, "chunks when a probe is due", len(w.offered(b, 2, 1)), 1)
}
