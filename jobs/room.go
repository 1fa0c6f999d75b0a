package jobs

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// roomAge is how long an answer of Room holds.
	roomAge = time.Second
	// roomPatience bounds the wait for one.
	roomPatience = 500 * time.Millisecond
)

// Room tells whether Redis has room for more work. It is safe for concurrent
// use.
type Room struct {
	redis redis.UniversalClient
	now   func() time.Time

	mu sync.Mutex
	at map[string]time.Time // when it was looked at, by provider
	no map[string]bool      // it had none
}

// NewRoom returns a Room that has not looked yet.
func NewRoom(c redis.UniversalClient, now func() time.Time) *Room {
	return &Room{redis: c, now: now, at: map[string]time.Time{}, no: map[string]bool{}}
}

// Full reports whether Redis refused, at most a second ago, to take more for a
// provider since its memory is used up. A Redis that is away, read-only or
// slow is not full: it can be rung later for what is accepted now, while one
// that is full is a sign that nobody looks after what was accepted before.
func (r *Room) Full(ctx context.Context, provider string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if at := r.at[provider]; at.IsZero() || now.Sub(at) >= roomAge || now.Before(at) {
		r.no[provider], r.at[provider] = r.refused(ctx, provider), now
	}
	return r.no[provider]
}

// refused writes the smallest thing there is, as only that tells for all kinds
// of servers, and without the right to ask for their settings.
func (r *Room) refused(ctx context.Context, provider string) bool {
	ctx, cancel := context.WithTimeout(ctx, roomPatience)
	defer cancel()
	err := r.redis.Set(ctx, "plateq:{"+Queue(provider)+"}:room", "", time.Minute).Err()
	return err != nil && strings.HasPrefix(err.Error(), "OOM ")
}
