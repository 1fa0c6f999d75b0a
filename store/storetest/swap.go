package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

// Swapped exchanges sealed values between two rows of a list, by SQL, and holds
// that they are refused by the name of the row, that nothing else suffers, and
// that all is well once they are back. The store is an empty one.
func Swapped(t *testing.T, s store.Store, exec func(ctx context.Context, query string, args ...any) error) {
	t.Helper()
	no, other := List(t, s, 4), otherList(t, s)
	WorkAll(t, s, no, 4, 10)
	read := func(no store.BatchNo, f store.RowFilter) (n int, err error) {
		f.Questions = true
		err = s.Rows(t.Context(), no, f, func(store.Row) error { n++; return nil })
		return n, err
	}
	for _, c := range []struct {
		table, key, column string
		first              int64
	}{
		{"answers", "ask", "body", int64(store.NewAskID(no, 0))},
		{"asks", "id", "question", int64(store.NewAskID(no, 0))},
		{"rows", "id", "line", int64(store.NewRowID(no, 1))},
	} {
		swap := func() {
			t.Helper()
			for _, query := range []string{
				fmt.Sprintf("CREATE TABLE swapped AS SELECT %s AS k, %s AS v FROM %s WHERE %s IN (%d, %d)", c.key, c.column, c.table, c.key, c.first, c.first+1),
				fmt.Sprintf("UPDATE %s SET %s = (SELECT v FROM swapped WHERE k = %d - %s) WHERE %s IN (SELECT k FROM swapped)", c.table, c.column, 2*c.first+1, c.key, c.key),
				"DROP TABLE swapped",
			} {
				if err := exec(t.Context(), query); err != nil {
					t.Fatalf("%s: %v", query, err)
				}
			}
		}
		swap()
		_, err := read(no, store.RowFilter{})
		for _, want := range []string{fmt.Sprintf("read row 1 of batch %d: ", no), c.table + "." + c.column, "it was changed, or belongs to another record"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("two %s have changed places: got %v, want it to say %q", c.table, err, want)
			}
		}
		if n, err := read(no, store.RowFilter{After: 2}); n != 2 || err != nil {
			t.Errorf("two %s have changed places: %d of 2 other rows were read, %v", c.table, n, err)
		}
		if n, err := read(other, store.RowFilter{}); n != 4 || err != nil {
			t.Errorf("two %s have changed places: %d of 4 rows of another list were read, %v", c.table, n, err)
		}
		swap()
		if n, err := read(no, store.RowFilter{}); n != 4 || err != nil {
			t.Errorf("two %s are back in their places: %d of 4 rows were read, %v", c.table, n, err)
		}
	}
	if problems := Problems(t, s); problems != "" {
		t.Errorf("the books are wrong:\n%s", problems)
	}
}

// otherList is a list that has no question in common with List.
func otherList(t testing.TB, s store.Store) store.BatchNo {
	t.Helper()
	no, err := s.BeginBatch(t.Context(), store.NewBatch{Provider: provider})
	if err == nil {
		_, err = s.AddRows(t.Context(), no, store.Piece{Rows: Plates(100, 104)})
	}
	if err == nil {
		_, err = s.CommitBatch(t.Context(), no, nil, time.Time{})
	}
	if err != nil {
		t.Fatalf("take in a list: %v", err)
	}
	return no
}
