package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plateq/plateq/store"
)

const (
	// ahead is how much work a claim of look-ups takes for each slot, where
	// nothing but calls in flight is counted. What is claimed when the process
	// is killed is unknown from then on.
	ahead = 500 * time.Millisecond
	// stale is how long an ask may be claimed and not sent: calls have become
	// much slower than they were.
	stale = time.Second
)

// lookups works off a chunk of a provider that takes one ask a request. Those
// who got a permit meanwhile share a claim, and each look-up ends by itself.
type lookups struct {
	w     *Worker
	l     *line
	chunk store.ChunkID
	side  int // how many followers there are

	stop    context.CancelFunc // ends the wait for permits
	flights sync.WaitGroup

	mu       sync.Mutex
	claimed  *sync.Cond // a claim has come to its end
	claiming bool
	waiting  int    // followers that wait for a permit
	holders  int    // permits that wait for an ask
	flying   int    // look-ups under way, each with a permit that may be used again
	left     int    // asks that nobody has claimed, as far as it is known
	stock    []shot // claimed, and not sent
	over     bool   // nothing more is claimed
	err      error  // of claims and settlements, the first
}

// shot is an ask that is claimed, and the record that it is claimed under.
type shot struct {
	*record
	ask store.Ask
}

// lookUp makes look-ups side by side until nothing of the chunk is left to
// take now, or a gate is closed. n is how many asks there are, if it is known.
func (w *Worker) lookUp(ctx context.Context, l *line, chunk store.ChunkID, n int) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	k := &lookups{w: w, l: l, chunk: chunk, stop: stop, left: maxChunk}
	if n > 0 {
		k.left = n
	}
	k.claimed = sync.NewCond(&k.mu)
	k.side = min(l.limits.askers(), max(1, l.limits.Concurrency), k.left)
	var g errgroup.Group
	for range k.side {
		g.Go(func() error { return k.follow(ctx, waiting) })
	}
	err := g.Wait()
	k.giveBack()
	k.flights.Wait()
	return errors.Join(err, k.err)
}

// follow waits for one permit after the other and lets a look-up go with each.
func (k *lookups) follow(ctx, waiting context.Context) error {
	for !k.w.shut(ctx, k.l) && k.wait() {
		permit, err := k.w.permit(waiting, k.l, Submits)
		k.waited(permit != nil)
		if waiting.Err() != nil && permit == nil {
			return nil // nothing is left to wait for
		}
		if err != nil || permit == nil {
			return err
		}
		s, ok := k.take(ctx)
		if !ok {
			permit.Release()
			return nil
		}
		k.flights.Go(func() { k.fly(ctx, permit, s) })
	}
	return nil
}

// wait reports whether another permit is worth waiting for: a request that is
// reserved for nothing is lost to all who share the pace.
func (k *lookups) wait() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over && len(k.stock) == 0 || k.waiting+k.holders >= k.left+len(k.stock) {
		return false
	}
	k.waiting++
	return true
}

// waited ends the wait for a permit, perhaps with one.
func (k *lookups) waited(got bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting--
	if got {
		k.holders++
	}
}

// fly makes look-ups with one permit, while it may.
func (k *lookups) fly(ctx context.Context, permit *Permit, s shot) {
	defer permit.Release()
	for ok := true; ok; {
		if k.w.lookUpOne(ctx, k.l, s, permit) {
			k.giveBack()
		}
		again := permit.Again()
		k.mu.Lock()
		if ok = again; ok {
			s, ok = k.next(ctx)
		}
		if !ok {
			k.flying--
		}
		k.mu.Unlock()
	}
}

// take returns an ask for one who has a permit, of a claim that is shared with
// all who have one by then.
func (k *lookups) take(ctx context.Context) (shot, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer func() { k.holders-- }()
	for {
		if s, ok := k.next(ctx); ok || k.over {
			if ok {
				k.flying++
			}
			return s, ok
		}
		if k.claiming {
			k.claimed.Wait()
			continue
		}
		k.claim(ctx)
	}
}

// next takes an ask from the stock, unless it must not be sent any more. The
// caller holds the lock.
func (k *lookups) next(ctx context.Context) (shot, bool) {
	if len(k.stock) == 0 {
		return shot{}, false
	}
	s := k.stock[0]
	halt := !s.claim.Probe && (ctx.Err() != nil || k.w.shut(ctx, k.l))
	if halt || time.Since(s.at) > stale {
		k.unsent()
		k.end(halt)
		return shot{}, false
	}
	k.stock = k.stock[1:]
	k.end(k.over)
	return s, true
}

// end says whether anything more is claimed. Nobody waits for permits when
// nothing is left to send. The caller holds the lock.
func (k *lookups) end(over bool) {
	k.over = k.over || over
	if k.over && len(k.stock) == 0 {
		k.stop()
	}
}

// claim fills the stock, for those who hold permits by now and, where these are
// used again, for those whose turn with one comes soon: half of them at least.
// The caller holds the lock, but not meanwhile.
func (k *lookups) claim(ctx context.Context) {
	again := k.l.limiter.Again(ahead)
	n := max(k.holders, again*max(k.holders+k.flying, k.side/2))
	k.claiming = true
	k.mu.Unlock()
	c, err := k.w.claim(ctx, k.l, k.chunk, min(n, maxChunk))
	k.mu.Lock()
	k.claiming = false
	k.claimed.Broadcast()
	if k.err == nil {
		k.err = err
	}
	k.left = c.Left
	if len(c.Asks) > 0 {
		r := k.w.newRecord(k.l, c)
		for _, a := range c.Asks {
			k.stock = append(k.stock, shot{record: r, ask: a})
		}
		k.flights.Go(func() { k.fail(r.keep(ctx)) })
	}
	k.end(len(c.Asks) == 0 || c.Left == 0)
}

// fail notes an error.
func (k *lookups) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.err = err
	}
}

// giveBack ends the work: what is not sent by now is not sent.
func (k *lookups) giveBack() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unsent()
	k.end(true)
}

// unsent empties the stock back into the queue. The caller holds the lock.
func (k *lookups) unsent() {
	for _, s := range k.stock {
		s.came(store.Settlement{Verdicts: []store.Verdict{{Ask: s.ask.ID, To: store.Queued, Unsent: true}}})
	}
	k.stock = nil
}
