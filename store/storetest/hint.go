package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var hintRules = []rule{
	{"a hint makes its ticket due now", hintNow},
	{"a ticket that was just polled is due a pause after that", hintPause},
	{"a hint never makes a ticket wait longer", hintSooner},
	{"many hints between two passes make one", hintStorm},
	{"many hints at once leave one effect", hintParallel},
	{"a hint during a pass makes the ticket due soon after it", hintDuring},
	{"a hint during a pass of several pages is not lost", hintDuringPages},
	{"a hint before a pass does not make it due after that", hintBefore},
	{"a hint about a ticket that is closed changes nothing", hintClosed},
	{"a hint about a ticket that is late makes it due", hintLate},
	{"the first name that is known counts", hintOrder},
	{"a hint is about tickets of its own provider", hintProvider},
	{"a hint that names no ticket finds it by its subject", hintSubject},
	{"a hint that names a ticket is not about another one with its subject", hintSubjectNot},
	{"a ticket is found by the names that a poll brought", hintNames},
	{"names end with their ticket", hintNamesEnd},
	{"names are not kept while no hint needs any", hintNamesUnneeded},
	{"a ticket tells of hints when it is taken", hintTold},
	{"hints outlive a restart", hintSurvives},
}

// every is the shortest pause between two passes.
const every = 15 * time.Second

// hint says that there is news of whatever these hints name.
func (w *world) hint(hints ...providers.Hint) store.Hinted {
	w.t.Helper()
	got, err := w.s.Hint(w.ctx, store.HintRequest{Provider: provider, Hints: hints, Every: every})
	w.must(err, "hint")
	return got
}

func of(ticket string) providers.Hint { return providers.Hint{Ticket: ticket} }

func named(record string) providers.Hint { return providers.Hint{Record: record} }

func about(ticket, plate string) providers.Hint {
	return providers.Hint{Ticket: ticket, Subject: providers.Subject{providers.Plate: plate}}
}

// waitingFor is a list whose asks wait on a ticket that is due in an hour.
func (w *world) waitingFor(id string, plates ...string) {
	w.t.Helper()
	w.ticketed(w.claim(w.list(plates...)), id, time.Hour)
}

// polled ends a pass without news; the ticket is due in an hour, or in a
// minute if a hint came meanwhile.
func (w *world) polled(o store.OpenTicket, names ...string) {
	w.t.Helper()
	w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.in(time.Hour), Prompt: w.in(time.Minute), Interval: time.Hour, Names: names,
	})
}

func (w *world) nextDue() time.Time {
	w.t.Helper()
	next, err := w.s.NextDue(w.ctx, provider, time.Time{})
	w.must(err, "read next due time")
	return next
}

func hintNow(w *world) {
	w.waitingFor("T-1", "P1")
	w.waitingFor("T-2", "P2")
	got := w.hint(of("T-2"))
	refs := w.due()
	equal(w, "due", len(refs), 1)
	equal(w, "hinted", got, store.Hinted{Ticket: refs[0].ID, Due: w.now(), New: true})
	equal(w, "hinted again", w.hint(of("T-2")), store.Hinted{Ticket: refs[0].ID, Due: w.now()})
	equal(w, "ticket", w.takeTicket(refs[0].ID).Handle.ID, "T-2")
}

func hintPause(w *world) {
	w.waiting("T-1", "P1")
	taken := w.now()
	w.polled(w.poll("T-1"))
	w.pass(5 * time.Second)
	equal(w, "due", w.hint(of("T-1")).Due, taken.Add(every))
	equal(w, "due at once", w.due(), nil)
	w.pass(10 * time.Second)
	equal(w, "due after the pause", len(w.due()), 1)
}

func hintSooner(w *world) {
	w.waiting("T-1", "P1")
	w.release(w.poll("T-1")) // due at once
	equal(w, "due", w.hint(of("T-1")).Due, w.now())
	equal(w, "tickets due", len(w.due()), 1)
}

func hintStorm(w *world) {
	w.waitingFor("T-1", "P1")
	passes := 0
	for range 60 { // a minute, five hints a second
		for range 5 {
			w.hint(of("T-1"))
		}
		if len(w.due()) > 0 {
			w.polled(w.poll("T-1"))
			passes++
		}
		w.pass(time.Second)
	}
	equal(w, "passes", passes, 4)
}

