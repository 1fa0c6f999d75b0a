package sqlite_test

import (
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// spoiled is a list of three with one ask that cannot be read, or is gone.
func spoiled(t *testing.T, s *sqlite.Store, spoil string) (store.BatchNo, store.ChunkID) {
	t.Helper()
	no := storetest.List(t, s, 3)
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 10, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	if err := s.Exec(t.Context(), spoil, refs[0].ID+1); err != nil {
		t.Fatal(err)
	}
	return no, refs[0].ID
}

func claim(t *testing.T, s *sqlite.Store, chunk store.ChunkID) (store.Claim, error) {
	t.Helper()
	return s.Claim(t.Context(), store.ClaimRequest{Chunk: chunk, Owner: "w", Expires: time.Now().Add(time.Hour)})
}

func shows(t *testing.T, s *sqlite.Store, no store.BatchNo, want ...store.State) {
	t.Helper()
	var got []store.State
	err := s.Rows(t.Context(), no, store.RowFilter{}, func(r store.Row) error {
		got = append(got, r.State)
		return nil
	})
	if err != nil || len(got) != len(want) {
		t.Fatalf("rows: %v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("row %d is %s, want %s", i+1, got[i], want[i])
		}
	}
}

// A claim that cannot be opened was not sent, and says so in the ledger: what
// it took is queued again, and the damaged ask holds up nobody.
func TestAClaimWithADamagedAskIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]string{
		"changed": "UPDATE asks SET question = x'00' WHERE id = ?", "gone": "DELETE FROM asks WHERE id = ?",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t)
			no, chunk := spoiled(t, s, spoil)
			if c, err := claim(t, s, chunk); err == nil {
				t.Fatalf("the claim gave %d asks", len(c.Asks))
			}
			shows(t, s, no, store.Queued, store.Failed, store.Queued)
			if stale, err := s.StaleCalls(t.Context(), 0); err != nil || len(stale) != 0 {
				t.Errorf("to be judged: %v, %v", stale, err)
			}
			c, err := claim(t, s, chunk)
			if err != nil || len(c.Asks) != 2 {
				t.Errorf("the next claim gave %d asks, %v", len(c.Asks), err)
			}
		})
	}
}

func TestAProbeWithADamagedAskLeavesItsGateToTheNext(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	storetest.DamagedProbe(t, s, func(statement string) {
		if err := s.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	})
}

func TestATicketWithADamagedAskIsPolledForTheOthers(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	no, chunk := spoiled(t, s, "SELECT ?")
	c, err := claim(t, s, chunk)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Settle(t.Context(), store.Settlement{
		Call: c.Call, Rest: &store.Verdict{To: store.Waiting}, Tickets: []store.NewTicket{{Handle: providers.Ticket{ID: "T"}, Deadline: time.Now().Add(time.Hour)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), "UPDATE asks SET question = x'00' WHERE id = ?", chunk+1); err != nil {
		t.Fatal(err)
	}
	r := store.TicketClaim{ID: 1, Owner: "w", Until: time.Now().Add(time.Hour)}
	if o, err := s.ClaimTicket(t.Context(), r); err == nil {
		t.Fatalf("the pass has %d asks", len(o.Asks))
	}
	shows(t, s, no, store.Waiting, store.Failed, store.Waiting)
	if o, err := s.ClaimTicket(t.Context(), r); err != nil || len(o.Asks) != 2 {
		t.Errorf("the next pass has %d asks, %v", len(o.Asks), err)
	}
}

func TestValuesThatChangePlacesAreRefused(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	storetest.Swapped(t, s, s.Exec)
}
