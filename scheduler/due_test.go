package scheduler

import (
	"context"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// dues is a store that knows nothing but when tickets are due.
type dues struct {
	store.Store
	at []time.Time
}

func (d dues) NextDue(_ context.Context, _ string, then time.Time) (next time.Time, err error) {
	for _, t := range d.at {
		if t.After(then) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next, nil
}

// TestATicketIsRungForAtItsTime, though others are overdue.
func TestATicketIsRungForAtItsTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	set, err := providers.NewSet()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		due  []time.Duration // from now
		want time.Duration
	}{
		"none":                   {want: idle},
		"one that is overdue":    {due: []time.Duration{-time.Minute, 0}, want: idle},
		"one in a while":         {due: []time.Duration{300 * time.Millisecond}, want: 300 * time.Millisecond},
		"behind an overdue one":  {due: []time.Duration{-time.Minute, 300 * time.Millisecond}, want: 300 * time.Millisecond},
		"one at any moment":      {due: []time.Duration{time.Millisecond}, want: dueCalm},
		"one in a long time yet": {due: []time.Duration{time.Hour}, want: idle},
	} {
		var d dues
		for _, in := range tc.due {
			d.at = append(d.at, now.Add(in))
		}
		s := New(Options{Store: d, Providers: set, Now: func() time.Time { return now }})
		if got := s.untilDue(t.Context(), "acme"); got != tc.want {
			t.Errorf("%s: got a pause of %v, want %v", name, got, tc.want)
		}
	}
}
