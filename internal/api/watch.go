package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/plateq/plateq/store"
)

// The pauses between two looks at a batch that is watched: short while it
// moves, longer and longer while it does not.
const (
	shortestLook = 100 * time.Millisecond
	longestLook  = 2 * time.Second
)

// maxWatchers bounds who watches at the same time, whatever batches.
const maxWatchers = 2000

// sight is a batch as it stood, as it is sent.
type sight struct {
	// id is of what is seen: the same as long as nothing has changed, in
	// whatever process.
	id    string
	data  []byte
	state store.BatchState
}

func sightOf(v batchView) (sight, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return sight{}, fmt.Errorf("encode batch: %w", err)
	}
	sum := sha256.Sum256(data)
	return sight{id: hex.EncodeToString(sum[:8]), data: data, state: v.State}, nil
}

// watching looks at batches for those who watch them: at each once, however
// many do. It is safe for concurrent use.
type watching struct {
	look     func(ctx context.Context, no store.BatchNo) (sight, error)
	shortest time.Duration

	mu      sync.Mutex
	batches map[store.BatchNo]*watch
	n       int // who watch
}

// watch is one batch that is watched.
type watch struct {
	stop     context.CancelFunc
	watchers map[chan sight]bool
	last     sight // zero: not looked yet
}

func newWatching(look func(ctx context.Context, no store.BatchNo) (sight, error)) *watching {
	return &watching{look: look, shortest: shortestLook, batches: map[store.BatchNo]*watch{}}
}

// join returns what is seen of a batch from now on: the newest sight, those
// that came and went before it was received left out. It is closed behind the
// last one, of a batch that is finished, or when the batch cannot be seen any
// more. leave must be called. False: too many watch already.
func (w *watching) join(no store.BatchNo) (sights <-chan sight, leave func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n >= maxWatchers {
		return nil, nil, false
	}
	w.n++
	b := w.batches[no]
	if b == nil {
		// It looks for all who come, not for the one who came first.
		ctx, stop := context.WithCancel(context.Background())
		b = &watch{stop: stop, watchers: map[chan sight]bool{}}
		w.batches[no] = b
		go w.run(ctx, no, b)
	}
	ch := make(chan sight, 1)
	if b.last.id != "" {
		ch <- b.last
	}
	b.watchers[ch] = true
	return ch, sync.OnceFunc(func() { w.leave(no, b, ch) }), true
}

func (w *watching) leave(no store.BatchNo, b *watch, ch chan sight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n--
	delete(b.watchers, ch)
	if len(b.watchers) == 0 {
		w.end(no, b)
	}
}

func (w *watching) forget(no store.BatchNo, b *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end(no, b)
}

// end forgets b. w must be locked.
func (w *watching) end(no store.BatchNo, b *watch) {
	b.stop()
	for ch := range b.watchers {
		close(ch)
		delete(b.watchers, ch)
	}
	if w.batches[no] == b {
		delete(w.batches, no)
	}
}

// run looks at a batch until nobody watches it or there is nothing more to be
// seen. While the store is away, nothing is.
func (w *watching) run(ctx context.Context, no store.BatchNo, b *watch) {
	for pause := w.shortest; ; {
		got, err := w.look(ctx, no)
		switch {
		case err == nil && w.show(no, b, got):
			pause = w.shortest
		case ctx.Err() != nil:
			return
		case errors.Is(err, store.ErrNoBatch):
			w.forget(no, b)
			return
		default:
			pause = min(pause*3/2, longestLook)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// show hands a sight on, if it is a new one.
func (w *watching) show(no store.BatchNo, b *watch, got sight) (changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if changed = got.id != b.last.id; changed {
		b.last = got
		for ch := range b.watchers {
			select {
			case <-ch: // nobody has received it, and it is old
			default:
			}
			ch <- got
		}
	}
	if got.state.Finished() {
		w.end(no, b)
	}
	return changed
}
