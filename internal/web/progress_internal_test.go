package web

import (
	"testing"
	"time"

	"github.com/plateq/plateq/client"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// running is a batch of which so many rows are settled, so long after it came in.
func running(settled, open int, age time.Duration) client.Batch {
	return client.Batch{ID: "b_1", State: client.Running, Rows: settled + open, CreatedAt: noon.Add(-age),
		Counts: map[client.Status]int{client.RowFound: settled, client.RowWaiting: open}}
}

func TestTheTimeThatIsLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		settled, open int
		left          time.Duration
		long          bool
	}{
		{0, 100, 0, false},
		{50, 100, 10 * time.Minute, false},
		{100, 0, 0, false},
		{1, 9_999_999, longest, true},
	} {
		var p paces
		b := running(c.settled, c.open, 5*time.Minute)
		if p := progressOf(b, p.look(b, noon)); p.Left != c.left || p.Long != c.long {
			t.Errorf("%d settled, %d open: got %v, %t, want %v, %t", c.settled, c.open, p.Left, p.Long, c.left, c.long)
		}
	}
}

// TestThePaceIsThatOfRecentWork: what a list did before it was done, or before
// it stood still, says nothing of how fast it goes now.
func TestThePaceIsThatOfRecentWork(t *testing.T) {
	t.Parallel()
	type step struct {
		passed  time.Duration // since the step before
		settled int
		state   client.State
		left    time.Duration
	}
	const on, off = client.Running, client.Paused
	for name, steps := range map[string][]step{
		"begun anew, and looked at":    {{0, 9500, on, 0}, {10 * time.Second, 9600, on, 40 * time.Second}, {10 * time.Second, 9700, on, 30 * time.Second}},
		"so little passed":             {{0, 9500, on, 0}, {time.Second, 9900, on, 0}},
		"nothing is done":              {{0, 9500, on, 0}, {time.Minute, 9500, on, 0}},
		"nobody looked for a night":    {{0, 9400, on, 0}, {10 * time.Second, 9500, on, 50 * time.Second}, {9 * time.Hour, 9600, on, 0}},
		"paused":                       {{0, 9400, on, 0}, {10 * time.Second, 9500, on, 50 * time.Second}, {time.Second, 9500, off, 0}, {time.Minute, 9500, on, 0}},
		"a retry of some":              {{0, 9400, on, 0}, {10 * time.Second, 9500, on, 50 * time.Second}, {time.Second, 9300, on, 0}},
		"it stood still, watched":      {{0, 9400, on, 0}, {10 * time.Second, 9500, on, 50 * time.Second}, {6 * time.Minute, 9500, on, 1850 * time.Second}, {6 * time.Minute, 9500, on, 0}},
		"faster than half an hour ago": {{0, 1000, on, 0}, {6 * time.Minute, 1036, on, 89640 * time.Second}, {6 * time.Minute, 8200, on, 1800 * 360 / 7164 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p paces
			now := noon
			for i, s := range steps {
				now = now.Add(s.passed)
				b := running(s.settled, 10_000-s.settled, 96*time.Hour)
				b.State = s.state
				if got := progressOf(b, p.look(b, now)).Left.Truncate(time.Second); got != s.left {
					t.Errorf("look %d: got %v left, want %v", i+1, got, s.left)
				}
			}
		})
	}
}
