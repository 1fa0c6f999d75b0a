package scheduler_test

import (
	"slices"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
)

// TestPagesAreReadAtTheirTime looks 1,000 plates up, in two batches whose
// records become final evenly within five minutes, under a clock that is moved
// to when the next ticket is due. Half way another process takes over, and goes
// on with what the store holds.
func TestPagesAreReadAtTheirTime(t *testing.T) {
	t.Parallel()
	const within = 5 * time.Minute
	for name, tc := range map[string]struct {
		order string
		times int           // the fewest requests, at most
		delay time.Duration // in the middle, at most; at random on the average
	}{
		"in order": {sim.PageOrder, 3, 15 * time.Second},
		// Neither process knows the provider, and there is no Redis to tell.
		"at random": {sim.RandomOrder, 11, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := sim.Fast()
			o.Answers = sim.Answers{Found: 100}
			o.Completion = sim.Completion{Min: time.Millisecond, Max: within, Order: tc.order}
			w := newWorksOf(t, o, 500)
			b, began := w.list(1000), w.now()
			moved := false
			for w.once(); w.counts(b).Open() > 0; w.once() {
				w.add(w.untilDue())
				if !moved && w.now().Sub(began) > within/2 {
					moved = true
					if err := w.store.Close(); err != nil {
						t.Fatal(err)
					}
					w.open("second")
				}
			}
			delays := w.delays(b, began, within)
			middle, sum := delays[len(delays)/2], time.Duration(0)
			for _, d := range delays {
				sum += d
			}
			if mean := sum / time.Duration(len(delays)); tc.order == sim.RandomOrder {
				middle = mean
			}
			stats := w.sim.Stats()
			polls, fewest := stats.Requests["items"], 0
			for _, n := range stats.FewestPolls {
				fewest += n
			}
			t.Logf("%d polls, %.1f times the fewest, delay %v", polls, float64(polls)/float64(fewest), middle)
			if fewest != 10 || polls > tc.times*fewest || middle > tc.delay {
				t.Errorf("got %d polls where %d are the fewest, and a delay of %v; want at most %d times as many, and %v",
					polls, fewest, middle, tc.times, tc.delay)
			}
		})
	}
}

// untilDue is how long it is until the next ticket is due.
func (w *works) untilDue() time.Duration {
	w.t.Helper()
	next, err := w.store.NextDue(w.t.Context(), "attestr", w.now())
	if err != nil || next.IsZero() {
		w.t.Fatalf("got %v, %v as the next due time, want one while rows are open", next, err)
	}
	return next.Sub(w.now())
}

// delays are those between the time at which each row of a list in two batches
// was final, if they followed its order, and its answer, in order of length.
// At random only their mean means something.
func (w *works) delays(b store.BatchNo, began time.Time, within time.Duration) []time.Duration {
	w.t.Helper()
	var all []time.Duration
	err := w.store.Rows(w.t.Context(), b, store.RowFilter{}, func(r store.Row) error {
		final := time.Duration((r.Number-1)%500) * within / 500
		all = append(all, r.Answer.At.Sub(began)-final)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