func hintParallel(w *world) {
	w.waitingFor("T-1", "P1")
	var g sync.WaitGroup
	for range 20 {
		g.Go(func() {
			for range 10 {
				if _, err := w.s.Hint(w.ctx, store.HintRequest{Provider: provider, Hints: []providers.Hint{of("T-1")}, Every: every}); err != nil {
					w.t.Errorf("hint: %v", err)
				}
			}
		})
	}
	g.Wait()
	equal(w, "due", len(w.due()), 1)
	w.pass(time.Millisecond)
	w.polled(w.poll("T-1"))
	equal(w, "next", w.nextDue(), w.in(time.Hour))
}

func hintDuring(w *world) {
	w.waiting("T-1", "P1")
	o := w.poll("T-1")
	w.pass(time.Second)
	w.hint(of("T-1"))
	equal(w, "due while it is polled", w.due(), nil)
	w.polled(o)
	equal(w, "next", w.nextDue(), w.in(time.Minute))

	w.pass(time.Minute)
	o = w.poll("T-1")
	equal(w, "hinted", o.Hinted, true)
	w.pass(time.Second)
	w.hint(of("T-1"))
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.in(time.Hour), Interval: time.Hour})
	equal(w, "next where hints change nothing", w.nextDue(), w.in(time.Hour))
	w.pass(time.Hour)
	o = w.poll("T-1")
	w.hint(of("T-1"))
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.in(time.Second), Prompt: w.in(time.Minute), Interval: time.Hour})
	equal(w, "next where it is due sooner", w.nextDue(), w.in(time.Second))
}

func hintDuringPages(w *world) {
	w.waiting("T-1", "P1", "P2")
	o := w.poll("T-1")
	w.pass(time.Second)
	w.hint(of("T-1"))
	w.pass(time.Second)
	w.hold(o)
	w.pass(time.Second)
	w.polled(o)
	equal(w, "next", w.nextDue(), w.in(time.Minute))
}

func hintBefore(w *world) {
	w.waitingFor("T-1", "P1")
	w.hint(of("T-1"))
	w.pass(time.Second)
	w.polled(w.poll("T-1"))
	equal(w, "next", w.nextDue(), w.in(time.Hour))
}

func hintClosed(w *world) {
	b := w.waiting("T-1", "P1")
	o := w.poll("T-1")
	w.settleTicket(o, w.found(o.Asks[0].ID))
	equal(w, "hinted", w.hint(of("T-1")), store.Hinted{Ticket: o.ID})
	equal(w, "next", w.nextDue().IsZero(), true)
	equal(w, "orphans", w.orphans(), nil)
	w.states(b, store.Found)
}

func hintLate(w *world) {
	b := w.timedOut("P1") // its ticket is due in an hour
	w.pass(time.Minute)
	w.hint(of("T-1"))
	o := w.poll("T-1")
	equal(w, "late", o.Late, true)
	w.settleTicket(o, w.found(o.Asks[0].ID))
	w.states(b, store.Found)
}

func hintOrder(w *world) {
	w.waitingFor("T-1", "P1")
	w.waitingFor("T-2", "P2")
	w.hint(providers.Hint{Ticket: "T-9", Record: "r-9"}, named("T-2"), of("T-1"))
	equal(w, "due", len(w.due()), 1)
	equal(w, "ticket", w.takeTicket(w.due()[0].ID).Handle.ID, "T-2")
}

func hintProvider(w *world) {
	w.waitingFor("T-1", "P1")
	nb := plain()
	nb.Provider = "spectrumdata"
	w.ticketed(w.claim(w.submit(nb, rows("P1"))), "T-1", time.Hour)
	w.hint(of("T-1"))
	equal(w, "due", len(w.due()), 1)
	refs, err := w.s.DueTickets(w.ctx, "spectrumdata", 10)
	w.must(err, "list due tickets")
	equal(w, "due of the other", refs, nil)
}

func hintSubject(w *world) {
	w.waitingFor("T-1", "P1", "P2")
	w.waitingFor("T-2", "P3", "P4")
	w.list("P5")
	equal(w, "about an ask that does not wait", w.hint(about("", "P5")).Ticket, 0)
	equal(w, "about one that nobody asked", w.hint(about("", "P6")).Ticket, 0)
	equal(w, "due", w.due(), nil)
	w.hint(named("r-1"), about("", "P4"))
	equal(w, "due", len(w.due()), 1)
	o := w.takeTicket(w.due()[0].ID)
	equal(w, "ticket", o.Handle.ID, "T-2")
	w.settleTicket(o, w.found(w.ask(store.Claim{Asks: o.Asks}, "P4")))
	w.pass(every)
	equal(w, "about an ask that is answered", w.hint(about("", "P4")).Ticket, 0)
}

