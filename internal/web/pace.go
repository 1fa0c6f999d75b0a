package web

import (
	"sync"
	"time"

	"github.com/plateq/plateq/client"
)

const (
	// recently is how far back the pace of a batch is measured. What was done
	// before says nothing of it: the batch may have stood still since, or have
	// been done and begun anew.
	recently = 10 * time.Minute
	// shortest is the least that a pace is measured over, as many rows may be
	// settled by one answer.
	shortest = 5 * time.Second
)

// paces measure how fast batches go, from one look at them to the next: a batch
// does not tell when it did what. It is safe for concurrent use; its zero value
// is ready.
type paces struct {
	mu sync.Mutex
	of map[string]*looks // by batch
}

// looks are two at one batch: the pace is measured from the older one, and the
// newer one takes its place in time.
type looks struct{ older, newer mark }

// mark is how many rows of a batch were settled by asking, and when.
type mark struct {
	at    time.Time
	asked int
}

// look takes down how far a batch is, and returns how many rows a second were
// settled lately; 0: nobody knows.
func (p *paces) look(b client.Batch, now time.Time) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.State != client.Running {
		delete(p.of, b.ID) // what was before it stood still counts no more
		return 0
	}
	// Rows whose answer was known, and bad ones, were settled at once and say
	// nothing of the pace.
	this := mark{now, b.Rows - b.Open() - b.Shared.Known - b.Counts[client.RowInvalid]}
	l := p.of[b.ID]
	if l == nil || now.Sub(l.newer.at) > recently || this.asked < l.newer.asked { // fewer: some are asked again
		l = &looks{this, this}
		if now.Sub(b.CreatedAt) <= recently {
			l.older = mark{at: b.CreatedAt}
		}
		p.keep(b.ID, l, now)
	}
	if now.Sub(l.newer.at) > recently/2 {
		l.older, l.newer = l.newer, this
	}
	passed, done := now.Sub(l.older.at), this.asked-l.older.asked
	if passed < shortest || done <= 0 {
		return 0
	}
	return float64(done) / passed.Seconds()
}

// keep remembers looks, and forgets those that are of no more use. p must be
// locked.
func (p *paces) keep(id string, l *looks, now time.Time) {
	for other, old := range p.of {
		if now.Sub(old.newer.at) > recently {
			delete(p.of, other)
		}
	}
	if p.of == nil {
		p.of = map[string]*looks{}
	}
	p.of[id] = l
}
