package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

func TestValuesThatChangePlacesAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Options{URL: blank.Copy(t), Keys: store.NewKeys()})
	storetest.Swapped(t, s, s.Exec)
}

// rotated is one store as two processes have it open: the first was not given
// the key with which the second has sealed everything anew.
func rotated(t *testing.T, fill func(s *postgres.Store)) (behind, ahead *postgres.Store) {
	t.Helper()
	o := postgres.Options{URL: blank.Copy(t), Keys: store.NewKeys()}
	behind = open(t, o)
	fill(behind)
	o.Keys = o.Keys.NewSealKeys()
	ahead = open(t, o)
	if _, err := store.ResealAll(t.Context(), ahead, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	return behind, ahead
}

// lacks demands that err names a key that is not given.
func lacks(t *testing.T, what string, err error) {
	t.Helper()
	if _, ok := errors.AsType[*store.SealKeyError](err); !ok {
		t.Errorf("%s: got %v, want it to name the key that is not given", what, err)
	}
}

// A process that was not given the new key gives no ask up: it takes nothing,
// and those who have the key go on.
func TestAProcessWithoutTheKeyGivesNothingUp(t *testing.T) {
	t.Parallel()
	var no store.BatchNo
	var ref store.ChunkRef
	behind, ahead := rotated(t, func(s *postgres.Store) {
		no = storetest.List(t, s, 4)
		refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 10, Limit: 1})
		if err != nil || len(refs) != 1 {
			t.Fatalf("offer: %v %v", refs, err)
		}
		ref = refs[0]
	})
	claim := store.ClaimRequest{Chunk: ref.ID, Owner: "w", Expires: time.Now().Add(time.Hour)}
	_, err := behind.Claim(t.Context(), claim)
	lacks(t, "claim", err)
	if calls, err := ahead.Totals(t.Context(), 0); err != nil || calls.Calls != 0 {
		t.Errorf("%d calls are written down, %v", calls.Calls, err)
	}
	if err := behind.Rows(t.Context(), no, store.RowFilter{}, func(store.Row) error { return nil }); err == nil || !strings.Contains(err.Error(), "row 1 of batch 1") {
		t.Errorf("read rows: got %v, want it to name the row", err)
	}
	if _, ok := errors.AsType[*store.KeysError](behind.HoldsKeys(t.Context())); !ok {
		t.Error("the process is not told that its keys are the wrong ones")
	}
	c, err := ahead.Claim(t.Context(), claim)
	if err != nil || len(c.Asks) != 4 {
		t.Errorf("those who have the key got %d of 4 asks, %v", len(c.Asks), err)
	}
}

func TestATicketIsLeftToThoseWhoHaveTheKey(t *testing.T) {
	t.Parallel()
	var ticket store.TicketID
	behind, ahead := rotated(t, func(s *postgres.Store) { ticket = waiting(t, s) })
	claim := store.TicketClaim{ID: ticket, Owner: "w", Until: time.Now().Add(time.Hour)}
	_, err := behind.ClaimTicket(t.Context(), claim)
	lacks(t, "claim ticket", err)
	o, err := ahead.ClaimTicket(t.Context(), claim)
	if err != nil || len(o.Asks) != 3 || o.Handle.ID != "t-1" {
		t.Errorf("those who have the key got %d of 3 asks, ticket %q, %v", len(o.Asks), o.Handle.ID, err)
	}
}

// waiting is a ticket on which three asks wait.
func waiting(t *testing.T, s *postgres.Store) store.TicketID {
	t.Helper()
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: storetest.List(t, s, 3), Size: 10, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	c, err := s.Claim(t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "w", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Settle(t.Context(), store.Settlement{
		Call: c.Call, Rest: &store.Verdict{To: store.Waiting},
		Tickets: []store.NewTicket{{Handle: providers.Ticket{ID: "t-1"}, Deadline: time.Now().Add(time.Hour)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	due, err := s.DueTickets(t.Context(), "attestr", 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("due tickets: %v, %v", due, err)
	}
	return due[0].ID
}

// A key that nobody seals with is damage: the ask holds up no others.
func TestAnAskUnderAKeyThatNobodyKnowsIsGivenUp(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Options{URL: blank.Copy(t), Keys: store.NewKeys()})
	no := storetest.List(t, s, 3)
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 10, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	if err := s.Exec(t.Context(), "UPDATE asks SET question = overlay(question PLACING '\\x00000000'::bytea FROM 2) WHERE id = $1", refs[0].ID+1); err != nil {
		t.Fatal(err)
	}
	claim := store.ClaimRequest{Chunk: refs[0].ID, Owner: "w", Expires: time.Now().Add(time.Hour)}
	if _, err = s.Claim(t.Context(), claim); err == nil {
		t.Error("what cannot be read was claimed")
	}
	if c, err := s.Claim(t.Context(), claim); err != nil || len(c.Asks) != 2 {
		t.Errorf("the next claim gave %d of 2 asks, %v", len(c.Asks), err)
	}
}

// A process that goes on sealing with a key that was replaced is told so.
func TestAReplacedKeyIsNotSealedWith(t *testing.T) {
	t.Parallel()
	o := postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()}
	behind := o
	o.Keys = o.Keys.NewSealKeys()
	behind.Keys.Seal = []store.SealKey{o.Keys.Seal[1], o.Keys.Seal[0]}
	old := open(t, behind)
	if err := old.HoldsKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.ResealAll(t.Context(), open(t, o), func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*store.ReplacedKeyError](old.HoldsKeys(t.Context())); !ok {
		t.Errorf("got %v", old.HoldsKeys(t.Context()))
	}
}
