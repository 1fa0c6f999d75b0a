package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// A pass that the process took with it is due at the next start, at once and
// not when its lease would have ended.
func TestTicketsInMidPassAreDueAfterARestart(t *testing.T) {
	t.Parallel()
	o := sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys()}
	s, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	no := storetest.List(t, s, 2)
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 1, Limit: 2})
	if err != nil || len(refs) != 2 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	for i, ref := range refs {
		c, err := claim(t, s, ref.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Settle(t.Context(), store.Settlement{
			Call: c.Call, Rest: &store.Verdict{To: store.Waiting},
			Tickets: []store.NewTicket{{Handle: providers.Ticket{ID: []string{"T-1", "T-2"}[i]}, Due: time.Now(), Deadline: time.Now().Add(time.Hour)}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, held := range []bool{false, true} {
		due, err := s.DueTickets(t.Context(), "attestr", 0)
		if err != nil || len(due) == 0 {
			t.Fatalf("due: %v, %v", due, err)
		}
		until := time.Now().Add(time.Hour)
		p, err := s.ClaimTicket(t.Context(), store.TicketClaim{ID: due[0].ID, Owner: "w", Until: until})
		if err == nil && held {
			_, err = s.SettleTicket(t.Context(), store.TicketSettlement{ID: p.ID, Lease: p.Lease, Hold: true, Due: until})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if due, err := open(t, o).DueTickets(t.Context(), "attestr", 0); err != nil || len(due) != 2 {
		t.Errorf("due after the restart: %v, %v, want both", due, err)
	}
}
