package scheduler_test

import (
	"errors"
	"testing"
	"time"

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
