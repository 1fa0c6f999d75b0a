package jobs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// takes is a store that takes counts, or refuses them.
type takes struct {
	store.Monitoring
	err error
	got []store.Count
}

func (s *takes) AddCounts(_ context.Context, all []store.Count) error {
	if s.err == nil {
		s.got = append(s.got, all...)
	}
	return s.err
}

func TestCounts(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	minute := now.Truncate(time.Minute)
	c := newCounts(func() time.Time { return now }, noMeter{})
	c.request("attestr", "submit", 180*time.Millisecond, nil)
	c.request("attestr", "submit", 170*time.Millisecond, &providers.Error{Class: providers.NotFound})
	c.request("attestr", "submit", time.Hour, &providers.Error{Class: providers.RateLimited})
	c.settled("attestr", store.Settled{
		Moved:  store.Counts{store.Found: 3, store.NotFound: 2, store.Queued: 9},
		Billed: store.Cost{Currency: "INR", Held: -5 * store.One, Spent: 5 * store.One},
	})
	c.settled("regnum", store.Settled{Moved: store.Counts{store.Failed: 1, store.Unknown: 4}, Billed: store.Cost{Spent: store.One}})

	full := &takes{err: store.ErrFull}
	if err := c.write(t.Context(), full); !errors.Is(err, store.ErrFull) {
		t.Errorf("write to a store that is full: got %v, want %v", err, store.ErrFull)
	}
	c.settled("regnum", store.Settled{Moved: store.Counts{store.Failed: 1}})
	st := &takes{}
	for range 2 { // the second time there is nothing left
		if err := c.write(t.Context(), st); err != nil {
			t.Fatalf("write: %v", err)
		}
	}
	want := []store.Count{
		{Provider: "attestr", At: minute, Measure: "error/rate_limited", N: 1},
		{Provider: "attestr", At: minute, Measure: store.MeasureFound, N: 3},
		{Provider: "attestr", At: minute, Measure: store.MeasureNotFound, N: 2},
		{Provider: "attestr", At: minute, Measure: store.MeasureRequests, N: 3},
		{Provider: "attestr", At: minute, Measure: "spent/INR", N: int64(5 * store.One)},
		{Provider: "attestr", At: minute, Measure: "took/200ms", N: 2},
		{Provider: "attestr", At: minute, Measure: "took/5m0s", N: 1},
		{Provider: "regnum", At: minute, Measure: store.MeasureFailed, N: 2},
		{Provider: "regnum", At: minute, Measure: store.MeasureUnknown, N: 4},
	}
	if d := cmp.Diff(want, store.SumCounts(st.got, store.Minutes)); d != "" {
		t.Errorf("counts differ (-want +got):\n%s", d)
	}
}

func TestFirstError(t *testing.T) {
	t.Parallel()
	limited := &providers.Error{Class: providers.RateLimited}
	tests := map[string]struct {
		outs []providers.Outcome
		want error
	}{
		"nothing":   {nil, nil},
		"answers":   {[]providers.Outcome{{}, {Err: &providers.Error{Class: providers.NotFound}}}, nil},
		"one error": {[]providers.Outcome{{}, {Err: limited}}, limited},
	}
	for name, tt := range tests {
		if got := firstError(tt.outs); !errors.Is(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}
