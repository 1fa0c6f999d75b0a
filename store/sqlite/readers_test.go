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

// Whoever downloads slowly holds up neither the work nor the pages that people
// look at.
func TestSlowReadersHoldUpNobody(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	no := storetest.List(t, s, 3000) // more than are on their way to a reader
	hold := slowReaders(t, s, no, sqlite.LongReaders)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 10 {
		for doing, read := range shortReads(s, no) {
			if err := read(ctx); err != nil {
				t.Errorf("%s: %v", doing, err)
			}
		}
	}
	// One more of the slow ones waits, and can give up.
	impatient, giveUp := context.WithTimeout(ctx, 50*time.Millisecond)
	defer giveUp()
	err := s.Rows(impatient, no, store.RowFilter{}, func(store.Row) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one reader more: %v", err)
	}
	hold()
	if err := s.Rows(ctx, no, store.RowFilter{}, func(store.Row) error { return nil }); err != nil {
		t.Errorf("read when the others are gone: %v", err)
	}
}

// slowReaders begins to read rows n times and returns when all of them hold
// one, with what lets them end.
func slowReaders(t *testing.T, s *sqlite.Store, no store.BatchNo, n int) (end func()) {
	t.Helper()
	reading, release, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	for range n {
		go func() {
			first := true
			ended <- s.Rows(t.Context(), no, store.RowFilter{}, func(store.Row) error {
				if first {
					first = false
					reading <- struct{}{}
					<-release
				}
				return nil
			})
		}()
	}
	for range n {
		<-reading
	}
	return func() {
		close(release)
		for range n {
			if err := <-ended; err != nil {
				t.Errorf("a slow reader: %v", err)
			}
		}
	}
}

// shortReads are what work and people wait for.
func shortReads(s *sqlite.Store, no store.BatchNo) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"gates":       func(ctx context.Context) error { _, err := s.Gates(ctx); return err },
		"turns":       func(ctx context.Context) error { _, err := s.Turns(ctx, "attestr"); return err },
		"due tickets": func(ctx context.Context) error { _, err := s.DueTickets(ctx, "attestr", 10); return err },
		"next due":    func(ctx context.Context) error { _, err := s.NextDue(ctx, "attestr", time.Time{}); return err },
		"stale calls": func(ctx context.Context) error { _, err := s.StaleCalls(ctx, 10); return err },
		"batch":       func(ctx context.Context) error { _, err := s.BatchByNo(ctx, no); return err },
		"batches":     func(ctx context.Context) error { _, err := s.Batches(ctx, store.BatchFilter{}); return err },
		"backlogs":    func(ctx context.Context) error { _, err := s.Backlogs(ctx); return err },
		"readings":    func(ctx context.Context) error { _, err := s.Readings(ctx); return err },
		"totals":      func(ctx context.Context) error { _, err := s.Totals(ctx, no); return err },
		"a page of rows": func(ctx context.Context) error {
			n := 0
			err := s.Rows(ctx, no, store.RowFilter{After: 2, Limit: 5}, func(store.Row) error { n++; return nil })
			if err == nil && n != 5 {
				err = fmt.Errorf("got %d rows, want 5", n)
			}
			return err
		},
	}
}
