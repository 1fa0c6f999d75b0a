package storetest

import (
	"time"

	"github.com/plateq/plateq/store"
)

// retentionAgain: the first end of a list is over while what it asked again is
// settled, and before the list has ended anew.
func retentionAgain(w *world) {
	retried := w.submit(keptFor(day), rows("P1"))
	w.settleRest(w.claim(retried), w.failed(0, store.ClassUnavailable))
	resent := w.submit(keptFor(day), rows("P2"))
	lost := w.claim(resent)
	w.settleRest(lost, unknown(0))
	w.pass(23 * time.Hour)
	w.askAgain(store.RetryRequest{Batch: retried})
	w.resend(lost, person)
	for _, b := range []store.BatchNo{retried, resent} {
		equal(w, "end of a list that is asked again", w.batch(b).Ended, time.Time{})
		c := w.claim(b)
		w.pause(b)
		w.settleRest(c, w.found(0))
	}
	w.pass(2 * time.Hour)
	equal(w, "a day after the first end", w.lapse(), store.Expired{})
	for _, b := range []store.BatchNo{retried, resent} {
		w.states(b, store.Found)
		w.must(w.s.Resume(w.ctx, b), "resume")
	}
	done, err := w.s.Finish(w.ctx)
	w.must(err, "finish")
	equal(w, "done", done, []store.BatchNo{retried, resent})
	w.pass(day - time.Millisecond)
	equal(w, "before the time of the new end", w.lapse(), store.Expired{})
	w.pass(time.Millisecond)
	equal(w, "in its time", w.lapse(), store.Expired{Lists: 2, Rows: 2, Asks: 4, Given: 1})
	w.holds(0, 0, 0)
}
