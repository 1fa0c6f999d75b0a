package providers

import (
	"context"
	"errors"
	"time"
)

// breath is what a call is given beyond its time. A process that was stopped
// and goes on finds its timers run out and an answer lying there: the answer
// comes first.
const breath = time.Second

// Within returns a context that ends, with context.DeadlineExceeded as its
// cause, when d has passed and the process has been running for a moment
// longer. It bounds calls that were paid for.
//
// A context that is bound so already, and no less tightly, is returned as it is.
func Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	at := time.Now().Add(d)
	if b, ok := ctx.Value(boundKey{}).(bound); ok && b.done == ctx.Done() && !b.at.After(at) {
		return ctx, func() {}
	}
	ctx, end := context.WithCancelCause(ctx)
	over := func() { end(context.DeadlineExceeded) }
	timer := time.AfterFunc(d, func() { time.AfterFunc(breath, over) })
	return context.WithValue(ctx, boundKey{}, bound{at, ctx.Done()}), func() {
		timer.Stop()
		end(context.Canceled)
	}
}

// ErrLate says that a call was not begun, as it was too late for that: nothing
// was sent.
var ErrLate = errors.New("the call was to begin earlier")

// Soon returns a context under which a call is not begun any more when d has
// passed since then. A Client looks at the clock once it has a connection,
// right before the first byte leaves, and ends with ErrLate, of class
// Unavailable; a call that has begun by then goes on.
func Soon(ctx context.Context, then time.Time, d time.Duration) context.Context {
	return context.WithValue(ctx, soonKey{}, soon{then, d})
}

// Elapsed is how long ago something was, by that of the two clocks which says
// more. Others judge by the time of day, and the clock that times go by within a
// process stands still while its machine sleeps; but the time of day may have
// been set back meanwhile.
func Elapsed(then, now time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}

type soonKey struct{}

type soon struct {
	then time.Time
	most time.Duration
}

// late reports that the first request of a call must not be begun any more.
func (s *sent) late(ctx context.Context) bool {
	b, bounded := ctx.Value(soonKey{}).(soon)
	if !bounded || s.around != nil && s.around.begun.Load() {
		return false
	}
	return Elapsed(b.then, time.Now()) >= b.most
}

type boundKey struct{}

// bound says when a context ends. It holds for those with the same Done: one
// that is made free of its parent's end keeps the parent's values.
type bound struct {
	at   time.Time
	done <-chan struct{}
}