func hintSubjectNot(w *world) {
	w.waitingFor("T-1", "P1")
	equal(w, "hinted", w.hint(about("T-9", "P1")), store.Hinted{})
	equal(w, "due", w.due(), nil)
	equal(w, "orphans", len(w.orphans()), 1)
}

func hintNames(w *world) {
	w.waiting("T-1", "P1")
	w.waiting("T-2", "P2")
	w.hint(named("r-0")) // somebody needs names
	w.polled(w.poll("T-1"), "r-1", "r-2")
	w.polled(w.poll("T-2"), "r-3", "r-2") // r-2 is taken
	w.pass(time.Minute)
	for record, ticket := range map[string]string{"r-1": "T-1", "r-2": "T-1", "r-3": "T-2"} {
		w.hint(named(record))
		w.pass(time.Second)
		equal(w, "due by "+record, len(w.due()), 1)
		o := w.takeTicket(w.due()[0].ID)
		equal(w, "ticket of "+record, o.Handle.ID, ticket)
		w.polled(o)
		w.pass(time.Minute)
	}
	equal(w, "orphans", len(w.orphans()), 1)
}

func hintNamesEnd(w *world) {
	w.waiting("T-1", "P1")
	w.waiting("T-2", "P2")
	w.hint(named("r-0"))
	w.polled(w.poll("T-1"), "r-1")
	w.polled(w.poll("T-2"), "r-2")
	w.pass(time.Hour)
	o := w.poll("T-1")
	w.settleTicket(o, w.found(o.Asks[0].ID))
	equal(w, "by the name of a ticket that is closed", w.hint(named("r-1")).Ticket, 0)
	equal(w, "by that of another", w.hint(named("r-2")).Ticket != 0, true)
}

func hintNamesUnneeded(w *world) {
	w.waiting("T-1", "P1")
	w.polled(w.poll("T-1"), "r-1")
	equal(w, "by a name", w.hint(named("r-1")).Ticket, 0)
	w.pass(time.Hour)
	w.polled(w.poll("T-1"), "r-1", "r-2") // which matches that hint
	equal(w, "orphans", w.orphans(), nil)
	w.pass(time.Hour)
	w.polled(w.poll("T-1"), "r-3") // names go on to be needed
	for _, record := range []string{"r-1", "r-2", "r-3"} {
		equal(w, "by "+record+" now", w.hint(named(record)).Ticket != 0, true)
	}
}

func hintTold(w *world) {
	w.waitingFor("T-1", "P1")
	w.waitingFor("T-2", "P2")
	w.pass(time.Hour)
	o := w.poll("T-1")
	equal(w, "before any hint", []bool{o.Hinted, o.Heard.IsZero()}, []bool{false, true})
	w.polled(o)
	w.pass(time.Minute)
	w.hint(of("T-1"))
	at := w.now()
	w.pass(time.Second)
	o = w.poll("T-2")
	equal(w, "of another ticket", []bool{o.Hinted, o.Heard.Equal(at)}, []bool{false, true})
	w.polled(o)
	o = w.poll("T-1")
	equal(w, "of the ticket", []bool{o.Hinted, o.Heard.Equal(at)}, []bool{true, true})
	w.polled(o)
	w.pass(time.Hour)
	o = w.poll("T-1")
	equal(w, "an hour later", []bool{o.Hinted, o.Heard.Equal(at)}, []bool{false, true})
}

func hintSurvives(w *world) {
	w.waitingFor("T-1", "P1")
	w.hint(named("r-1"), about("", "P7"))
	kept := w.orphans()
	w.hint(of("T-1"))
	w.reopen()
	equal(w, "due", len(w.due()), 1)
	equal(w, "hinted", w.poll("T-1").Hinted, true)
	equal(w, "orphans", w.orphans(), kept)
}

var orphanRules = []rule{
	{"a hint that comes before its ticket makes that due when it comes", orphanMatched},
	{"a ticket and its hint that come at once find each other", orphanRace},
	{"a hint about nothing that is known is kept with what it said, once", orphanKept},
	{"a hint that nothing matches is kept for a day", orphanDropped},
	{"a hint that comes by a name during a pass makes the ticket due soon after it", orphanNamed},
}

func (w *world) orphans() []store.Orphan {
	w.t.Helper()
	all, err := w.s.Orphans(w.ctx)
	w.must(err, "list orphans")
	return all
}

