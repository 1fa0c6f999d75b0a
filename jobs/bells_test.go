package jobs

import (
	"slices"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// TestTicketsAreRungForAsTheyAreTaken: of a thousand that are due at once a few
// are rung for, those that were due first, and others as these are taken.
func TestTicketsAreRungForAsTheyAreTaken(t *testing.T) {
	t.Parallel()
	due := make([]store.TicketRef, 1000)
	for i := range due {
		due[i].ID = store.TicketID(i + 1)
	}
	b := &bells{tickets: map[store.TicketID]rung{}}
	ring := func(now time.Time) (ids []store.TicketID) {
		for _, r := range b.nextTickets(slices.Clone(due), 4, now) {
			b.tickets[r.ID] = rung{ring: r.Polls, at: now}
			ids = append(ids, r.ID)
		}
		return ids
	}
	for _, step := range []struct {
		name  string
		taken []store.TicketID
		after time.Duration
		want  []store.TicketID
	}{
		{"at first", nil, 0, []store.TicketID{1, 2, 3, 4}},
		{"none is taken", nil, time.Second, nil},
		{"two are taken", []store.TicketID{1, 3}, time.Second, []store.TicketID{5, 6}},
		{"nobody heard", nil, ringAgain + time.Second, []store.TicketID{2, 4, 5, 6}},
	} {
		due = slices.DeleteFunc(due, func(r store.TicketRef) bool { return slices.Contains(step.taken, r.ID) })
		if got := ring(noon.Add(step.after)); !slices.Equal(got, step.want) {
			t.Errorf("%s: got %v rung for, want %v", step.name, got, step.want)
		}
	}
}

// TestListsThatComeBackAreRungForAtOnce: what was rung for before a list was
// paused was in vain, that of others was not.
func TestListsThatComeBackAreRungForAtOnce(t *testing.T) {
	t.Parallel()
	first, second := store.ChunkRef{ID: store.NewAskID(1, 0)}, store.ChunkRef{ID: store.NewAskID(2, 0)}
	b := &bells{chunks: map[store.ChunkID]rung{}, served: map[store.BatchNo]float64{}, fresh: map[store.BatchNo]bool{}}
	both := []store.Turn{{Batch: 1, Weight: 1}, {Batch: 2, Weight: 1}}
	b.keepServed(both)
	for _, c := range []store.ChunkRef{first, second} {
		b.chunks[c.ID] = rung{ring: c.Ring, at: noon}
	}
	b.keepServed(both[1:])
	if !b.rung(first, noon, false) {
		t.Error("a list that is paused is rung for again")
	}
	b.keepServed(both)
	if b.rung(first, noon, false) || !b.rung(second, noon, false) {
		t.Errorf("rung for: %v of the list that came back, %v of the other", b.rung(first, noon, false), b.rung(second, noon, false))
	}
}

func TestTicketWindow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		limits Limits
		want   int
	}{
		{Limits{Rate: 1, Concurrency: 4}, 8},
		{Limits{Rate: 50, Concurrency: 4}, 100},
		{Limits{Rate: 0.1}, 2},
		{Limits{}, maxTickets},
		{Limits{Rate: Unlimited}, 10 * maxTickets},
	} {
		e := &Enqueuer{opts: EnqueuerOptions{Limits: map[string]Limits{"acme": tc.limits}}}
		if got := e.ticketWindow("acme"); got != tc.want {
			t.Errorf("%+v: got %d tickets, want %d", tc.limits, got, tc.want)
		}
	}
}

// Two chunks, of which some questions are asked at a time, would leave most
// slots of a provider without a pace empty.
func TestTheWindowOfLookupsFillsTheSlots(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		limits Limits
		size   int
		chunks int
	}{
		{"no pace", Limits{Rate: Unlimited, Concurrency: 64}, maxChunk, 7},
		{"no pace, many at a time", Limits{Rate: Unlimited, Concurrency: 400}, maxChunk, 7},
		{"no pace, few at a time", Limits{Rate: Unlimited, Concurrency: 20}, maxChunk, 4},
		{"no pace, one at a time", Limits{Rate: Unlimited, Concurrency: 1}, maxChunk, 2},
		{"50 a second", Limits{Rate: 50, Concurrency: 64}, 50, 3},
	} {
		e := &Enqueuer{opts: EnqueuerOptions{Limits: map[string]Limits{"p": tc.limits}}}
		size, chunks, _ := e.window(t.Context(), providers.Spec{Name: "p", MaxBatch: 1})
		if size != tc.size || chunks != tc.chunks {
			t.Errorf("%s: %d chunks of %d, want %d of %d", tc.name, chunks, size, tc.chunks, tc.size)
		}
	}
}
