package web

import (
	"testing"
	"time"

	"github.com/plateq/plateq/client"
)

func TestTheTimeThatIsLeft(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		settled, open int
		left          time.Duration
		long          bool
	}{
		{0, 100, 0, false},
		{50, 100, 4 * time.Hour, false},
		{100, 0, 0, false},
		{1, 9_999_999, longest, true},
	} {
		b := client.Batch{State: client.Running, Rows: c.settled + c.open, CreatedAt: now.Add(-2 * time.Hour),
			Counts: map[client.Status]int{client.RowFound: c.settled, client.RowWaiting: c.open}}
		if p := progressOf(b, now); p.Left != c.left || p.Long != c.long {
			t.Errorf("%d settled, %d open: got %v, %t, want %v, %t", c.settled, c.open, p.Left, p.Long, c.left, c.long)
		}
	}
}
