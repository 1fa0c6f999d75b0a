package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/store"
)

var noon = time.Date(2031, 5, 6, 12, 0, 0, 0, time.UTC)

var home = store.NewAskID(7, 40)

// sending is a chunk of n asks in sending, and what its call holds.
func sending(n int) (*store.Chunk, store.Holding) {
	c := store.NewChunk(home, n)
	taken, _ := c.Take(0, noon, nil)
	return c, store.Holding{Open: taken, Carried: n}
}

func settle(t *testing.T, c *store.Chunk, h store.Holding, verdicts ...store.Verdict) store.Ruling {
	t.Helper()
	r, err := c.Settle(h, verdicts, nil, noon)
	if err != nil {
		t.Fatalf("settle: %v", err)
	}
	return r
}

// verdict is a sound one that leads to the state.
func verdict(i int, to store.State) store.Verdict {
	v := store.Verdict{Ask: home + store.AskID(i), To: to, Answer: &store.Answer{At: noon}}
	if to == store.Failed {
		v.Answer.Failure = &store.Failure{Class: store.ClassProviderError}
	}
	return v
}

func states(c *store.Chunk) []store.State {
	var all []store.State
	for i := range c.Len() {
		all = append(all, c.State(i))
	}
	return all
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

func TestTakeIsBounded(t *testing.T) {
	t.Parallel()
	even := func(a store.AskID) bool { return a.Pos()%2 == 0 }
	for _, tc := range []struct {
		name   string
		limit  int
		part   store.Part
		wanted func(store.AskID) bool
		want   store.Offsets
	}{
		{"all", 0, 0, nil, store.Offsets{0, 1, 2, 3, 4}},
		{"by the caller", 2, 0, nil, store.Offsets{0, 1}},
		{"by the chunk", 4, 3, nil, store.Offsets{0, 1, 2}},
		{"half of the suspects", 0, store.Suspects(3), nil, store.Offsets{0, 1}},
		{"the last suspect", 0, store.Suspects(1), nil, store.Offsets{0}},
		{"by who wants them", 2, 0, even, store.Offsets{0, 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := store.NewChunk(home, 5)
			c.Part = tc.part
			taken, moves := c.Take(tc.limit, noon, tc.wanted)
			equal(t, "taken", taken, tc.want)
			queued, _, open := c.Count()
			equal(t, "queued and open", []int{queued, open}, []int{5 - len(taken), 5})
			for i, m := range moves {
				equal(t, "move", m, store.Move{Ask: c.Ask(taken[i]), From: store.Queued, To: store.Sending})
			}
		})
	}
}

// Asks that were attempted wait for their time, behind those that were not, but
// where a bound has all taken in their order.
func TestTakePrefersFreshAsks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		part  store.Part
		limit int
		after time.Duration
		want  []store.Offsets
		ready []int // before each of them
	}{
		{"before the time", 0, 2, -time.Millisecond, []store.Offsets{{1, 2}, {4}, nil}, []int{3, 1, 0}},
		{"at the time", 0, 2, 0, []store.Offsets{{1, 2}, {0, 4}, {3}}, []int{5, 3, 1}},
		{"all at once", 0, 0, 0, []store.Offsets{{0, 1, 2, 3, 4}}, []int{5}},
		{"under a bound, before the time", 3, 0, -time.Millisecond, []store.Offsets{nil}, []int{0}},
		{"under a bound, at the time", 3, 0, 0, []store.Offsets{{0, 1, 2}}, []int{5}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, h := sending(5)
			retried := store.Verdict{To: store.Queued, Counted: true}
			first, third := retried, retried
			first.Ask, third.Ask = home, home+3
			r, err := c.Settle(h, []store.Verdict{first, third}, &store.Verdict{To: store.Queued}, noon)
			if err != nil {
				t.Fatal(err)
			}
			c.Wait(r, noon.Add(time.Minute))
			c.Wait(r, noon) // the later time counts
			c.Part = tc.part
			now := noon.Add(time.Minute + tc.after)
			for i, want := range tc.want {
				equal(t, "how many are ready", c.CountReady(now), tc.ready[i])
				taken, _ := c.Take(tc.limit, now, nil)
				equal(t, "taken", taken, want)
			}
		})
	}
}