func orphanMatched(w *world) {
	c := w.claim(w.list("P1"))
	other := w.claim(w.list("P2"))
	equal(w, "hinted", w.hint(providers.Hint{Ticket: "T-1", Record: "r-1"}, named("q-1")), store.Hinted{})
	w.hint(providers.Hint{Ticket: "T-1", Record: "r-2"})
	w.pass(time.Second)
	w.ticketed(other, "T-2", time.Hour)
	equal(w, "due before it comes", w.due(), nil)
	w.ticketed(c, "T-1", time.Hour)
	equal(w, "due", len(w.due()), 1)
	equal(w, "orphans", w.orphans(), nil)
	o := w.poll("T-1")
	equal(w, "hinted", o.Hinted, true)
	w.polled(o)
	equal(w, "next", w.nextDue().After(w.in(time.Minute)), true)
}

func orphanRace(w *world) {
	for i := range 30 {
		id := fmt.Sprintf("T-%d", i)
		c := w.claim(w.list(fmt.Sprintf("P%d", i)))
		var g sync.WaitGroup
		g.Go(func() { w.ticketed(c, id, time.Hour) })
		g.Go(func() {
			if _, err := w.s.Hint(w.ctx, store.HintRequest{Provider: provider, Hints: []providers.Hint{of(id)}, Every: every}); err != nil {
				w.t.Errorf("hint: %v", err)
			}
		})
		g.Wait()
		equal(w, "due", len(w.due()), 1)
		equal(w, "orphans", len(w.orphans()), 0)
		w.polled(w.poll(id))
	}
}

func orphanKept(w *world) {
	first := []providers.Hint{{Ticket: "T-1", Record: "r-1", Subject: providers.Subject{providers.Plate: "P1"}, Signed: "raw"}, {Record: "q-1", Signed: "raw"}}
	second := []providers.Hint{{Subject: providers.Subject{providers.Plate: "P1"}}}
	at := w.now()
	w.hint(first...)
	w.pass(time.Second)
	w.hint(first...)
	w.hint(second...)
	w.hint(second...)
	want := []store.Orphan{{Provider: provider, At: at, Hints: first}, {Provider: provider, At: w.now(), Hints: second}}
	equal(w, "orphans", w.orphans(), want)
	_, err := w.s.Hint(w.ctx, store.HintRequest{Provider: "spectrumdata", Hints: second, Every: every})
	w.must(err, "hint")
	equal(w, "with another provider's", len(w.orphans()), 3)
}

func orphanDropped(w *world) {
	w.hint(of("T-1"))
	w.pass(time.Hour)
	w.hint(of("T-2"))
	w.pass(23*time.Hour - time.Millisecond)
	drop := func() int {
		n, err := w.s.DropOrphans(w.ctx)
		w.must(err, "drop orphans")
		return n
	}
	equal(w, "dropped before a day is over", drop(), 0)
	w.pass(time.Millisecond)
	equal(w, "dropped", drop(), 1)
	equal(w, "left", len(w.orphans()), 1)
	w.ticketed(w.claim(w.list("P1")), "T-1", time.Hour)
	equal(w, "due", w.due(), nil)
	w.ticketed(w.claim(w.list("P2")), "T-2", time.Hour)
	equal(w, "due by one that was left", len(w.due()), 1)
}

func orphanNamed(w *world) {
	w.waiting("T-1", "P1")
	w.hint(named("r-1"))
	w.pass(time.Second)
	o := w.poll("T-1")
	w.pass(time.Second)
	w.polled(o, "r-1", "r-2") // r-1 came before the pass, which has seen to it
	equal(w, "next", w.nextDue(), w.in(time.Hour))
	equal(w, "orphans", w.orphans(), nil)
	w.pass(time.Hour)
	o = w.poll("T-1")
	w.pass(time.Second)
	w.hint(named("r-3"))
	w.polled(o, "r-3")
	equal(w, "next", w.nextDue(), w.in(time.Minute))
	equal(w, "orphans", w.orphans(), nil)
}

// CrowdOrphans brings more hints about nothing that is known than a store
// keeps, and wants the last ones to be left.
func CrowdOrphans(tb testing.TB, s store.Store, most int) {
	tb.Helper()
	for i := range 3 * most {
		Hint(tb, s, of(fmt.Sprintf("T-%d", i)))
	}
	left, err := s.Orphans(tb.Context())
	if err != nil || len(left) != most || left[0].Hints[0].Ticket != fmt.Sprintf("T-%d", 2*most) {
		tb.Errorf("got %v, %v, want the last %d", left, err, most)
	}
}
