package providers

import (
	"context"
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

type boundKey struct{}

// bound says when a context ends. It holds for those with the same Done: one
// that is made free of its parent's end keeps the parent's values.
type bound struct {
	at   time.Time
	done <-chan struct{}
}