// While one to blame is looked for, each call waits for what the last one told.
func TestTakeOneCallAtATimeUnderABound(t *testing.T) {
	t.Parallel()
	for _, bound := range []store.Part{store.Suspects(4), 2} {
		c := store.NewChunk(home, 5)
		c.Part = bound
		first, _ := c.Take(0, noon, nil)
		beside, moves := c.Take(0, noon, nil)
		equal(t, "beside", []int{len(beside), len(moves)}, []int{0, 0})
		if _, err := c.Settle(store.Holding{Open: first, Carried: 2}, nil, &store.Verdict{To: store.Unknown}, noon); err != nil {
			t.Fatal(err)
		}
		next, _ := c.Take(0, noon, nil)
		equal(t, "after it", next, store.Offsets{2, 3})
	}
}

func TestChunkSurvives(t *testing.T) {
	t.Parallel()
	c, h := sending(3)
	settle(t, c, h, store.Verdict{Ask: home, To: store.Queued, Counted: true, Died: true}, verdict(1, store.Found))
	got, err := store.LoadChunk(home, c.Part, slices.Clone(c.Marks()))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "states", states(got), []store.State{store.Queued, store.Found, store.Sending})
	equal(t, "mark", got.Mark(0), store.Mark{State: store.Queued, Attempts: 1, Deaths: 1})
	equal(t, "part", got.Part, store.Part(2))
	for _, damaged := range [][]byte{nil, {1}, {0, 0}, {byte(store.Cancelled), 0}} {
		if _, err := store.LoadChunk(home, 0, damaged); err == nil {
			t.Errorf("marks %v were read", damaged)
		}
	}
}

// A chunk makes no move that the table of states does not have, and counts
// what it refuses.
func TestSettleKeepsToTheTable(t *testing.T) {
	t.Parallel()
	all := []store.State{store.Queued, store.Sending, store.Waiting, store.Found, store.NotFound, store.Failed, store.Unknown, store.Dropped}
	for _, from := range all {
		for _, to := range []store.State{store.Queued, store.Waiting, store.Found, store.NotFound, store.Failed, store.Unknown} {
			c, err := store.LoadChunk(home, 0, []byte{byte(from), 0})
			if err != nil {
				t.Fatal(err)
			}
			r := settle(t, c, store.Holding{Open: store.Offsets{0}, Carried: 1}, verdict(0, to))
			if got, want := c.State(0) == to && len(r.Moves) == 1, store.CanMove(from, to); got != want {
				t.Errorf("%s to %s: moved %t, want %t", from, to, got, want)
			}
			if got, want := r.Refused, 1-len(r.Moves); got != want {
				t.Errorf("%s to %s: refused %d, want %d", from, to, got, want)
			}
		}
	}
}

func TestSettleRefusesWhatIsNotHeld(t *testing.T) {
	t.Parallel()
	c, h := sending(3)
	h.Open = store.Offsets{1}
	r := settle(t, c, h, verdict(0, store.Found), verdict(1, store.Found), verdict(1, store.NotFound), verdict(9, store.Found))
	equal(t, "states", states(c), []store.State{store.Sending, store.Found, store.Sending})
	equal(t, "refused", r.Refused, 3)
	equal(t, "open", len(r.Open), 0)
	equal(t, "answers", r.Answers, []store.Answered{{Ask: home + 1, Answer: store.Answer{At: noon}, By: 1}})
}

func TestSettleRest(t *testing.T) {
	t.Parallel()
	c, h := sending(3)
	r, err := c.Settle(h, []store.Verdict{verdict(1, store.Found)}, &store.Verdict{To: store.Unknown}, noon)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "states", states(c), []store.State{store.Unknown, store.Found, store.Unknown})
	equal(t, "open", r.Open, store.Offsets{0, 2})
}

