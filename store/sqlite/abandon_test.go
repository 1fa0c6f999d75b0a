package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// cutOff is a context that ends after so many changes have begun.
type cutOff struct {
	context.Context //nolint:containedctx // it is one
	left            int
}

func (c *cutOff) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return c.Context.Err()
}

// Abandoning is cut off after each of its transactions: the batch is gone from
// the first on, the books balance, others may join what is left, and the rest
// is done later.
func TestAbandoningIsDoneInSlices(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		done := false
		t.Run(fmt.Sprint("cut off after ", n), func(t *testing.T) { done = abandonInPart(t, n) })
		if t.Failed() || done {
			if n < 6 {
				t.Errorf("all was done in %d transactions", n)
			}
			return
		}
	}
}

func abandonInPart(t *testing.T, changes int) (done bool) {
	s := openNew(t)
	s.Slice(600)
	earlier := storetest.List(t, s, 100) // shares asks with the one that is abandoned
	no, err := s.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr"})
	if err != nil {
		t.Fatal(err)
	}
	rows := storetest.Plates(0, 1_200)
	if _, err := s.AddRows(t.Context(), no, store.Piece{Rows: append(rows, rows[100:120]...)}); err != nil {
		t.Fatal(err)
	}
	during := joined(t, s, 700)
	err = s.AbandonBatch(&cutOff{t.Context(), changes}, no)
	if done = err == nil; !done && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := s.BatchByNo(t.Context(), no); !errors.Is(err, store.ErrNoBatch) {
		t.Errorf("read the batch: %v, want ErrNoBatch", err)
	}
	balanced(t, s)
	after := joined(t, s, 900)
	again := joined(t, s, 200)
	if n, err := s.AbandonIntakes(t.Context()); err != nil || n != 0 {
		t.Errorf("go on: %d, %v", n, err)
	}
	balanced(t, s)
	for _, b := range []store.BatchNo{earlier, during, after, again} {
		for open := true; open; {
			open = storetest.Work(t, s, b, 500, 100) > 0
		}
		if b, err := s.BatchByNo(t.Context(), b); err != nil || b.State != store.BatchDone || b.Counts[store.Found] != b.Rows {
			t.Errorf("batch %d is %s with %v, %v", b.No, b.State, b.Counts, err)
		}
	}
	balanced(t, s)
	if n, err := s.Ask(t.Context(), "SELECT count(*) FROM asks"); err != nil || n != "130" {
		t.Errorf("%s asks are left, %v, want 100 and 3 times 10", n, err)
	}
	return done
}

// joined is a list of ten plates that another may hold.
func joined(t *testing.T, s *sqlite.Store, from int) store.BatchNo {
	t.Helper()
	no, err := s.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr"})
	if err == nil {
		_, err = s.AddRows(t.Context(), no, store.Piece{Rows: storetest.Plates(from, from+10)})
	}
	if err == nil {
		_, err = s.CommitBatch(t.Context(), no, nil, time.Time{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return no
}

func balanced(t *testing.T, s *sqlite.Store) {
	t.Helper()
	r, err := s.Check(t.Context())
	if err != nil || len(r.Problems) > 0 {
		t.Errorf("check: %v, %v", r.Problems, err)
	}
}
