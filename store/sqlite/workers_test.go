package sqlite_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// A heartbeat that waits for the writer keeps its worker alive, however long.
func TestAHeartbeatThatWaitsCounts(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var later atomic.Int64
	s := open(t, sqlite.Options{
		Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys(),
		Now: func() time.Time { return start.Add(time.Duration(later.Load())) },
	})
	no := storetest.List(t, s, 1)
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 10, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	if err := s.Beat(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
	c, err := s.Claim(t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "w", Expires: start.Add(time.Hour)})
	if err != nil || len(c.Asks) != 1 {
		t.Fatalf("claim: %v %v", c, err)
	}
	stale := func(want int) {
		t.Helper()
		if list, err := s.StaleCalls(t.Context(), 0); err != nil || len(list) != want {
			t.Errorf("to be judged: %v, %v, want %d", list, err, want)
		}
	}
	release := s.Occupy()
	later.Store(int64(59 * time.Second))
	beaten := make(chan error)
	go func() { beaten <- s.Beat(context.WithoutCancel(t.Context()), "w") }()
	for s.Beating() == 0 {
		time.Sleep(time.Millisecond)
	}
	later.Store(int64(30 * time.Minute))
	stale(0)
	close(release)
	if err := <-beaten; err != nil {
		t.Fatal(err)
	}
	later.Store(int64(30*time.Minute + 59*time.Second))
	stale(0)
	later.Store(int64(31*time.Minute + time.Second))
	stale(1)
	if err := s.Beat(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
	stale(0)
	if err := s.Retire(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
	stale(1)
}
