package jobs

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// settlements is a store that notes what is settled of tickets, and when.
type settlements struct {
	store.Store
	fails error
	all   []store.TicketSettlement
	at    []time.Duration
	began time.Time
}

func (s *settlements) SettleTicket(_ context.Context, r store.TicketSettlement) (store.Settled, error) {
	s.all, s.at = append(s.all, r), append(s.at, time.Since(s.began))
	return store.Settled{Applied: len(r.Verdicts)}, s.fails
}

// inPass runs a test in a bubble, in a process of one call in flight.
func inPass(t *testing.T, test func(t *testing.T, h *held, s *settlements)) {
	t.Helper()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		p := w.join(1, Limits{Rate: Unlimited, Concurrency: 1})[0]
		s := &settlements{began: time.Now()}
		worker := &Worker{counts: newCounts(time.Now, noMeter{}), keeper: &keeper{st: s, meter: noMeter{}, tracer: noTracer{}},
			opts: WorkerOptions{Now: time.Now, Wake: func(string) {}}}
		l := &line{spec: providers.Spec{Name: "p"}, limiter: p.Limiter, log: zerolog.Nop()}
		test(t, &held{w: worker, l: l}, s)
	})
}

// pageOf is what a page brought about some asks.
func pageOf(asks ...store.AskID) store.TicketSettlement {
	s := store.TicketSettlement{ID: 7, Lease: 3, Polls: 1, Hold: true, Gates: store.GateChanges{Open: []string{"p", "p/items"}}}
	for _, a := range asks {
		s.Verdicts = append(s.Verdicts, store.Verdict{Ask: a, To: store.Found})
		s.Names = append(s.Names, a.Name())
		s.Readings = append(s.Readings, providers.Reading{Name: "credit"})
	}
	return s
}

func TestPagesThatFollowEachOtherAreSettledTogether(t *testing.T) {
	t.Parallel()
	inPass(t, func(t *testing.T, h *held, s *settlements) {
		h.add(pageOf(1, 2))
		permit, err := h.permit(t.Context(), h.wait(0))
		if err != nil || permit == nil || len(s.all) > 0 {
			t.Fatalf("got %v, %v with %d settlements, want a permit and none", permit, err, len(s.all))
		}
		permit.Release()
		last := pageOf(3)
		last.Hold, last.Close = false, true
		h.add(last)
		if err := h.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := pageOf(1, 2, 3)
		want.Polls, want.Hold, want.Close = 2, false, true
		if diff := cmp.Diff([]store.TicketSettlement{want}, s.all); diff != "" {
			t.Errorf("settled (-want +got):\n%s", diff)
		}
		if err := h.settle(t.Context()); err != nil || len(s.all) > 1 {
			t.Errorf("what is settled was settled again, %v", err)
		}
	})
}

// What an earlier page has passed, the refusal of a later one closes.
func TestAPageThatIsRefusedIsTheLastWordOnItsGate(t *testing.T) {
	t.Parallel()
	inPass(t, func(t *testing.T, h *held, s *settlements) {
		h.add(pageOf(1))
		closing := store.GateClose{Scope: "p", Class: providers.RateLimited, Until: time.Now().Add(time.Minute), Strikes: 3}
		h.add(store.TicketSettlement{ID: 7, Lease: 3, Polls: 1, Gates: store.GateChanges{Close: []store.GateClose{closing}}})
		if err := h.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := pageOf(1)
		want.Polls, want.Hold = 2, false
		want.Gates = store.GateChanges{Close: []store.GateClose{closing}, Open: []string{"p/items"}}
		if diff := cmp.Diff([]store.TicketSettlement{want}, s.all); diff != "" {
			t.Errorf("settled (-want +got):\n%s", diff)
		}
	})
}

func TestAPageWaitsForTheNextOnlyForSoLong(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		held  int           // answers
		page  time.Duration // what it took
		waits time.Duration
	}{
		{"quick pages", 200, 10 * time.Millisecond, heldFor - 10*time.Millisecond},
		{"slow pages", 200, heldFor, 0},
		{"a lot has come", maxHeld, 0, 0},
	} {
		inPass(t, func(t *testing.T, h *held, s *settlements) {
			other, err := h.l.limiter.Acquire(t.Context(), Submits)
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(3*time.Second, other.Release)
			s.began = time.Now()
			h.add(pageOf(slices.Repeat([]store.AskID{1}, tc.held)...))
			permit, err := h.permit(t.Context(), h.wait(tc.page))
			if err != nil || permit == nil || time.Since(s.began) < 3*time.Second {
				t.Fatalf("%s: got %v, %v after %v, want a permit when there is one", tc.name, permit, err, time.Since(s.began))
			}
			permit.Release()
			if !slices.Equal(s.at, []time.Duration{tc.waits}) {
				t.Errorf("%s: settled after %v, want %v", tc.name, s.at, tc.waits)
			}
		})
	}
}

func TestAPassEndsWhereAPageCannotBeSettled(t *testing.T) {
	t.Parallel()
	inPass(t, func(t *testing.T, h *held, s *settlements) {
		s.fails = errors.New("refused")
		other, err := h.l.limiter.Acquire(t.Context(), Submits)
		if err != nil {
			t.Fatal(err)
		}
		h.add(pageOf(1))
		if permit, err := h.permit(t.Context(), h.wait(0)); !errors.Is(err, s.fails) || permit != nil {
			t.Errorf("got %v, %v, want no permit and %v", permit, err, s.fails)
		}
		other.Release()
		synctest.Wait()
		again, err := h.l.limiter.Acquire(t.Context(), Submits)
		if err != nil {
			t.Fatal("the slot that was waited for is lost: ", err)
		}
		again.Release()
	})
}

func TestAPassThatIsEndedGivesBackWhatItHolds(t *testing.T) {
	t.Parallel()
	inPass(t, func(t *testing.T, h *held, s *settlements) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		h.add(pageOf(1))
		if permit, err := h.permit(ctx, h.wait(0)); err != nil || permit != nil {
			t.Fatalf("got %v, %v, want neither", permit, err)
		}
		ticket := store.OpenTicket{ID: 7, Lease: 3}
		if err := h.w.giveBack(ctx, ticket, h); err != nil {
			t.Fatal(err)
		}
		if err := h.w.giveBack(ctx, ticket, h); err != nil { // nothing is held by now
			t.Fatal(err)
		}
		if len(s.all) != 2 || len(s.all[0].Verdicts) != 1 || s.all[0].Hold || s.all[0].Due.IsZero() || s.all[1].Polls != 0 || s.all[1].Hold {
			t.Errorf("settled %+v, want the page and then nothing, each giving the ticket back", s.all)
		}
	})
}
