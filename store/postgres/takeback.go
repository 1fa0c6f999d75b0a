package postgres

import (
	"context"
	"time"

	"github.com/plateq/plateq/store"
)

// How long the caller waits for its claim to be taken back, and the longest
// pause between attempts after that.
const (
	takeBackForeground = 2 * time.Second
	takeBackLongest    = 30 * time.Second
)

// takeBack settles a call as not sent, if it is there after all. The server
// may be away: it goes on trying in the background.
func (s *Store) takeBack(ctx context.Context, k store.ChunkID, id store.CallID) {
	done := make(chan struct{})
	s.background.Go(func() {
		defer close(done)
		for pause := 50 * time.Millisecond; ; pause = min(2*pause, takeBackLongest) {
			// Settle waits for the lock of the chunk, which the lost session
			// holds for as long as it could still commit. Only then is it
			// true what it reads of the call.
			_, err := s.settleIn(s.closing, k, store.Settlement{Call: id, Rest: &store.Verdict{To: store.Queued, Unsent: true}}, nil)
			if err == nil {
				return
			}
			select {
			case <-time.After(pause):
			case <-s.closing.Done():
				return
			}
		}
	})
	select {
	case <-done:
	case <-time.After(takeBackForeground):
	case <-ctx.Done():
	}
}
