package jobs

import (
	"context"
	_ "embed"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/providers"
)

//go:embed lua/reserve.lua
var reserveLua string

//go:embed lua/drain.lua
var drainLua string

//go:embed lua/learn.lua
var learnLua string

// maxDebt is how far ahead a token may be promised. Whoever would have to
// wait longer is told so and asks again.
const maxDebt = time.Minute

// Kind tells apart the requests that share the pace of a provider.
type Kind uint8

// The kinds of requests.
const (
	Submits Kind = iota
	Polls
)

// LimiterOptions say whose pace a Limiter keeps. All fields are required.
type LimiterOptions struct {
	Redis  redis.UniversalClient
	Spec   providers.Spec
	Worker string // names this process
	Limits Limits
}

// Limiter hands out the right to make one request to one provider: a slot
// among the calls in flight, and a token of the rate. Tokens are reserved in
// Redis, with the time at which each may be used, so that all processes
// together keep to the rate. It is safe for concurrent use.
type Limiter struct {
	redis  redis.UniversalClient
	limits Limits
	worker string
	key    string
	slots  chan struct{}

	reserve, drain, learn *redis.Script
	accepted              atomic.Int64 // since Redis was told last

	mu   sync.Mutex
	next time.Time // of the next token while Redis is away
	away bool
}

// NewLimiter returns the limiter of a provider.
func NewLimiter(o LimiterOptions) *Limiter {
	return &Limiter{
		redis: o.Redis, limits: o.Limits, worker: o.Worker,
		key:     "plateq:{" + Queue(o.Spec.Name) + "}:",
		slots:   make(chan struct{}, max(1, o.Limits.Concurrency)),
		reserve: redis.NewScript(reserveLua),
		drain:   redis.NewScript(drainLua),
		learn:   redis.NewScript(learnLua),
	}
}

// Acquire waits until a request of that kind may be made. The error is that
// of the context.
func (l *Limiter) Acquire(ctx context.Context, _ Kind) (*Permit, error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p := &Permit{limiter: l, free: sync.OnceFunc(func() { <-l.slots })}
	if err := l.token(ctx); err != nil {
		p.Release()
		return nil, err
	}
	return p, nil
}

// Permit is the right to make one request now. It is for one goroutine.
type Permit struct {
	limiter *Limiter
	free    func()
	sent    time.Time
}

// Use says that the request goes out now. A permit that is released without
// it goes to whoever waits next.
func (p *Permit) Use() { p.sent = time.Now() }

// Accepted reports that the provider took the request, whatever it answered.
func (p *Permit) Accepted() { p.limiter.accepted.Add(1) }

// Exceeded reports that the provider refused the request since there were too
// many in a scope: that of the provider or of an endpoint. retryAfter is what
// it asked for, or 0.
func (p *Permit) Exceeded(ctx context.Context, _ string, retryAfter time.Duration) {
	l := p.limiter
	switch l.limits.Rate {
	case Unlimited:
	case 0:
		_, _ = l.askLearned(ctx, 'e', time.Since(p.sent), retryAfter) // away: the local pace holds
	default:
		_ = l.empty(ctx) // away: the local pace holds
	}
}

// Release says that the request has come to its end. Once is enough, twice
// does no harm.
func (p *Permit) Release() { p.free() }

// token waits for a token alone.
func (l *Limiter) token(ctx context.Context) error {
	if l.limits.Rate == Unlimited {
		return ctx.Err()
	}
	for {
		granted, wait := l.ask(ctx)
		if err := pause(ctx, wait); err != nil {
			return err
		}
		if granted {
			return nil
		}
	}
}

// ask reserves one token and returns how long to wait for it. Not granted:
// how long to wait before asking again.
func (l *Limiter) ask(ctx context.Context) (granted bool, wait time.Duration) {
	var reply []int64
	var err error
	if l.limits.Rate == 0 {
		reply, err = l.askLearned(ctx, 'r', 0, 0)
	} else {
		reply, err = l.askBucket(ctx, 0)
	}
	if err != nil || len(reply) < 2 {
		return true, l.local()
	}
	l.back(ctx)
	return reply[0] > 0, time.Duration(reply[1]) * time.Microsecond
}

// askBucket reserves a token of a rate that is known: granted or not, and the
// time until it may be used in µs. now is in µs, 0 for that of Redis.
func (l *Limiter) askBucket(ctx context.Context, now int64) ([]int64, error) {
	burst := max(1, l.limits.Burst)
	reply, err := l.reserve.Run(ctx, l.redis, []string{l.key + "bucket", l.key + "workers"},
		l.limits.Rate, burst, 1, micros(maxDebt), l.worker, now, 0, burst, micros(maxDebt)).Int64Slice()
	if err == nil && reply[5] > 0 {
		reply[1] = 0 // the script tells the time of the first token that is not at hand
	}
	return reply, err
}

// askLearned runs the script of a rate that is not known. op is r to reserve
// a token, e to report an answer that the rate was exceeded.
func (l *Limiter) askLearned(ctx context.Context, op byte, age, retryAfter time.Duration) ([]int64, error) {
	const startRate, flat, beta, cut, doublings, search, maxRate = 1, 8, 0.95, 0.6, 1, 0.05, 0
	told := l.accepted.Swap(0)
	reply, err := l.learn.Run(ctx, l.redis, []string{l.key + "learn", l.key + "workers"},
		string(op), 1, micros(maxDebt), l.worker, told, micros(age), micros(retryAfter), 0,
		startRate, flat, beta, cut, doublings, search, maxRate, "p", micros(400*time.Millisecond)).Int64Slice()
	if err != nil {
		l.accepted.Add(told)
	}
	return reply, err
}

func (l *Limiter) empty(ctx context.Context) error {
	return l.drain.Run(ctx, l.redis, []string{l.key + "bucket"}, l.limits.Rate).Err()
}

// local paces this process alone while Redis is away. It begins a second in
// debt: tokens that were promised before may still be used.
func (l *Limiter) local() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.away {
		l.away, l.next = true, now.Add(time.Second)
	}
	rate := l.limits.Rate * 0.95
	if rate <= 0 {
		rate = 1
	}
	if l.next.Before(now) {
		l.next = now
	}
	at := l.next
	l.next = l.next.Add(time.Duration(float64(time.Second) / rate))
	return at.Sub(now)
}

// back empties the shared bucket when Redis answers again: it filled up while
// requests went on without it.
func (l *Limiter) back(ctx context.Context) {
	l.mu.Lock()
	was := l.away
	l.away = false
	l.mu.Unlock()
	if was && l.limits.Rate > 0 {
		_ = l.empty(ctx) // gone again: the next request finds out
	}
}

func micros(d time.Duration) int64 { return d.Microseconds() }

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
