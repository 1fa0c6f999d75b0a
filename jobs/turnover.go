package jobs

import (
	"math"
	"time"
)

// reckonEvery is how often the turnover is reckoned.
const reckonEvery = 250 * time.Millisecond

// turnover is how quickly chunks are worked off, and the window that follows
// from it where no pace is known. What is rung for is heard up to a tenth of a
// second later, and a fifth may pass until somebody fills the window: one that
// stands for less work than that leaves slots empty. The zero value knows nothing.
type turnover struct {
	left   int // chunks in Redis when last filled
	done   int // worked off since then
	since  time.Time
	window int
}

// look takes note of how many chunks are in Redis, and returns how many should
// be: as many as are worked off in windowTime, base at least, and maxWindow at
// most where that is more. It grows twofold at a time, since chunks of slow
// calls that end together say little, and shrinks by a quarter.
func (t *turnover) look(now time.Time, base, inRedis int) int {
	t.done += max(0, t.left-inRedis)
	t.left = inRedis
	took := now.Sub(t.since)
	if t.window = max(base, t.window); took >= reckonEvery {
		next := int(math.Ceil(float64(t.done) * windowTime.Seconds() / took.Seconds()))
		next = min(max(next, 3*t.window/4), 2*t.window, max(base, maxWindow))
		*t = turnover{left: inRedis, since: now, window: max(base, next)}
	}
	return t.window
}

// filled takes note of chunks that were rung for after the look.
func (t *turnover) filled(n int) { t.left += n }
