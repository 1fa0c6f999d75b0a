package storetest

import (
	"time"

	"github.com/plateq/plateq/store"
)

var backlogRules = []rule{
	{"the backlog of a provider is its rows and tickets that are open", backlog},
	{"the backlog of a provider tells what waits for a person", backlogOfPeople},
	{"a backlog leaves out what is settled, and lists that are not accepted", backlogSettled},
}

// backlogs holds the open work of the store against what it should be.
func (w *world) backlogs(want ...store.Backlog) {
	w.t.Helper()
	got, err := w.s.Backlogs(w.ctx)
	w.must(err, "read backlogs")
	equal(w, "backlogs", got, want)
}

func backlog(w *world) {
	nb := plain()
	nb.Provider = "regnum"
	w.submit(nb, rows("R1", "R2", "R2"))
	given, ends := w.now(), w.in(48*time.Hour) // as newTicket has it
	waiting := w.waiting("T-1", "P1", "P2")
	w.pass(time.Second)
	w.list("P1", "P3") // P1 waits too
	sending := w.list("P4", "P5", "P6")
	c := w.takeMax(w.chunk(sending).ID, 2)
	want := []store.Backlog{
		{Provider: provider, Queued: 2, Ready: 2, Sending: 2, Waiting: 3, Tickets: 1, Oldest: given, Deadline: ends},
		{Provider: "regnum", Queued: 3, Ready: 3},
	}
	w.backlogs(want...)
	w.must(w.s.Pause(w.ctx, sending, "for now"), "pause")
	want[0].Ready = 1
	w.backlogs(want...)
	w.must(w.s.Cancel(w.ctx, sending, "enough"), "cancel")
	want[0].Queued = 1
	w.backlogs(want...)
	w.settleRest(c, w.found(0))
	o := w.poll("T-1")
	w.settlePoll(store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.in(time.Hour), Expire: true,
		Verdicts: []store.Verdict{w.failed(o.Asks[0].ID, store.ClassProviderTimeout), w.failed(o.Asks[1].ID, store.ClassProviderTimeout)},
	})
	w.batchState(waiting, store.BatchDone)
	w.backlogs(store.Backlog{Provider: provider, Queued: 1, Ready: 1, Late: 1}, want[1])
}

func backlogSettled(w *world) {
	w.backlogs()
	w.answered("P1", w.found(0))
	w.answered("P2", w.failed(0, store.ClassProviderError))
	b := w.begin(plain())
	w.add(b, rows("P3"))
	w.backlogs()
	w.commit(b)
	w.backlogs(store.Backlog{Provider: provider, Queued: 1, Ready: 1})
}

func backlogOfPeople(w *world) {
	_, c := w.lost("P1", "P1", "P2")
	w.lost("P3")
	w.backlogs(store.Backlog{Provider: provider, Unknown: 4})
	w.resend(c, person)
	w.backlogs(store.Backlog{Provider: provider, Queued: 3, Ready: 3, Unknown: 1})
	b := w.list("P4", "P5")
	w.bounds(w.ofBatch(b), 0)
	w.spent(w.chunk(b).ID, store.BudgetDefaults{}, true)
	w.backlogs(store.Backlog{Provider: provider, Queued: 5, Ready: 3, Unknown: 1, Held: 1})
}
