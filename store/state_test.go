package store_test

import (
	"strings"
	"testing"

	"github.com/plateq/plateq/store"
)

// settled are the states of an ask in which no work on it goes on.
var settled = map[store.State]bool{
	store.Found: true, store.NotFound: true, store.Failed: true, store.Unknown: true, store.Dropped: true,
}

func TestTransitionsAreOneTable(t *testing.T) {
	t.Parallel()
	seen := map[store.Transition]bool{}
	to := map[[2]string]store.State{}
	for _, tr := range store.Transitions() {
		if seen[tr] {
			t.Errorf("%v is there twice", tr)
		}
		seen[tr] = true
		key := [2]string{tr.From.String(), string(tr.Event)}
		if first, ok := to[key]; ok {
			t.Errorf("from %s, %q leads to %s and to %s", tr.From, tr.Event, first, tr.To)
		}
		to[key] = tr.To
		for _, s := range []store.State{tr.From, tr.To} {
			if s == store.Cancelled || s < store.Queued || s > store.Cancelled {
				t.Errorf("%v names %s, which no ask can be in", tr, s)
			}
		}
		if tr.From == tr.To {
			t.Errorf("%v leads nowhere", tr)
		}
	}
	table := store.Transitions()
	table[0].To = store.Failed
	if store.Transitions()[0].To == store.Failed || !store.CanMove(store.Queued, store.Sending) {
		t.Error("who changes the returned table changes the rules")
	}
}

func TestSettledAsksMoveOnlyByLateWord(t *testing.T) {
	t.Parallel()
	late := map[store.Event]bool{store.EvFoundLate: true, store.EvNoneLate: true, store.EvAdopt: true, store.EvGiveUp: true}
	for _, tr := range store.Transitions() {
		switch {
		case !settled[tr.From]:
		case tr.From == store.Unknown && (tr.Event == store.EvFail || tr.Event == store.EvTicket):
			// The call's own answer came after all.
		case !late[tr.Event]:
			t.Errorf("%v moves a settled ask", tr)
		}
		if tr.From == store.Found || tr.From == store.NotFound || tr.From == store.Dropped {
			t.Errorf("%v moves what was final", tr)
		}
		if tr.To == store.Queued && tr.From != store.Sending || tr.To == store.Sending && tr.From != store.Queued {
			t.Errorf("%v may pay for an ask twice", tr)
		}
	}
}

func TestEveryStateOfAnAskIsReached(t *testing.T) {
	t.Parallel()
	reached := map[store.State]bool{store.Queued: true}
	for range store.Transitions() {
		for _, tr := range store.Transitions() {
			reached[tr.To] = reached[tr.To] || reached[tr.From]
		}
	}
	for s := store.Queued; s <= store.Dropped; s++ {
		if !reached[s] {
			t.Errorf("nothing leads to %s", s)
		}
	}
}

func TestCanMoveAgreesWithTheTable(t *testing.T) {
	t.Parallel()
	listed := map[[2]store.State]bool{}
	for _, tr := range store.Transitions() {
		listed[[2]store.State{tr.From, tr.To}] = true
	}
	for from := range store.State(255) {
		for to := range store.State(255) {
			if got, want := store.CanMove(from, to), listed[[2]store.State{from, to}]; got != want {
				t.Errorf("CanMove(%s, %s) = %t, want %t", from, to, got, want)
			}
		}
	}
}

func TestStatesAreWrittenAndRead(t *testing.T) {
	t.Parallel()
	for _, s := range store.RowStates() {
		if got, ok := store.ParseState(s.String()); !ok || got != s {
			t.Errorf("%q is read as %s (%t)", s.String(), got, ok)
		}
	}
	for _, name := range []string{"", "dropped", "Queued", "state(0)"} {
		if s, ok := store.ParseState(name); ok {
			t.Errorf("%q is read as %s", name, s)
		}
	}
	for _, s := range []store.State{0, store.Cancelled + 1, 255} {
		if !strings.HasPrefix(s.String(), "state(") {
			t.Errorf("state %d has the name %s", uint8(s), s)
		}
	}
}

// TestStateNumbersStay: they are stored.
func TestStateNumbersStay(t *testing.T) {
	t.Parallel()
	for n, name := range []string{"state(0)", "queued", "sending", "waiting", "found", "not_found", "failed", "unknown", "dropped", "invalid", "cancelled"} {
		if got := store.State(n).String(); got != name {
			t.Errorf("state %d is %s, want %s", n, got, name)
		}
	}
}

func TestOpenStatesAreThoseInWork(t *testing.T) {
	t.Parallel()
	for s := store.Queued; s <= store.Dropped; s++ {
		if s.Open() == settled[s] {
			t.Errorf("%s: open %t, settled %t", s, s.Open(), settled[s])
		}
	}
	counts := store.Counts{store.Queued: 1, store.Sending: 2, store.Waiting: 4, store.Found: 8, store.Unknown: 16, store.Invalid: 32, store.Cancelled: 64}
	if counts.Open() != 7 || counts.Total() != 127 {
		t.Errorf("open %d of %d, want 7 of 127", counts.Open(), counts.Total())
	}
}

func TestIDsHoldTheirParts(t *testing.T) {
	t.Parallel()
	for _, pos := range []int{0, 1, 1<<31 - 1} {
		for _, home := range []store.BatchNo{1, 7, 1<<31 - 1} {
			if a := store.NewAskID(home, pos); a.Home() != home || a.Pos() != pos {
				t.Errorf("ask %d of batch %d is ask %d of batch %d", pos, home, a.Pos(), a.Home())
			}
			if r := store.NewRowID(home, pos); r.Number() != pos {
				t.Errorf("row %d is row %d", pos, r.Number())
			}
		}
	}
}
