package jobs

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

// fullStore is a store that can run out of space, or refuse a call for good.
type fullStore struct {
	store.Store
	full    bool
	refuses store.CallID
}

var errRefused = errors.New("it makes no sense")

func (f *fullStore) Settle(ctx context.Context, s store.Settlement) (store.Settled, error) {
	if f.full {
		return store.Settled{}, store.ErrFull
	}
	if f.refuses != 0 && s.Call == f.refuses {
		return store.Settled{}, errRefused
	}
	return f.Store.Settle(ctx, s)
}

func (f *fullStore) SettleTicket(ctx context.Context, s store.TicketSettlement) (store.Settled, error) {
	if f.full {
		return store.Settled{}, store.ErrFull
	}
	return f.Store.SettleTicket(ctx, s)
}

// claimed is a store with one claimed call of three asks, and its keeper.
func claimed(t *testing.T) (*keeper, *fullStore, store.Claim, store.BatchNo) {
	t.Helper()
	ctx := t.Context()
	keys := store.NewKeys()
	st, err := sqlite.Open(ctx, sqlite.Options{Path: t.TempDir() + "/plateq.db", Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	no, err := st.BeginBatch(ctx, store.NewBatch{Provider: "acme", KeepRaw: true})
	if err != nil {
		t.Fatal(err)
	}
	var rows []store.NewRow
	for _, p := range []string{"P1", "P2", "P3"} {
		s := providers.Subject{providers.Plate: p}
		rows = append(rows, store.NewRow{Subject: s, Question: store.Question{Subject: s}})
	}
	if _, err := st.AddRows(ctx, no, store.Piece{Rows: rows}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.CommitBatch(ctx, no, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	refs, err := st.Offer(ctx, store.OfferRequest{Batch: no, Size: 3, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("%v, %v", refs, err)
	}
	c, err := st.Claim(ctx, store.ClaimRequest{Chunk: refs[0].ID, Owner: "w", Expires: time.Now().Add(time.Hour)})
	if err != nil || len(c.Asks) != 3 {
		t.Fatalf("%v, %v", c, err)
	}
	sealer, err := store.NewSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	spool, err := store.OpenSpool(t.TempDir(), sealer, st.ID(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = spool.Close() })
	f := &fullStore{Store: st}
	return &keeper{st: f, spool: spool, meter: noMeter{}, tracer: noTracer{}, log: zerolog.Nop()}, f, c, no
}

func answer(a store.Ask) store.Verdict {
	return store.Verdict{Ask: a.ID, To: store.Found, Counted: true, Answer: &store.Answer{At: store.Millis(time.Now()), Result: []byte(`{"x":1}`)}}
}

func TestAnAnswerThatTheStoreCannotTakeIsSpooledAndStoredLater(t *testing.T) {
	t.Parallel()
	k, st, c, no := claimed(t)
	st.full = true
	if _, err := k.settle(t.Context(), store.Settlement{Call: c.Call, Verdicts: []store.Verdict{answer(c.Asks[0]), answer(c.Asks[1]), answer(c.Asks[2])}}); err != nil {
		t.Fatal(err)
	}
	w := &Worker{keeper: k}
	if !errors.Is(w.Fault(), store.ErrFull) || k.spool.Len() != 1 {
		t.Fatalf("fault %v, %d spooled; want no space, 1", w.Fault(), k.spool.Len())
	}
	if err := k.drain(t.Context()); err == nil {
		t.Error("the spool was drained into a full store")
	}
	st.full = false
	if err := k.drain(t.Context()); err != nil || k.spool.Len() != 0 {
		t.Fatalf("drain: %v, %d left", err, k.spool.Len())
	}
	b, err := st.BatchByNo(t.Context(), no)
	if err != nil || b.Counts[store.Found] != 3 {
		t.Errorf("counts %v, %v; want 3 found", b.Counts, err)
	}
}

// polledTicket is claimed, with a ticket that was taken for a pass of polls.
func polledTicket(t *testing.T) (*keeper, *fullStore, store.Claim, store.OpenTicket, store.BatchNo) {
	t.Helper()
	k, st, c, no := claimed(t)
	var waits []store.Verdict
	for _, a := range c.Asks {
		waits = append(waits, store.Verdict{Ask: a.ID, To: store.Waiting, Counted: true})
	}
	now := time.Now()
	if _, err := k.settle(t.Context(), store.Settlement{Call: c.Call, Verdicts: waits, Tickets: []store.NewTicket{
		{Handle: providers.Ticket{ID: "T"}, Due: now.Add(-time.Second), Deadline: now.Add(time.Hour), Interval: time.Second},
	}}); err != nil {
		t.Fatal(err)
	}
	due, err := st.DueTickets(t.Context(), "acme", 1)
	if err != nil || len(due) != 1 {
		t.Fatalf("%v, %v", due, err)
	}
	ticket, err := st.ClaimTicket(t.Context(), store.TicketClaim{ID: due[0].ID, Owner: "w", Until: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return k, st, c, ticket, no
}

func TestAPollThatTheStoreCannotTakeIsAFaultToo(t *testing.T) {
	t.Parallel()
	k, st, c, ticket, no := polledTicket(t)
	now := time.Now()
	st.full = true
	if _, err := k.settleTicket(t.Context(), store.TicketSettlement{ID: ticket.ID, Lease: ticket.Lease, Handle: ticket.Handle,
		Verdicts: []store.Verdict{answer(c.Asks[0])}, Due: now}); !errors.Is(err, errSpooled) {
		t.Fatalf("got %v, want the word that the pass must end", err)
	}
	if w := (&Worker{keeper: k}); !errors.Is(w.Fault(), store.ErrFull) || k.spool.Len() != 1 {
		t.Fatalf("fault %v, %d spooled; want no space, 1", w.Fault(), k.spool.Len())
	}
	st.full = false
	if err := k.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := st.BatchByNo(t.Context(), no)
	if err != nil || b.Counts[store.Found] != 1 || b.Counts[store.Waiting] != 2 {
		t.Errorf("counts %v, %v; want 1 found, 2 waiting", b.Counts, err)
	}
}

// Nobody else may take a ticket that is leased, so that a poll without an
// answer is not just forgotten.
func TestAPollThatTheStoreCannotTakeLeavesItsTicketToOthers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *store.TicketSettlement, a store.Ask){
		"nothing is new":         func(*store.TicketSettlement, store.Ask) {},
		"more pages are to come": func(s *store.TicketSettlement, _ store.Ask) { s.Hold, s.Due = true, time.Now().Add(time.Hour) },
		"an answer is spooled": func(s *store.TicketSettlement, a store.Ask) {
			s.Verdicts, s.Hold, s.Due = []store.Verdict{answer(a)}, true, time.Now().Add(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, st, c, ticket, _ := polledTicket(t)
			s := store.TicketSettlement{ID: ticket.ID, Lease: ticket.Lease, Handle: ticket.Handle, Due: time.Now()}
			change(&s, c.Asks[0])
			st.full = true
			if _, err := k.settleTicket(t.Context(), s); err == nil {
				t.Fatal("a full store took a poll")
			}
			if err := k.drain(t.Context()); !errors.Is(err, store.ErrFull) {
				t.Errorf("drain into a full store: got %v, want %v", err, store.ErrFull)
			}
			st.full = false
			if err := k.drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			again, err := st.ClaimTicket(t.Context(), store.TicketClaim{ID: ticket.ID, Owner: "other", Until: time.Now().Add(time.Hour)})
			if err != nil || again.Lease == 0 {
				t.Errorf("nobody may take the ticket: %v", err)
			}
		})
	}
}

func TestRawAnswersAreSpooledByteForByte(t *testing.T) {
	t.Parallel()
	k, st, c, no := claimed(t)
	st.full = true
	v := answer(c.Asks[0])
	v.Answer.Raw = []byte(`{ "x" : 1.0 }`)
	if _, err := k.settle(t.Context(), store.Settlement{Call: c.Call, Verdicts: []store.Verdict{v}}); err != nil {
		t.Fatal(err)
	}
	st.full = false
	if err := k.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := st.Rows(t.Context(), no, store.RowFilter{Limit: 1}, func(r store.Row) error {
		if !bytes.Equal(r.Answer.Raw, v.Answer.Raw) {
			t.Errorf("raw came back as %s", r.Answer.Raw)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A store without space still takes small changes, such as a claim, and not
// the answers that it would bring.
func TestNothingIsBoughtWhileTheStoreIsFull(t *testing.T) {
	t.Parallel()
	k, st, c, _ := claimed(t)
	if k.full() {
		t.Fatal("nothing may be bought, and nothing is wrong")
	}
	st.full = true
	if _, err := k.settle(t.Context(), store.Settlement{Call: c.Call, Verdicts: []store.Verdict{answer(c.Asks[0])}}); err != nil {
		t.Fatal(err)
	}
	if !k.full() {
		t.Error("more is bought although an answer found no space")
	}
	k.at = k.at.Add(-time.Hour)
	if err := k.drain(t.Context()); err == nil || !k.full() {
		t.Errorf("more is bought after an hour in which there was no space: %v", err)
	}
	st.full = false
	if err := k.drain(t.Context()); err != nil || k.full() {
		t.Errorf("nothing is bought although the store has taken what waited: %v", err)
	}
}

// One that the store refuses for good holds up no other, and is given to it
// again by the next process.
func TestASettlementThatIsRefusedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	k, st, c, no := claimed(t)
	now := time.Now()
	k.spool.TellTime(func() time.Time { return now })
	st.refuses = c.Call
	bad := store.Settlement{Call: c.Call, Verdicts: []store.Verdict{answer(c.Asks[0])}}
	if _, err := k.settle(t.Context(), bad); err != nil || k.spool.Len() != 1 {
		t.Fatalf("%v, %d spooled", err, k.spool.Len())
	}
	other := store.Settlement{Call: c.Call + 1, Verdicts: []store.Verdict{answer(c.Asks[1])}} // of no call: it is taken
	if err := k.spool.Put(store.Spooled{Call: &other}); err != nil {
		t.Fatal(err)
	}
	if err := k.drain(t.Context()); !errors.Is(err, errRefused) || k.spool.Len() != 1 {
		t.Fatalf("after the first drain %d are spooled, %v, want the one that is refused", k.spool.Len(), err)
	}
	for range 10 {
		now = now.Add(time.Minute)
		if err := k.drain(t.Context()); err != nil && !errors.Is(err, errRefused) {
			t.Fatal(err)
		}
	}
	if u := k.spool.Use(); u.Answers != 0 || u.Refused != 1 || k.full() {
		t.Fatalf("the spool tells %+v, and nothing is bought: %t", u, k.full())
	}
	st.refuses = 0
	next := &keeper{st: st, spool: k.spool, meter: noMeter{}, tracer: noTracer{}, log: zerolog.Nop()}
	if err := next.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := st.BatchByNo(t.Context(), no)
	if u := k.spool.Use(); err != nil || b.Counts[store.Found] != 1 || u.Refused != 0 {
		t.Errorf("counts %v, %v, %+v; want the answer stored", b.Counts, err, u)
	}
}
