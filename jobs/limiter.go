package jobs

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/providers"
)

// Kind tells apart the requests that share the pace of a provider.
type Kind uint8

// The kinds of requests.
const (
	Submits Kind = iota
	Polls
	kinds
)

// QuotaError says that the requests of a day are used up.
type QuotaError struct {
	Scope string
	Until time.Time
}

// Error implements error.
func (e *QuotaError) Error() string {
	return fmt.Sprintf("the day's requests of %s are used up until %s", e.Scope, e.Until.Format(time.RFC3339))
}

// LimiterOptions say whose pace a Limiter keeps. All fields are required.
type LimiterOptions struct {
	Redis  redis.UniversalClient
	Spec   providers.Spec
	Worker string // names this process
	Limits Limits
}

// Limiter hands out the right to make one request to one provider. All
// processes together keep to the rate, to the calls in flight and to the
// requests of a day: what may go out is reserved in Redis in lots, with the
// time for each request, and handed out in the order in which it was asked
// for, to submits and polls in turn. While Redis is away each process keeps to
// its share. It is safe for concurrent use.
type Limiter struct {
	opts   LimiterOptions
	limits Limits
	redis  *scripts
	behind sync.WaitGroup // the dispatcher, and questions to Redis

	mu      sync.Mutex
	kick    chan struct{} // wakes the dispatcher
	running bool          // the dispatcher is there: it ends when nothing is left to do
	closed  bool
	turn    Kind // whose turn it is where both kinds wait
	queues  [kinds]queue
	unused  [scopes]int // tokens that were let go, and not told to Redis yet
	slots   slots
	day     day
	known   [scopes]memory
	link    link
	alone   alone
}

// NewLimiter returns the limiter of a provider.
func NewLimiter(o LimiterOptions) *Limiter {
	o.Limits.Concurrency = max(1, o.Limits.Concurrency)
	return &Limiter{
		opts: o, limits: o.Limits,
		redis: newScripts(o.Redis, o.Spec),
		kick:  make(chan struct{}, 1),
		slots: slots{max: o.Limits.Concurrency},
		link:  link{live: 1},
	}
}

// Acquire waits until a request of that kind may be made. The error is that
// of the context, or *QuotaError.
func (l *Limiter) Acquire(ctx context.Context, k Kind) (*Permit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &waiter{done: make(chan struct{})}
	l.mu.Lock()
	l.queues[k].waiting = append(l.queues[k].waiting, w)
	l.advance()
	l.mu.Unlock()
	select {
	case <-w.done:
		return w.permit, w.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	l.queues[k].leave(w)
	l.advance()
	l.mu.Unlock()
	if w.permit != nil { // it came at the same moment
		w.permit.Release()
	}
	return nil, ctx.Err()
}

// Attend says that this process shares the pace, though it may have nothing to
// ask for, and learns with how many others: where Redis is away each takes its
// part. It is to be called every few seconds; a limiter that has just reserved
// something has said so with that.
func (l *Limiter) Attend(ctx context.Context) error {
	l.mu.Lock()
	said := time.Since(l.link.heard) < attendEvery && !l.link.away
	l.mu.Unlock()
	if said {
		return nil
	}
	n, err := l.redis.attend(ctx, l.opts.Worker)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.link.present = n
	return nil
}

// Close gives back what this process holds in Redis. Nothing may be acquired
// any more.
func (l *Limiter) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.wake()
	l.mu.Unlock()
	l.behind.Wait()
	return l.redis.leave(ctx, l.opts.Worker)
}

// Empty leaves nothing of the burst for now: who opens a gate lets nobody
// rush through it.
func (l *Limiter) Empty(ctx context.Context) {
	if l.limits.Rate == Unlimited {
		return
	}
	l.mu.Lock()
	all := make([]scopeQuestion, scopes)
	for i := range all {
		all[i] = l.scopeQuestion(i, time.Now())
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = l.redis.drain(ctx, all) // away: nothing is saved up then
}

// Shut says that the gate of a scope is closed for so long: nothing is saved
// up behind it, so that nobody rushes through when it opens.
func (l *Limiter) Shut(ctx context.Context, scope string, closed time.Duration) {
	if l.limits.Rate == Unlimited {
		return
	}
	i := l.redis.scope(scope)
	l.mu.Lock()
	q := l.scopeQuestion(i, time.Now())
	l.mu.Unlock()
	q.Calm = closed.Microseconds()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = l.redis.shut(ctx, i, q) // away: nothing is saved up then
}

// Permit is the right to make one request now. It is for one goroutine.
type Permit struct {
	l       *Limiter
	kind    Kind
	due     time.Time // of its token
	granted time.Time
	sent    time.Time
	over    bool
}

// Use says that the request goes out now. A permit that is released without
// it goes to whoever waits next.
func (p *Permit) Use() { p.sent = time.Now() }

// Again keeps the slot for another request after one has come to its end, where
// nothing but calls in flight is counted. False: it must be released.
func (p *Permit) Again() bool {
	l := p.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.over || p.sent.IsZero() || l.closed || !l.free() || l.slots.busy > l.slots.limit(l.link.away) {
		return false
	}
	now := time.Now()
	l.slots.took(now.Sub(p.granted))
	p.granted, p.sent = now, time.Time{}
	return true
}

// Again is how many requests a permit is good for in that time, one after the
// other, where nothing but calls in flight is counted; else 0.
func (l *Limiter) Again(d time.Duration) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.free() || l.slots.hold <= 0 {
		return 0
	}
	return int(d / l.slots.hold)
}

// Exceeded reports that the provider refused the request since there were too
// many in a scope: its own or that of an endpoint. retryAfter is what it asked
// for, or 0.
func (p *Permit) Exceeded(scope string, retryAfter time.Duration) {
	p.l.exceeded(p.l.redis.scope(scope), time.Since(p.sent), retryAfter)
}

// Release says that the request has come to its end. Once is enough, twice
// does no harm.
func (p *Permit) Release() {
	l := p.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.over {
		return
	}
	p.over = true
	l.slots.busy--
	if l.slots.none { // what was lacking is there
		l.slots.none = false
		for k := range l.queues {
			l.queues[k].again = time.Time{}
		}
	}
	if p.sent.IsZero() {
		l.queues[p.kind].handBack(p.due)
	} else {
		l.slots.took(time.Since(p.granted))
	}
	l.advance()
}

// queue is what waits of one kind, and what has been reserved for it.
type queue struct {
	waiting []*waiter
	tokens  []time.Time // from when each may be used, in order
	again   time.Time   // before this it is not worth asking for more
}

// waiter is one call of Acquire.
type waiter struct {
	permit *Permit
	err    error
	done   chan struct{} // closed when one of them is set
}

// answer gives the first in the queue its permit or an error.
func (q *queue) answer(p *Permit, err error) {
	w := q.waiting[0]
	q.waiting = q.waiting[1:]
	w.permit, w.err = p, err
	close(w.done)
}

// leave takes w out of the queue, if it is still there.
func (q *queue) leave(w *waiter) {
	if i := slices.Index(q.waiting, w); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// handBack keeps a token that was not used for who comes next.
func (q *queue) handBack(due time.Time) {
	if !due.IsZero() {
		q.tokens = slices.Insert(q.tokens, 0, due)
	}
}

// short is how many of those who wait have nothing reserved for them.
func (q *queue) short() int { return max(0, len(q.waiting)-len(q.tokens)) }

// last is when the last token is due.
func (q *queue) last() (time.Time, bool) {
	if len(q.tokens) == 0 {
		return time.Time{}, false
	}
	return q.tokens[len(q.tokens)-1], true
}
