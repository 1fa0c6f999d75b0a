package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

func openNew(tb testing.TB) *sqlite.Store {
	tb.Helper()
	return open(tb, sqlite.Options{Path: filepath.Join(tb.TempDir(), "plateq.db"), Keys: store.NewKeys()})
}

func open(tb testing.TB, o sqlite.Options) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), o)
	if err != nil {
		tb.Fatalf("open store: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close store: %v", err)
		}
	})
	return s
}

func Benchmark(b *testing.B) {
	storetest.Benchmark(b, func(tb testing.TB) store.Store { return openNew(tb) })
}
