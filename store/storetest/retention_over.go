package storetest

import (
	"time"

	"github.com/plateq/plateq/store"
)

// countsOn ends the rule unless so many of these plates are known answers, and the
// others new, by an estimate and to a list. The list is abandoned again.
func (w *world) countsOn(when string, known int, plates ...string) {
	w.t.Helper()
	nb := keptFor(day)
	want := store.Taken{Rows: len(plates), Cached: known, Asks: len(plates) - known}
	equal(w, "estimate "+when, w.estimate(nb, rows(plates...)), store.Estimate{Taken: want, Once: want})
	b := w.begin(nb)
	equal(w, "taken "+when, w.add(b, rows(plates...)), want)
	w.must(w.s.AbandonBatch(w.ctx, b), "abandon batch")
}

// retentionOver: nobody sweeps but once, and then a list is over that the
// first sweep left an answer for.
func retentionOver(w *world) {
	w.opts.Retention = 2 * day
	w.reopen()
	w.answeredIn(keptFor(day), "P1", "P2")
	w.answeredIn(reusing(1000*day, 1000*day), "P3")
	w.pass(day - time.Millisecond)
	w.submit(keptFor(9*day), rows("P2"))
	w.countsOn("in their time", 3, "P1", "P2", "P3")
	w.pass(time.Millisecond)
	w.countsOn("when that of the first is over", 2, "P1", "P2", "P3")
	w.pass(day)
	w.countsOn("when that of the silent list is", 1, "P1", "P2", "P3")
	equal(w, "swept", w.lapse(), store.Expired{Lists: 2, Rows: 3, Asks: 2})
	w.countsOn("after the sweep", 1, "P1", "P2", "P3")
	w.pass(9 * day)
	w.countsOn("when the last that has it is over", 0, "P1", "P2", "P3")
	b := w.submit(keptFor(day), rows("P2"))
	equal(w, "swept at last", w.lapse(), store.Expired{Lists: 1, Rows: 1, Asks: 1})
	w.settleRest(w.claim(b), w.notFound(0))
	w.states(b, store.NotFound)
}

// retentionRuns: a list may have an answer as it waited on it, as it knew it,
// as a retry brought it, and as its home was abandoned; or its home is still
// repeated.
func retentionRuns(w *world) {
	home := w.submit(keptFor(day), rows("P1", "P2"))
	late := w.submit(keptFor(30*day), rows("P1", "P2"))
	c := w.claim(home)
	w.settle(c, w.found(w.ask(c, "P1")), w.failed(w.ask(c, "P2"), store.ClassUnavailable))
	gone := w.begin(plain())
	w.add(gone, rows("P3"))
	joined := w.submit(keptFor(30*day), rows("P3"))
	w.must(w.s.AbandonBatch(w.ctx, gone), "abandon batch")
	w.settleRest(w.claim(joined), w.found(0))
	w.askAgain(store.RetryRequest{Batch: home})
	w.settleRest(w.claim(home), w.found(0))
	equal(w, "known to a retry", w.askAgain(store.RetryRequest{Batch: late}).Cached, 1)
	w.pass(2 * day)
	repeated := w.answeredIn(keptFor(day), "P4")
	r := store.Schedule{ID: store.NewScheduleID(), Tenant: store.DefaultTenant, List: repeated, Cron: "0 6 * * *", Zone: "UTC", Paused: true, Created: w.now()}
	w.must(w.s.AddSchedule(w.ctx, r, nil), "add schedule")
	w.pass(20 * day)
	w.countsOn("by those who have them", 4, "P1", "P2", "P3", "P4")
	w.must(w.s.RemoveSchedule(w.ctx, r.ID), "remove schedule")
	w.countsOn("not repeated any more", 3, "P1", "P2", "P3", "P4")
	w.pass(9 * day)
	w.countsOn("when all are over", 0, "P1", "P2", "P3", "P4")
}
