package jobs

import (
	"errors"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// sendWithin is how long after it was begun a claim may be sent. A worker that
// stood still between the two, or waited for the store, must not send what
// others judge by then, and perhaps send anew: when the claim expires, or a
// minute after they have heard of the worker last. What is sent in time has its
// whole timeout before it expires, and half of callMargin.
const sendWithin = callMargin / 2

// claim is one that is ours to send, and when it was begun: others count from
// before it was recorded.
type claim struct {
	store.Claim
	begun time.Time
}

// youth is for how long the claim may still be sent; 0 or less: it must not be.
func (c claim) youth(now time.Time) time.Duration {
	return sendWithin - providers.Elapsed(c.begun, now)
}

// unsent gives all of a claim back for which nothing was sent.
func (c claim) unsent() store.Settlement {
	return store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued, Unsent: true}}
}

// notBegun reports that no call was begun, since it was too late for that.
func notBegun(outs []providers.Outcome) bool {
	for _, o := range outs {
		if !errors.Is(o.Err, providers.ErrLate) || !errors.Is(o.Err, providers.Unavailable) {
			return false
		}
	}
	return len(outs) > 0
}
