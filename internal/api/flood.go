package api

import (
	"sync"
	"time"
)

// How many webhooks are taken a second, how many at once after a pause, and how
// many may wait for the store. One provider sends one for each record of a
// batch, and the others of a flood are told to come again.
const (
	floodRate  = 500
	floodBurst = 2000
	floodWidth = 64
)

// flood keeps webhooks from taking all there is. It is safe for concurrent use.
type flood struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time

	slots chan struct{}
}

func newFlood() *flood {
	return &flood{tokens: floodBurst, slots: make(chan struct{}, floodWidth)}
}

// admit reports whether one more may come now.
func (f *flood) admit(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if passed := now.Sub(f.last); passed > 0 {
		if !f.last.IsZero() {
			f.tokens = min(floodBurst, f.tokens+passed.Seconds()*floodRate)
		}
		f.last = now
	}
	if f.tokens < 1 {
		return false
	}
	f.tokens--
	return true
}

// enter takes a place among those who wait for the store, until leave. False:
// there is none.
func (f *flood) enter() (leave func(), ok bool) {
	select {
	case f.slots <- struct{}{}:
		return func() { <-f.slots }, true
	default:
		return nil, false
	}
}
