package store_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/plateq/plateq/store"
)

// storedRows are n rows as a store holds them.
func storedRows(t *testing.T, s *store.Sealer, n int) []*store.StoredRow {
	t.Helper()
	rows := make([]store.NewRow, n)
	for i := range rows {
		rows[i] = store.NewRow{Problem: &store.Failure{Class: store.ClassInvalidInput, Code: "no_plate"}}
	}
	first := store.NewRowID(1, 1)
	piece, err := s.Prepare(t.Context(), "", "aopay", 1, 1, store.Piece{Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	stored := make([]*store.StoredRow, n)
	for i, r := range piece.Sealed() {
		stored[i] = &store.StoredRow{ID: first + store.RowID(i), State: store.Invalid, Line: r.Line}
	}
	return stored
}

func TestDeliverGivesAwayEveryRowInOrder(t *testing.T) {
	t.Parallel()
	s := newSealer(t, store.NewKeys())
	for _, n := range []int{0, 1, 256, 1000} {
		stored := storedRows(t, s, n)
		next := 1
		err := s.Deliver(func(give func(*store.StoredRow, bool) error) error {
			var again store.StoredRow // readers use theirs again
			for _, r := range stored {
				again = *r
				if err := give(&again, false); err != nil {
					return err
				}
			}
			return nil
		}, func(r store.Row) error {
			if r.Number != next {
				t.Fatalf("got row %d, want %d", r.Number, next)
			}
			next++
			return nil
		})
		if err != nil || next != n+1 {
			t.Errorf("%d rows: got %d, %v, want all of them", n, next-1, err)
		}
	}
}

// What ends a delivery is told, and nothing of it goes on.
func TestDeliverEndsWithWhatWentWrong(t *testing.T) {
	wrong, full := errors.New("the disk is gone"), errors.New("the disk is full")
	s := newSealer(t, store.NewKeys())
	stored := storedRows(t, s, 5000)
	for _, tc := range []struct {
		name   string
		read   int // rows before the reader fails
		broken int // the row that does not open
		yield  int // rows before the yielder has enough
		panics bool
		want   string
		rows   int // that came before it, at least
	}{
		{name: "the reader fails", read: 300, want: "disk is gone", rows: 256},
		{name: "a row does not open", read: 5000, broken: 700, want: "it was changed", rows: 512},
		{name: "the yielder has enough", read: 5000, yield: 10, want: "disk is full", rows: 10},
		{name: "the yielder has enough as the reader fails", read: 300, yield: 10, want: "disk is full", rows: 10},
		{name: "the yielder panics", read: 5000, yield: 10, panics: true, rows: 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // which fails where a goroutine is left
				got := 0
				deliver := func() (err error) {
					defer func() {
						if tc.panics {
							recover()
						}
					}()
					return s.Deliver(func(give func(*store.StoredRow, bool) error) error {
						for i, r := range stored[:tc.read] {
							if i+1 == tc.broken {
								broken := *r
								broken.ID++
								r = &broken
							}
							if err := give(r, false); err != nil {
								return err
							}
						}
						if tc.read == len(stored) {
							return nil
						}
						return wrong
					}, func(store.Row) error {
						if got++; got != tc.yield {
							return nil
						}
						if tc.panics {
							panic("no more")
						}
						return full
					})
				}
				if err := deliver(); (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				if got < tc.rows {
					t.Errorf("got %d rows before it, want %d", got, tc.rows)
				}
			})
		})
	}
}
