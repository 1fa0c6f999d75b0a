package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/plateq/plateq/store"
)

// How long the caller waits for its claim to be taken back, and the longest
// pause between attempts after that.
const (
	takeBackForeground = 2 * time.Second
	takeBackLongest    = 30 * time.Second
)

// recorded is a claim as it was written, whether or not it was committed. The
// number alone does not tell a call: one that a crash of the server has lost is
// given out again.
type recorded struct {
	call  store.CallID
	chunk store.ChunkID
	owner store.WorkerID
	at    time.Time
}

// takeBack settles a claim as not sent, if it is there after all.
func (s *Store) takeBack(ctx context.Context, c recorded) {
	s.undo(ctx, func(ctx context.Context) error {
		_, err := s.settleIf(ctx, store.Settlement{Call: c.call, Rest: &store.Verdict{To: store.Queued, Unsent: true}}, nil,
			func(ctx context.Context, t *tx) (bool, error) { return t.committed(ctx, c) })
		return err
	})
}

// committed reports whether a claim was committed, and keeps its chunk from
// changing. The lost session holds the lock of the chunk for as long as it could
// still commit: only then is it true what is read of the call.
func (t *tx) committed(ctx context.Context, c recorded) (bool, error) {
	if err := t.exec(ctx, "SELECT 1 FROM chunks WHERE id = $1 FOR UPDATE", c.chunk); err != nil {
		return false, fmt.Errorf("lock chunk: %w", err)
	}
	return t.truth(ctx, "SELECT EXISTS (SELECT 1 FROM calls WHERE id = $1 AND chunk = $2 AND owner = $3 AND sent_at = $4)",
		c.call, c.chunk, c.owner, millis(c.at))
}

// takeTicketBack frees a ticket, if it was taken after all: by that owner, then,
// under that lease.
func (s *Store) takeTicketBack(ctx context.Context, id store.TicketID, by store.WorkerID, lease int64, then time.Time) {
	s.undo(ctx, func(ctx context.Context) error {
		_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
			// It is locked first, as in takeBack: an UPDATE that looks for the
			// lease would pass over one that is not yet committed.
			k, err := t.ticket(ctx, id)
			if err != nil || k == nil || k.lease != lease || !k.claimed.Equal(store.Millis(then)) {
				return none, err
			}
			if err := t.exec(ctx, "UPDATE tickets SET lease_until = 0, owner = '' WHERE id = $1 AND owner = $2 AND NOT closed", id, by); err != nil {
				return none, err
			}
			return none, t.recall(ctx, store.TicketProber(id, lease))
		})
		return err
	})
}

// undo takes back what may have been done. The server may be away: it goes on
// trying in the background.
func (s *Store) undo(ctx context.Context, undo func(context.Context) error) {
	done := make(chan struct{})
	s.background.Go(func() {
		defer close(done)
		for pause := 50 * time.Millisecond; ; pause = min(2*pause, takeBackLongest) {
			if err := undo(s.closing); err == nil {
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
