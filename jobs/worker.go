package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// lastHandlers is how long a server that shuts down waits for handlers of its
// own accord. It must end before what it stands on is closed, and Drain has
// waited before it.
const lastHandlers = time.Second

// callMargin is how long after its timeout a call may still be settled by its
// owner before anyone else judges it.
const callMargin = time.Minute

// WorkerOptions say what a Worker works with. All fields are required but
// Budgets, Orders, Meter, Tracer and Wake.
type WorkerOptions struct {
	ID        store.WorkerID
	Store     store.Store
	Providers *providers.Set
	Limits    map[string]Limits // by provider
	Redis     redis.UniversalClient
	Spool     *store.Spool
	Budgets   store.BudgetDefaults
	// Orders take in lists that others enqueue; nil: nobody does.
	Orders *Orders
	// Meter is told of what is done; nil: nobody is.
	Meter Meter
	// Tracer is told how it hangs together; nil: nobody is.
	Tracer Tracer
	Log    zerolog.Logger
	Now    func() time.Time
	// Wake is told that a provider's work has moved, so that the next of it
	// can be rung for. It must not block.
	Wake func(provider string)
}

// Worker answers the bell: it claims, asks and settles. Start it once, then
// Drain it once.
type Worker struct {
	opts    WorkerOptions
	lines   map[string]*line
	keeper  *keeper
	gates   *Gates
	counts  *counts
	servers []*asynq.Server
	ears    *ears
	listens sync.WaitGroup // of ears
	seekers sync.WaitGroup // those who look for work where no bell is heard

	claims     context.Context // ends when no new call may start
	stopClaims context.CancelFunc
	entering   sync.Mutex // orders the last entry before the wait for all
	running    sync.WaitGroup
}

// line is what a worker holds for one provider.
type line struct {
	spec    providers.Spec
	limits  Limits
	limiter *Limiter
	policy  *Policy
	sharing sharing
	log     zerolog.Logger
}

// NewWorker returns a worker for every provider of the set.
func NewWorker(o WorkerOptions) (*Worker, error) {
	if o.Meter == nil {
		o.Meter = noMeter{}
	}
	if o.Tracer == nil {
		o.Tracer = noTracer{}
	}
	if o.Wake == nil {
		o.Wake = func(string) {}
	}
	w := &Worker{opts: o, lines: map[string]*line{}, gates: NewGates(o.Store, o.Now), counts: newCounts(o.Now, o.Meter),
		keeper: &keeper{st: o.Store, spool: o.Spool, meter: o.Meter, tracer: o.Tracer, log: o.Log}}
	w.ears = newEars(o.Redis, w.attend)
	w.claims, w.stopClaims = context.WithCancel(context.Background())
	for _, name := range o.Providers.Names() {
		spec, err := o.Providers.Spec(name)
		if err != nil {
			return nil, err
		}
		limits, ok := o.Limits[name]
		if !ok {
			return nil, fmt.Errorf("make worker: no limits are given for %s", name)
		}
		w.lines[name] = &line{
			spec: spec, limits: limits,
			limiter: NewLimiter(LimiterOptions{Redis: o.Redis, Spec: spec, Worker: string(o.ID), Limits: limits}),
			policy:  NewPolicy(spec, limits, o.Now),
			sharing: newSharing(o.Redis, name),
			log:     o.Log.With().Str("provider", name).Logger(),
		}
	}
	return w, nil
}

// Start begins to answer the bell: one asynq server for each provider.
func (w *Worker) Start() error {
	for name, l := range w.lines {
		srv := asynq.NewServerFromRedisClient(w.opts.Redis, asynq.Config{
			Concurrency:              max(4, 2*l.limits.Concurrency),
			Queues:                   map[string]int{Queue(name): 1},
			TaskCheckInterval:        100 * time.Millisecond,
			DelayedTaskCheckInterval: time.Second,
			ShutdownTimeout:          lastHandlers,
			RetryDelayFunc:           retryDelay,
			IsFailure:                func(error) bool { return false },
			Logger:                   asynqLogger{l.log},
			LogLevel:                 asynq.WarnLevel,
		})
		mux := asynq.NewServeMux()
		mux.Handle(TaskSend, w.handler(l, w.send))
		mux.Handle(TaskPoll, w.handler(l, w.poll))
		if err := srv.Start(mux); err != nil {
			w.shutdown()
			return fmt.Errorf("start worker for %s: %w", name, err)
		}
		w.servers = append(w.servers, srv)
	}
	if err := w.startOrders(); err != nil {
		w.shutdown()
		return err
	}
	w.listens.Go(func() { w.ears.listen(w.claims) })
	for _, l := range w.lines {
		w.seekers.Go(func() { w.seek(l, w.seekChunk) })
		if l.spec.Pending {
			w.seekers.Go(func() { w.seek(l, w.seekTickets) })
		}
	}
	return nil
}

func retryDelay(int, error, *asynq.Task) time.Duration { return time.Second }

// handler runs fn for a task, under a context that ends with the task or when
// no new call may start. What fn returns is logged; the task is done all the
// same: what is left to do is in the store, and will be rung for again.
func (w *Worker) handler(l *line, fn func(context.Context, *line, []byte) error) asynq.Handler {
	return asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		if !w.enter() {
			return nil
		}
		defer w.running.Done()
		defer func() { panicked(l.log, t.Type(), recover()) }()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(w.claims, cancel)()
		ctx, end := w.opts.Tracer.Begin(w.opts.Tracer.Carried(ctx, t.Headers()), Span{Name: t.Type(), Kind: Answers, Provider: l.spec.Name})
		err := errPanicked
		defer func() { end(err) }()
		err = fn(ctx, l, t.Payload())
		if err != nil && ctx.Err() == nil {
			traced(l.log.Error(), w.opts.Tracer.ID(ctx)).Err(err).Str("task", t.Type()).Msg("task left undone, it will be rung for again")
		}
		return nil
	})
}

// enter counts a handler among those that Drain waits for, or reports that
// no new work is taken.
func (w *Worker) enter() bool {
	w.entering.Lock()
	defer w.entering.Unlock()
	if w.claims.Err() != nil {
		return false
	}
	w.running.Add(1)
	return true
}

// Drain takes no new work from now on, waits until calls in flight are
// settled or ctx ends, and returns an error that says what was left.
func (w *Worker) Drain(ctx context.Context) error {
	w.entering.Lock()
	w.stopClaims()
	w.entering.Unlock()
	for _, s := range w.servers {
		s.Stop()
	}
	ended := wait(ctx, func() {
		w.running.Wait()
		w.seekers.Wait()
	})
	w.shutdown()
	w.listens.Wait()
	w.closeLimiters(ctx)
	if ended {
		return nil
	}
	return errors.New("the time to end was over before calls in flight were: what nobody can tell of them is kept as unknown")
}

// shutdown ends the servers, side by side. Whoever calls it has waited for the
// handlers: those that are left are not waited for again.
func (w *Worker) shutdown() {
	var all sync.WaitGroup
	for _, s := range w.servers {
		all.Go(s.Shutdown)
	}
	all.Wait()
}

// wait runs fn and reports whether it came to its end before ctx did.
func wait(ctx context.Context, fn func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// DrainSpool stores answers that the store could not take before.
func (w *Worker) DrainSpool(ctx context.Context) error { return w.keeper.drain(ctx) }
