package postgres_test

import (
	"testing"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

func open(tb testing.TB, o postgres.Options) *postgres.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), o)
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

// Benchmark measures with a server that keeps its promises about the disk.
func Benchmark(b *testing.B) {
	server := pgtest.Start(b)
	storetest.Benchmark(b, func(tb testing.TB) store.Store {
		return open(tb, postgres.Options{URL: server.Schema(tb), Keys: store.NewKeys()})
	})
}
