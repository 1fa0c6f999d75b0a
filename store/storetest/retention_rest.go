package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/store"
)

// retentionRest: lists that hold something personal in every way, all of them
// over, leave none of it, and no record that is of their rows or questions alone.
func retentionRest(w *world) {
	TellCanaries(w.t, w.s)
	of := w.only()
	calls, err := w.s.Unknowns(w.ctx, store.UnknownFilter{})
	if err != nil || len(calls) != 1 {
		w.t.Fatalf("unknown calls: %v %v", calls, err)
	}
	_, err = w.s.GiveUp(w.ctx, calls[0].Call, store.Decision{By: "w", Reason: canaryName})
	w.must(err, "give up")
	w.cancel(of)
	w.pass(time.Hour)
	w.expire(w.poll(canaryPlate))
	first, second := w.list("P1", "P2", "P3"), w.list("P1")
	w.list("P3") // waits on the ask of another to the end
	w.erase(w.plate("P2"))
	w.settleRest(w.claim(first), w.failed(0, store.ClassUnavailable))
	w.askAgain(store.RetryRequest{Batch: second})
	w.settleRest(w.claim(second), w.found(0))
	tables := []string{"rows", "asks", "answers", "ask_keys", "wants", "renewals", "batch_homes", "told", "erased_asks", "ticket_names"}
	for _, table := range tables {
		if w.records(table) == 0 {
			w.t.Errorf("there is nothing in %s to begin with", table)
		}
	}
	w.opts.Retention = 30 * day
	w.reopen()
	w.pass(30 * day)
	equal(w, "lists that are over", w.lapse().Lists, 4)
	for _, table := range tables {
		equal(w, "records that are left in "+table, w.records(table), 0)
	}
	left := slices.DeleteFunc(w.mentions(Canaries()...), func(text string) bool {
		return strings.HasPrefix(text, "orphans.body: ") // goes after a day, of no list
	})
	equal(w, "what is left", left, nil)
	equal(w, "identities that are left", w.identified(), 0)
}

// only is the number of the only batch.
func (w *world) only() store.BatchNo {
	w.t.Helper()
	all, err := w.s.Batches(w.ctx, store.BatchFilter{})
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d batches, %v", len(all), err)
	}
	return all[0].No
}

// identified counts the batches that are found by what was in them.
func (w *world) identified() (n int) {
	w.t.Helper()
	w.each(func(table string, record map[string]any) {
		if identity, _ := record["identity"].([]byte); table == "batches" && len(identity) > 0 {
			n++
		}
	})
	return n
}
