package jobs

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/plateq/plateq/providers"
)

// The tests of the limiter run whole fleets for minutes of a time that is not
// real: in a bubble of synctest, over the embedded Redis and a provider that
// counts requests. What they measure is the pace itself, not this machine.

// upstream is a provider that counts requests: in a token bucket, or by fixed
// windows of a second.
type upstream struct {
	began time.Time

	mu          sync.Mutex
	rate, burst float64
	windows     bool
	latency     time.Duration
	tokens      float64
	last        time.Time
	answers     map[int]*answers // by second
	inFlight    int
	most        int // calls in flight at once
}

type answers struct{ ok, refused int }

func newUpstream(rate, burst float64) *upstream {
	now := time.Now()
	return &upstream{began: now, rate: rate, burst: burst, tokens: burst, last: now, answers: map[int]*answers{}, latency: 5 * time.Millisecond}
}

// set changes the rate.
func (u *upstream) set(rate float64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.rate = rate
}

// ask makes one request, and reports whether it was not one too many.
func (u *upstream) ask() bool {
	u.mu.Lock()
	u.inFlight++
	u.most = max(u.most, u.inFlight)
	ok := u.admit(time.Now())
	u.mu.Unlock()
	time.Sleep(u.latency)
	u.mu.Lock()
	u.inFlight--
	u.mu.Unlock()
	return ok
}

func (u *upstream) admit(now time.Time) bool {
	switch {
	case !u.windows:
		u.tokens = min(u.burst, u.tokens+u.rate*now.Sub(u.last).Seconds())
	case now.Unix() != u.last.Unix():
		u.tokens = u.rate
	}
	u.last = now
	s := int(now.Sub(u.began) / time.Second)
	if u.answers[s] == nil {
		u.answers[s] = &answers{}
	}
	if u.tokens < 1-1e-9 {
		u.answers[s].refused++
		return false
	}
	u.tokens--
	u.answers[s].ok++
	return true
}

// between sums up seconds: the part of a rate that was used, the part of
// requests that was refused, and how many were made.
func (u *upstream) between(from, to int, rate float64) (used, refused float64, requests int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var sum answers
	for s := from; s < to; s++ {
		if a := u.answers[s]; a != nil {
			sum.ok += a.ok
			sum.refused += a.refused
		}
	}
	requests = sum.ok + sum.refused
	return float64(sum.ok) / (rate * float64(to-from)), float64(sum.refused) / float64(max(1, requests)), requests
}

// wire is the way to the provider.
type wire struct {
	base, spread time.Duration // exponential
	slow         float64       // part of requests that take by longer
	by           time.Duration
}

var (
	lan = wire{base: 2 * time.Millisecond, spread: time.Millisecond}
	wan = wire{base: 40 * time.Millisecond, spread: 15 * time.Millisecond, slow: 0.01, by: 300 * time.Millisecond}
	bad = wire{base: 100 * time.Millisecond, spread: 50 * time.Millisecond, slow: 0.02, by: time.Second}
)

func (w wire) cross(r *rand.Rand) {
	d := w.base + time.Duration(r.ExpFloat64()*float64(w.spread))
	if r.Float64() < w.slow {
		d += w.by
	}
	time.Sleep(d)
}

// world is a fleet of processes at one provider.
type world struct {
	t      *testing.T
	up     *upstream
	redis  *Embedded
	calls  atomic.Int64 // of Redis
	gone   atomic.Bool  // Redis is away
	frozen atomic.Pointer[chan struct{}]
	off    atomic.Int64 // by how much the clock of Redis is ahead of ours, once it was told
	fleet  []*process
}

// process is a Limiter and those who always want to send.
type process struct {
	*Limiter
	client *redis.Client
	made   atomic.Int64
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

// inWorld runs a test in a bubble, and ends all that it started.
func inWorld(t *testing.T, up func() *upstream, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, redis: OpenEmbedded(), up: up()}
		test(t, w)
		for _, p := range w.fleet {
			p.end(w)
		}
		if err := w.redis.Close(); err != nil {
			t.Error(err)
		}
	})
}

