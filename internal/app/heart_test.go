package app

import (
	"context"
	"sync"
	"testing"
)

// A heartbeat that is under way when a worker ends is over before the store is
// told of the end.
func TestAHeartbeatIsOverBeforeTheEndIsTold(t *testing.T) {
	t.Parallel()
	beating, told := make(chan struct{}), make(chan string, 2)
	var wg sync.WaitGroup
	h := startHeart(t.Context(), &wg, func(ctx context.Context) {
		close(beating)
		<-ctx.Done()
		told <- "beat"
	})
	<-beating
	h.stop(t.Context())
	told <- "end"
	if first := <-told; first != "beat" {
		t.Errorf("first came the %s, want the beat", first)
	}
	wg.Wait()
}

// Where a heartbeat does not end, the end is told when there is no more time.
func TestAHeartbeatThatHangsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	var wg sync.WaitGroup
	h := startHeart(t.Context(), &wg, func(context.Context) { <-stuck })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.stop(ctx)
	close(stuck)
	wg.Wait()
}
