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
func Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	over := func() { end(context.DeadlineExceeded) }
	timer := time.AfterFunc(d, func() { time.AfterFunc(breath, over) })
	return ctx, func() {
		timer.Stop()
		end(context.Canceled)
	}
}
