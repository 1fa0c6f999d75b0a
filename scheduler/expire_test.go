package scheduler_test

import (
	"errors"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
)

// What the scheduler does once, it does for lists whose time is over as well,
// whoever else is at work.
func TestListsWhoseTimeIsOverGo(t *testing.T) {
	t.Parallel()
	w := newWorks(t, later())
	old := w.list(20)
	w.once()
	w.add(2 * time.Hour)
	w.once()
	if c := w.counts(old); c.Open() != 0 {
		t.Fatalf("after two hours: %v", c)
	}
	w.add(91 * 24 * time.Hour)
	young := w.list(5)
	w.once()
	err := w.store.Rows(t.Context(), old, store.RowFilter{}, func(store.Row) error { return nil })
	if _, gone := errors.AsType[*store.ExpiredError](err); !gone {
		t.Errorf("after 91 days: %v, want that there are no rows any more", err)
	}
	if c := w.counts(young); c[store.Waiting] != 5 {
		t.Errorf("of a list of today: %v, want 5 waiting: they are asked anew", c)
	}
	if r, err := w.store.Check(t.Context()); err != nil || len(r.Problems) > 0 || r.Rows != 5 || r.Asks != 5 {
		t.Errorf("left: %+v, %v", r, err)
	}
}

// TestARunIsKeptAsItsListSays: where that says nothing, both go by what the
// store says, whenever that is changed.
func TestARunIsKeptAsItsListSays(t *testing.T) {
	t.Parallel()
	w := newWorks(t, sim.Fast())
	list := w.list(3)
	w.answer(list)
	id := w.schedule(list, nil)
	said := w.listKept(3, 30*24*time.Hour)
	w.answer(said)
	saying := w.schedule(said, nil)
	w.add(24 * time.Hour)
	w.repeat()
	runs, _ := w.runs(id)
	sayingRuns, _ := w.runs(saying)
	if len(runs) != 1 || len(sayingRuns) != 1 {
		t.Fatalf("they ran as %v and %v, want once each", runs, sayingRuns)
	}
	for _, days := range []time.Duration{7, 3650} {
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		w.retention = days * 24 * time.Hour
		w.open("first")
		for _, b := range []store.BatchNo{list, runs[0]} {
			if got := w.batch(b).Kept; got != w.retention {
				t.Errorf("with %d days list %d is kept for %v", days, b, got)
			}
		}
		for _, b := range []store.BatchNo{said, sayingRuns[0]} {
			if got := w.batch(b).Kept; got != 30*24*time.Hour {
				t.Errorf("with %d days list %d, which says 30, is kept for %v", days, b, got)
			}
		}
	}
}