// join adds processes that make no requests yet.
func (w *world) join(n int, l Limits) []*process {
	if l.Timeout == 0 {
		l.Timeout = 30 * time.Second
	}
	spec := providers.Spec{Name: "p", Endpoints: providers.Endpoints{Submit: "submit", Poll: "items"}}
	first := len(w.fleet)
	for range n {
		c := w.client()
		w.fleet = append(w.fleet, &process{client: c,
			Limiter: NewLimiter(LimiterOptions{Redis: c, Spec: spec, Worker: "w" + strconv.Itoa(len(w.fleet)), Limits: l})})
	}
	return w.fleet[first:]
}

// work lets each process send all it may, n at a time.
func (w *world) work(ps []*process, n int, over wire) {
	for i, p := range ps {
		ctx, stop := context.WithCancel(w.t.Context())
		p.stop = stop
		for j := range n {
			r := rand.New(rand.NewPCG(uint64(i), uint64(j)))
			p.ended.Go(func() {
				for p.one(ctx, w.up, over, r) {
				}
			})
		}
	}
}

// one makes one request.
func (p *process) one(ctx context.Context, up *upstream, over wire, r *rand.Rand) bool {
	permit, err := p.Acquire(ctx, Submits)
	if err != nil {
		return false
	}
	defer permit.Release()
	permit.Use()
	over.cross(r)
	if !up.ask() {
		permit.Exceeded("p/submit", 0)
	}
	p.made.Add(1)
	return true
}

// rest ends the process's requests, and leaves it there.
func (p *process) rest() {
	if p.stop != nil {
		p.stop()
	}
	p.ended.Wait()
	p.stop = nil
}

// die ends the process without a word to Redis.
func (p *process) die() {
	p.mu.Lock()
	p.closed = true
	p.wake()
	p.mu.Unlock()
	p.rest()
	p.behind.Wait()
}

func (p *process) end(w *world) {
	p.rest()
	if err := p.Close(w.t.Context()); err != nil {
		w.t.Error(err)
	}
	if err := p.client.Close(); err != nil {
		w.t.Error(err)
	}
}

// client returns a client of a process of its own, with the settings of
// OpenRedis.
func (w *world) client() *redis.Client {
	c := redis.NewClient(&redis.Options{
		Addr: "embedded", PoolSize: 20, MaxRetries: 10, MinRetryBackoff: 50 * time.Millisecond, MaxRetryBackoff: 2 * time.Second,
		ReadTimeout: 2 * time.Second, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			if w.gone.Load() {
				return nil, errors.New("refused")
			}
			c, err := w.redis.server.Dial()
			return wiredConn{Conn: c, w: w}, err
		},
	})
	c.AddHook(tally{w})
	return c
}

// wiredConn is a connection to a Redis that can go away.
type wiredConn struct {
	net.Conn
	w *world
}

func (l wiredConn) Write(p []byte) (int, error) {
	if l.w.gone.Load() {
		return 0, errors.New("gone")
	}
	if thaw := l.w.frozen.Load(); thaw != nil {
		<-*thaw
	}
	return l.Conn.Write(p)
}

// freeze stops Redis for a time.
func (w *world) freeze(d time.Duration) {
	thaw := make(chan struct{})
	w.frozen.Store(&thaw)
	time.Sleep(d)
	w.frozen.Store(nil)
	close(thaw)
}

// leave takes Redis away for a time.
func (w *world) leave(d time.Duration) {
	w.gone.Store(true)
	time.Sleep(d)
	w.gone.Store(false)
}

func (w *world) flush() {
	if err := w.redis.FlushAll(w.t.Context()).Err(); err != nil {
		w.t.Error(err)
	}
}

// tally counts commands, and sees to the clock by which they are carried out.
type tally struct{ w *world }

func (t tally) DialHook(next redis.DialHook) redis.DialHook { return next }
func (t tally) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		t.w.calls.Add(1)
		if off := t.w.off.Load(); off != 0 {
			t.w.redis.server.SetTime(time.Now().Add(time.Duration(off)))
		}
		return next(ctx, cmd)
	}
}
func (t tally) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
