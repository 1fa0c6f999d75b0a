package store

import (
	"context"
	"time"
)

// OnceLife is how long keys of requests are kept at least.
const OnceLife = 48 * time.Hour

// Once names a request that may come again: by the key that its sender gave
// it, and a hash of all that it says.
type Once struct {
	Key   string
	Print []byte
}

// RepeatError says that a request came before.
type RepeatError struct {
	Batch Batch // that it made, as it stands
	// Same: it said the same. Otherwise its key was used for something else.
	Same bool
}

func (e *RepeatError) Error() string {
	if !e.Same {
		return "the key was used for another request, that made batch " + e.Batch.ID
	}
	return "the request made batch " + e.Batch.ID
}

// Requests take lists in that must be taken in once, however often they are
// handed over. Keys are those of a tenant.
type Requests interface {
	// CommitOnce is CommitBatch for a list of a request. The first of a key is
	// committed; for those that come behind it is *RepeatError, and nothing is
	// changed.
	CommitOnce(ctx context.Context, b BatchNo, o Once) (Batch, error)
	// Repeated returns *RepeatError if a list of that key was committed.
	Repeated(ctx context.Context, tenant string, o Once) error
	// ForgetOnce forgets keys that are older than OnceLife, and returns how many
	// these were.
	ForgetOnce(ctx context.Context) (int, error)
}

// OnceKeys hashes the key of a request, and what it says.
func (s *Sealer) OnceKeys(tenant string, o Once) (key, said []byte) {
	return s.Hash("once", tenant, o.Key), s.Hash("print", tenant, o.Key, string(o.Print))
}
