package jobs

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// refuse plays a chunk of n asks at a provider that refuses every call with a
// bad one in it, and returns how many calls it took. It fails the test unless
// just the bad ones failed, each alone in its call.
func refuse(t *testing.T, n int, bad ...int) int {
	t.Helper()
	p := testPolicy(true)
	p.spec.MaxBatch = n
	chunk := store.NewChunk(store.NewAskID(1, 0), n)
	calls := 0
	for queued, _, _ := chunk.Count(); queued > 0; queued, _, _ = chunk.Count() {
		if calls++; calls > 100*n {
			t.Fatalf("%d asks: no end after %d calls", n, calls)
		}
		claim := store.Claim{Part: chunk.Part}
		taken, _ := chunk.Take(n, noon, nil)
		for _, i := range taken {
			claim.Asks = append(claim.Asks, store.Ask{ID: chunk.Ask(i)})
		}
		refused := slices.ContainsFunc(taken, func(i int) bool { return slices.Contains(bad, i) })
		outs := failAll(claim, &providers.Error{Class: providers.InvalidInput, Code: "BadParameters"})
		for i := range outs {
			if !refused {
				outs[i] = providers.Outcome{Ref: outs[i].Ref, Record: &providers.Record{Result: []byte(`{}`)}}
			}
		}
		s := p.judge(claim, noon, outs)
		if _, err := chunk.Settle(store.Holding{Open: taken, Carried: len(taken)}, s.Verdicts, s.Rest, noon); err != nil {
			t.Fatal(err)
		}
		chunk.Bind(s.Part)
	}
	for i := range n {
		want := store.Found
		if slices.Contains(bad, i) {
			want = store.Failed
		}
		if got := chunk.State(i); got != want {
			t.Fatalf("%d asks, %v bad: ask %d is %s, want %s", n, bad, i, got, want)
		}
	}
	return calls
}

// bound is how many calls one bad ask among n may cost.
func bound(n int) float64 { return 2*math.Log2(float64(n)) + 2 }

// count plays refuse without its books, for one bad ask.
func count(n, bad int) (calls int) {
	var part store.Part
	for queued := n; queued > 0; {
		calls++
		took := queued
		if limit := part.Limit(); limit > 0 {
			took = min(took, limit)
		}
		refused := bad >= 0 && bad < took
		switch next := narrow(part, took, n, refused); next {
		case 0:
		case store.NoBound:
			part = 0
		default:
			part = next
		}
		if !refused {
			queued, bad = queued-took, bad-took
		} else if took == 1 {
			queued, bad = queued-1, -1
		}
	}
	return calls
}

func TestOneBadAskIsFoundWithinTheBound(t *testing.T) {
	t.Parallel()
	worst := 0
	for n := 1; n <= 500; n++ {
		for bad := range n {
			calls := count(n, bad)
			if float64(calls) > bound(n) {
				t.Errorf("%d asks, ask %d bad: %d calls, want at most %.1f", n, bad, calls, bound(n))
			}
			worst = max(worst, calls)
		}
	}
	t.Logf("at most %d calls among 500", worst)
	for _, n := range []int{1, 2, 3, 5, 9, 64, 65, 500} {
		for _, bad := range []int{0, n / 3, n / 2, n - 1} {
			if got, want := refuse(t, n, bad), count(n, bad); got != want {
				t.Errorf("%d asks, ask %d bad: %d calls, counted %d", n, bad, got, want)
			}
		}
	}
}

func TestSeveralBadAsksCostTheBoundEach(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := 2 + r.IntN(499)
		k := 1 + r.IntN(min(n, 20))
		bad := r.Perm(n)[:k]
		if calls := refuse(t, n, bad...); float64(calls) > float64(k)*bound(n) {
			t.Errorf("%d asks, %d bad: %d calls, want at most %.1f", n, k, calls, float64(k)*bound(n))
		}
	}
}

func TestAllBadCostsFewCallsEach(t *testing.T) {
	t.Parallel()
	all := make([]int, 500)
	for i := range all {
		all[i] = i
	}
	if calls := refuse(t, 500, all...); calls > 4*500 {
		t.Errorf("%d calls for 500 bad asks, want at most 4 each", calls)
	}
}

// A provider that refuses the whole and takes each part is asked on in large
// calls, and to the end.
func TestNobodyToBlameAlone(t *testing.T) {
	t.Parallel()
	part := narrow(0, 8, 500, true)
	for _, want := range []store.Part{store.Suspects(4), store.Suspects(2), store.Suspects(1), store.NoBound} {
		n := part.Limit()
		if part = narrow(part, n, 500, false); part != want {
			t.Fatalf("after %d were taken: bound %d, want %d", n, part, want)
		}
	}
}