func TestSettleWaiting(t *testing.T) {
	t.Parallel()
	c, h := sending(3)
	wait := func(i, ticket int) store.Verdict {
		return store.Verdict{Ask: home + store.AskID(i), To: store.Waiting, Ticket: ticket}
	}
	r := settle(t, c, h, wait(2, 0), wait(0, 0), wait(1, 1))
	equal(t, "waiting", r.Waiting, map[int]store.Offsets{0: {0, 2}, 1: {1}})
	equal(t, "open", len(r.Open), 0)
}

// What failed so that a late answer counts stays with its holder, and only an
// answer moves it.
func TestLateAnswers(t *testing.T) {
	t.Parallel()
	for _, class := range []store.ErrorClass{
		store.ClassProviderTimeout, store.ClassMissing, store.ClassGivenUp, store.ClassProviderError, store.ClassUnavailable,
	} {
		c, h := sending(1)
		failed := verdict(0, store.Failed)
		failed.Answer.Failure.Class = class
		h.Open = settle(t, c, h, failed).Open
		late := settle(t, c, h, verdict(0, store.Queued), verdict(0, store.Found))
		want := 0
		if class.LateAnswersCount() {
			want = 1
		}
		equal(t, "late after "+string(class), []int{len(late.Moves), late.Late}, []int{want, want})
	}
}

func TestAnswersOnly(t *testing.T) {
	t.Parallel()
	c, h := sending(3)
	h.AnswersOnly = true
	r := settle(t, c, h, verdict(0, store.Found), verdict(1, store.Failed), verdict(2, store.Unknown))
	equal(t, "states", states(c), []store.State{store.Found, store.Sending, store.Sending})
	equal(t, "refused", r.Refused, 2)
}

// Of many asks only the one that takes the program down ends as poison, in
// few calls.
func TestPoisonIsFound(t *testing.T) {
	t.Parallel()
	const n, poison = 500, 377
	c := store.NewChunk(home, n)
	calls := 0
	for queued, _, _ := c.Count(); queued > 0; queued, _, _ = c.Count() {
		calls++
		taken, _ := c.Take(0, noon, nil)
		rest := verdict(0, store.Found)
		if slices.Contains(taken, poison) {
			rest = store.Verdict{To: store.Queued, Died: true}
		}
		if _, err := c.Settle(store.Holding{Open: taken, Carried: len(taken)}, nil, &rest, noon); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range states(c) {
		if want := store.Found; i != poison && s != want {
			t.Fatalf("ask %d is %s, want %s", i, s, want)
		}
	}
	equal(t, "the poison", c.State(poison), store.Failed)
	equal(t, "part", c.Part, store.Part(0))
	if calls > 600 {
		t.Errorf("it took %d calls", calls)
	}
}

func TestPoisonTakesThreeDeaths(t *testing.T) {
	t.Parallel()
	c := store.NewChunk(home, 1)
	for death := 1; death <= 3; death++ {
		taken, _ := c.Take(0, noon, nil)
		r := settle(t, c, store.Holding{Open: taken, Carried: 1}, store.Verdict{Ask: home, To: store.Queued, Died: true})
		if death < 3 {
			equal(t, "state", c.State(0), store.Queued)
			continue
		}
		equal(t, "state", c.State(0), store.Failed)
		equal(t, "class", r.Answers[0].Answer.Failure.Class, store.ClassPoison)
		equal(t, "attempts", c.Mark(0), store.Mark{State: store.Failed, Deaths: 3})
	}
}

func TestVerdictsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	c, h := sending(1)
	if _, err := c.Settle(h, []store.Verdict{{Ask: home, To: store.Failed}}, nil, noon); err == nil {
		t.Error("an ask failed without a failure")
	}
	h.Open = store.Offsets{5}
	if _, err := c.Settle(h, nil, nil, noon); err == nil {
		t.Error("a call holds an ask that the chunk does not have")
	}
}

func TestDrop(t *testing.T) {
	t.Parallel()
	c := store.NewChunk(home, 2)
	c.Take(1, noon, nil)
	if _, ok := c.Drop(0); ok {
		t.Error("an ask was dropped while it was sent")
	}
	m, ok := c.Drop(1)
	equal(t, "move", m, store.Move{Ask: home + 1, From: store.Queued, To: store.Dropped})
	equal(t, "dropped", ok, true)
}
