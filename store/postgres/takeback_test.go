package postgres_test

import (
	"testing"
	"time"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

// A claim that a crash of the server has lost leaves its number to the next one.
// Who takes it back must not take back that one, which is on its way.
func TestTakeBackTakesNobodyElsesCall(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := open(t, postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys(), Now: func() time.Time { return now }})
	no := storetest.List(t, s, 2)
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 1, Limit: 2})
	if err != nil || len(refs) != 2 {
		t.Fatalf("offer: %d chunks, %v", len(refs), err)
	}
	request := func(chunk store.ChunkID, by store.WorkerID) store.ClaimRequest {
		return store.ClaimRequest{Chunk: chunk, Owner: by, Expires: now.Add(time.Hour)}
	}
	sending := request(refs[1].ID, "b")
	claim := func() store.Claim {
		t.Helper()
		c, err := s.Claim(t.Context(), sending)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := claim()
	for name, lost := range map[string]struct {
		store.ClaimRequest
		then time.Time
	}{
		"of another chunk": {request(refs[0].ID, "b"), now},
		"of another owner": {request(refs[1].ID, "a"), now},
		"of another time":  {sending, now.Add(-time.Second)},
	} {
		s.TakeBack(t.Context(), lost.ClaimRequest, c.Call, lost.then)
		if again := claim(); len(again.Asks) != 0 {
			t.Fatalf("a lost claim %s freed the ask that call %d is sending: call %d took it", name, c.Call, again.Call)
		}
	}
	s.TakeBack(t.Context(), sending, c.Call, now)
	if c = claim(); len(c.Asks) != 1 {
		t.Fatal("a claim that was made was not taken back")
	}
	done, err := s.Settle(t.Context(), store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Found}})
	if err != nil || done.Applied != 1 {
		t.Errorf("the paid answer: %+v, %v, want it applied", done, err)
	}
	if got := storetest.Problems(t, s); got != "" {
		t.Errorf("the books are wrong:\n%s", got)
	}
}
