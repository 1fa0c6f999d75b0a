package jobs

import (
	"context"
	"testing"

	"github.com/plateq/plateq/store"
)

// slowStore is a store that says when it was given an outcome, and takes it
// when it is told to.
type slowStore struct {
	store.Store
	given, accept chan struct{}
}

func (s *slowStore) Settle(ctx context.Context, o store.Settlement) (store.Settled, error) {
	s.given <- struct{}{}
	<-s.accept
	return s.Store.Settle(ctx, o)
}

// TestWhatIsAtHand is an outcome from when it came until the store has it.
func TestWhatIsAtHand(t *testing.T) {
	t.Parallel()
	k, st, c, _ := claimed(t)
	w := &Worker{keeper: k}
	want := func(when string, held, other bool) {
		t.Helper()
		if w.Holds(c.Call) != held || w.Holds(c.Call+1) != other {
			t.Errorf("%s: got %t, of another call %t, want %t and %t", when, w.Holds(c.Call), w.Holds(c.Call+1), held, other)
		}
	}
	want("before it came", false, false)

	st.full = true
	if _, err := k.settle(t.Context(), store.Settlement{Call: c.Call, Verdicts: []store.Verdict{answer(c.Asks[0])}}); err != nil {
		t.Fatal(err)
	}
	want("while it is in the spool", true, false)

	st.full = false
	if err := k.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("when the store has it", false, false)

	slow := &slowStore{Store: st, given: make(chan struct{}), accept: make(chan struct{})}
	k.st = slow
	ended := make(chan error)
	go func() {
		_, err := k.settle(t.Context(), store.Settlement{Call: c.Call, Verdicts: []store.Verdict{answer(c.Asks[1])}})
		ended <- err
	}()
	<-slow.given
	want("while the store takes it", true, false)
	close(slow.accept)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	want("when it has", false, false)
}
