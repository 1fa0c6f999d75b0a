package store

import (
	"context"
	"time"
)

// OnceLife is how long keys of requests are kept at least.
const OnceLife = 48 * time.Hour

// Apart is how far the clocks of processes may be apart.
const Apart = 10 * time.Second

// Until is the latest time at which another process may have noted what came
// by then; zero stays zero.
func Until(by time.Time) time.Time {
	if by.IsZero() {
		return by
	}
	return by.Add(Apart)
}

// Once names a request that may come again: by the key that its sender gave
// it, among those of a tenant, and a hash of all that it says.
type Once struct {
	Tenant string
	Key    string
	Print  []byte
}

// RepeatError says that a request came before.
type RepeatError struct {
	// Made is the id of what it made, changed or is about, which may be gone
	// by now.
	Made  string
	Batch Batch     // as it stands, if that is one
	At    time.Time // when the first one came
	// Same: it said the same. Otherwise its key was used for something else.
	Same bool
}

func (e *RepeatError) Error() string {
	if !e.Same {
		return "the key was used for another request, about " + e.Made
	}
	return "the request came before, about " + e.Made
}

// Requests take lists in that must be taken in once, however often they are
// handed over. What else is made once takes its Once itself.
type Requests interface {
	// CommitOnce is CommitBatch for a list of a request. The first of a key is
	// committed; for those that come behind it is *RepeatError, and nothing is
	// changed.
	CommitOnce(ctx context.Context, b BatchNo, o Once) (Batch, error)
	// BeginOnce keeps a request whose work is done piece by piece, so that a
	// repeat can do what the first of its key left undone, and no more. It
	// returns when that came: now, unless it is in a *RepeatError. made is what
	// is worked on.
	BeginOnce(ctx context.Context, o Once, made string) (time.Time, error)
	// Repeated returns *RepeatError if a request of that key came before.
	Repeated(ctx context.Context, o Once) error
	// ForgetOnce forgets keys that are older than OnceLife, and returns how many
	// these were.
	ForgetOnce(ctx context.Context) (int, error)
}

// OnceKeys hashes the key of a request, and what it says.
func (s *Sealer) OnceKeys(o Once) (key, said []byte) {
	return s.Hash("once", o.Tenant, o.Key), s.Hash("print", o.Tenant, o.Key, string(o.Print))
}
