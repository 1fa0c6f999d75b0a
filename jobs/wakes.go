package jobs

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// wakeChannel has a name as those of asynq have, so that a user of Redis who
	// may use these may use it too.
	wakeChannel = "asynq:plateq:wake"
	// wakeEvery is the shortest pause between two words about a provider.
	wakeEvery = 100 * time.Millisecond
	// wakeWithin bounds how long Redis is waited for.
	wakeWithin = 2 * time.Second
	// listenAgain is how soon one listens again where Redis did not let one.
	listenAgain = 5 * time.Second
)

// Wakes carry word from process to process that a provider may have new work.
// A word that is lost costs time, and nothing else: who rings looks by himself
// now and then.
type Wakes struct {
	redis redis.UniversalClient

	mu   sync.Mutex
	told map[string]bool // providers about which nothing was said yet
	some chan struct{}   // there are some
}

// NewWakes returns those over a Redis. Nothing is carried before Carry.
func NewWakes(c redis.UniversalClient) *Wakes {
	return &Wakes{redis: c, told: map[string]bool{}, some: make(chan struct{}, 1)}
}

// Tell says that a provider may have new work. It never blocks.
func (w *Wakes) Tell(provider string) {
	w.mu.Lock()
	w.told[provider] = true
	w.mu.Unlock()
	select {
	case w.some <- struct{}{}:
	default:
	}
}

// Carry passes on what is told here, until ctx ends.
func (w *Wakes) Carry(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.some:
		}
		for _, provider := range w.take() {
			w.publish(ctx, provider)
		}
		rest(ctx, wakeEvery)
	}
}

func (w *Wakes) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer clear(w.told)
	return slices.Collect(maps.Keys(w.told))
}

// publish says it once; Redis may be away, or forbid it.
func (w *Wakes) publish(ctx context.Context, provider string) {
	ctx, cancel := context.WithTimeout(ctx, wakeWithin)
	defer cancel()
	_ = w.redis.Publish(ctx, wakeChannel, provider).Err()
}

// Listen hands on what other processes say, until ctx ends.
func (w *Wakes) Listen(ctx context.Context, heard func(provider string)) {
	for ctx.Err() == nil {
		w.hear(ctx, heard)
		rest(ctx, listenAgain)
	}
}

// hear does so while it may. A connection that breaks is made anew by itself.
func (w *Wakes) hear(ctx context.Context, heard func(provider string)) {
	s := w.redis.Subscribe(ctx, wakeChannel)
	defer s.Close() //nolint:errcheck // nothing is left to be heard
	if _, err := s.ReceiveTimeout(ctx, wakeWithin); err != nil {
		return // away, or forbidden
	}
	said := s.Channel()
	for {
		select {
		case <-ctx.Done():
			return
		case m, open := <-said:
			if !open {
				return
			}
			heard(m.Payload)
		}
	}
}
