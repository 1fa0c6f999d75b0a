package store_test

import (
	"testing"

	"github.com/plateq/plateq/store"
)

// A spool knows of which calls it holds outcomes, also when another process
// opens it.
func TestSpoolSaysOfWhichCallsItHoldsOutcomes(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	has := func(when string, calls ...store.CallID) {
		t.Helper()
		for c := store.CallID(1); c < 9; c++ {
			want := false
			for _, held := range calls {
				want = want || c == held
			}
			if got := p.Has(c); got != want {
				t.Errorf("%s: of call %d %t, want %t", when, c, got, want)
			}
		}
	}
	has("empty")
	put(t, p, 2, 5) // calls 2 and 4, and ticket 3
	has("as it was put", 2, 4)
	p.Close()
	p = openSpool(t, dir, s)
	has("opened again", 2, 4)
	if _, err := p.Drain(t.Context(), func(s store.Spooled) error {
		if numberOf(s) == 3 {
			return store.ErrAway
		}
		return nil
	}); err == nil {
		t.Fatal("all was drained")
	}
	has("one is applied", 4)
	drained(t, p, 3, 5)
	has("all are")
}

// What cannot be read may be of any call, until it is set aside.
func TestSpoolWithDamageMayHoldOutcomesOfAnyCall(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	damage(t, dir, s)
	p := openSpool(t, dir, s)
	if !p.Has(77) {
		t.Error("there is none of a call that may be the damaged one")
	}
	if _, err := p.Drain(t.Context(), func(store.Spooled) error { return nil }); !isDamaged(err) {
		t.Fatal(err)
	}
	if p.Has(77) {
		t.Error("there is one when all is drained and the damaged one set aside")
	}
}
