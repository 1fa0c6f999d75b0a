package app

import (
	"context"
	"sync"
	"time"
)

// beatEvery is how often a worker says that it lives; it is dead after a
// minute of silence.
const beatEvery = 10 * time.Second

// heart says that a worker lives, until it is stopped.
type heart struct {
	cancel  context.CancelFunc
	stopped chan struct{} // closed when no beat is under way any more
}

// startHeart has the worker of this process say that it lives.
func (a *App) startHeart(ctx context.Context, wg *sync.WaitGroup) {
	a.heart = startHeart(ctx, wg, func(ctx context.Context) {
		a.every(ctx, beatEvery, "say that this worker lives", func() error { return a.store.Beat(ctx, a.id) })
	})
}

// startHeart has beat, which goes on until its context ends, run in wg until
// the heart is stopped, no longer than ctx.
func startHeart(ctx context.Context, wg *sync.WaitGroup, beat func(context.Context)) *heart {
	ctx, cancel := context.WithCancel(ctx)
	h := &heart{cancel: cancel, stopped: make(chan struct{})}
	wg.Go(func() {
		defer close(h.stopped)
		beat(ctx)
	})
	return h
}

// stop ends the beats, and waits for one that is under way, no longer than ctx.
// One that came to the store after the end of its worker would bring this back,
// as one that then vanishes.
func (h *heart) stop(ctx context.Context) {
	h.cancel()
	select {
	case <-h.stopped:
	case <-ctx.Done():
	}
}
