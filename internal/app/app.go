package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/internal/metrics"
	"github.com/plateq/plateq/internal/tracing"
	"github.com/plateq/plateq/internal/webhook"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/scheduler"
	"github.com/plateq/plateq/store"
)

// countEvery is how often a worker writes down how much it did.
const countEvery = 5 * time.Second

// lastWords is the time to tell the store that the process ends.
const lastWords = 5 * time.Second

// App is a running Plateq, or the parts of it that were asked for.
type App struct {
	opts   Options
	parts  Parts
	log    zerolog.Logger
	now    func() time.Time
	id     store.WorkerID
	store  store.Store
	sealer *store.Sealer
	// enqueueKey opens lists that others enqueue.
	enqueueKey []byte
	set        *providers.Set
	// catalogue describes all there are, those of set among them.
	catalogue []providers.Spec
	limits    map[string]jobs.Limits
	moving    bool // the store may be one that was moved away
	guard     *guarded
	// headKept is the last act up to which the audit log is known to go, here.
	headKept int64

	redis     redis.UniversalClient
	wakes     *jobs.Wakes // of processes that share it; nil: there are none
	spool     *store.Spool
	worker    *jobs.Worker
	heart     *heart // of the worker, once it runs
	scheduler *scheduler.Scheduler
	sender    *webhook.Sender // of webhooks, with the scheduler
	listener  *listener
	admin     *listener // of /metrics; nil: nowhere
	meter     *metrics.Meter
	tracer    *tracing.Tracer // nil: nobody traces
	access    *api.Access     // nil where nothing listens
	upstreams *standIn        // their stand-in in this process, nil until one is needed
	closers   []func() error  // run in reverse
}

// Open opens what parts need. Nothing is sent and nothing listens before Run.
func Open(ctx context.Context, o Options, parts Parts) (*App, error) {
	o, err := broken(o)
	if err != nil {
		return nil, err
	}
	a := &App{opts: o, parts: parts, log: o.Log, now: o.Now, id: workerID(), meter: metrics.NewMeter()}
	if a.now == nil {
		a.now = time.Now
	}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func workerID() store.WorkerID {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return store.WorkerID(host + "/" + strconv.Itoa(os.Getpid()) + "/" + uuid.NewString())
}

func (a *App) open(ctx context.Context) error {
	if err := a.openBooks(ctx); err != nil {
		return err
	}
	if err := a.openTraces(ctx); err != nil {
		return err
	}
	a.closers = append(a.closers, a.closeTrail)
	if a.parts&Worker != 0 {
		if err := a.guardCalls(ctx); err != nil {
			return err
		}
		a.store = a.failing(a.store)
	}
	if a.parts&(Server|Hooks) != 0 {
		if err := a.listen(ctx); err != nil {
			return err
		}
	}
	if err := a.listenAdmin(ctx); err != nil {
		return err
	}
	if err := a.openProviders(); err != nil {
		return err
	}
	if a.parts != Books {
		if err := a.openRedis(ctx); err != nil {
			return err
		}
	}
	if a.parts&(Worker|Scheduler) != 0 {
		if err := a.openWork(ctx); err != nil {
			return err
		}
	}
	a.openAdmin()
	if a.listener != nil {
		handler, err := a.site()
		if err != nil {
			return err
		}
		a.listener.server.Handler = insist(handler)
	}
	return nil
}

// openWork makes worker and scheduler. The one wakes the other; nothing is lost
// if it does not.
func (a *App) openWork(ctx context.Context) error {
	if !a.shared() { // a run sets lists aside only where it is alone
		if err := a.takeBack(ctx); err != nil {
			return fmt.Errorf("go on with lists that a run set aside: %w", err)
		}
	}
	budgets := a.opts.Config.Budgets()
	enq := jobs.NewEnqueuer(jobs.EnqueuerOptions{
		Store: a.store, Providers: a.set, Limits: a.limits, Redis: a.redis, Budgets: budgets, Log: a.log, Now: a.now,
		Tracer: a.jobsTracer(),
	})
	if err := a.openSender(); err != nil {
		return err
	}
	a.scheduler = scheduler.New(scheduler.Options{
		Store: a.store, Providers: a.set, Enqueuer: enq, Log: a.log, Now: a.now,
		Resends: a.resends, Reuse: a.reuse, Alone: a.opts.alone, Shared: a.shared(),
		Holds: func(c store.CallID) bool { return a.worker != nil && a.worker.Holds(c) },
	})
	if a.parts&Worker == 0 {
		return nil
	}
	w, err := jobs.NewWorker(jobs.WorkerOptions{
		ID: a.id, Store: a.store, Providers: a.set, Limits: a.limits, Redis: a.redis, Spool: a.spool, Budgets: budgets, Orders: a.orders(),
		Log: a.log, Now: a.now, Wake: a.wake, Meter: a.meter, Tracer: a.jobsTracer(),
	})
	if err != nil {
		return err
	}
	a.worker = w
	// Answers that were spooled come before the judgement on their calls.
	if err := w.DrainSpool(ctx); err != nil {
		a.log.Error().Err(err).Msg("store what was spooled")
	}
	return a.wakeRefused(ctx)
}

// wakeRefused lets one probe through gates that were closed over credit or
// credentials, or a provider out of reach: whoever starts the process has
// perhaps just put that right.
func (a *App) wakeRefused(ctx context.Context) error {
	gates, err := a.store.Gates(ctx)
	if err != nil {
		return fmt.Errorf("read gates: %w", err)
	}
	var due []string
	for _, g := range gates {
		switch g.Class {
		case providers.OutOfCredit, providers.Unauthorised, providers.Unavailable, providers.Ambiguous:
			if g.Closed {
				due = append(due, g.Scope)
			}
		default: // opens by its time
		}
	}
	if len(due) == 0 {
		return nil
	}
	_, err = a.store.SetGates(ctx, store.GateChanges{Due: due})
	return err
}

// Run works until ctx ends, then takes no new work, lets calls in flight end
// within Config.Grace, and returns. An error says what could not be finished,
// or why the process had to end by itself.
func (a *App) Run(ctx context.Context) error {
	if err := a.startWork(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	stop, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	a.background(stop, &wg)
	keyless := make(chan error, 1)
	wg.Go(func() { keyless <- a.watchKeys(stop) })
	if a.admin != nil {
		wg.Go(func() {
			if err := a.admin.serve(); err != nil {
				a.log.Error().Err(err).Msg("serve /metrics")
			}
		})
	}
	served := make(chan error, 1)
	if a.listener != nil {
		wg.Go(func() { served <- a.listener.serve() })
	}
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
	case failed = <-keyless:
	}
	err := a.drain(ctx)
	cancel()
	if a.admin != nil {
		_ = a.admin.server.Close() // nobody waits for the last figures
	}
	wg.Wait()
	if a.guard != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		if err := a.guard.advance(last); err != nil {
			a.log.Error().Err(err).Msg("write down how far the store has come")
		}
	}
	return errors.Join(failed, err)
}

func (a *App) startWork(ctx context.Context) error {
	if a.worker == nil {
		return nil
	}
	if err := a.store.Beat(ctx, a.id); err != nil {
		return fmt.Errorf("sign in with the store: %w", err)
	}
	return a.worker.Start()
}

// background keeps scheduler, heartbeat and spool going until ctx ends.
func (a *App) background(ctx context.Context, wg *sync.WaitGroup) {
	a.carryWakes(ctx, wg)
	if a.parts&Scheduler != 0 {
		wg.Go(func() { a.scheduler.Run(ctx) })
		wg.Go(func() { a.sender.Run(ctx) })
		wg.Go(func() {
			a.every(ctx, time.Minute, "drop lists that were never accepted", func() error { return a.dropIntakes(ctx) })
		})
		wg.Go(func() {
			a.every(ctx, time.Hour, "forget keys of old requests", func() error {
				_, err := a.store.ForgetOnce(ctx)
				return err
			})
		})
		wg.Go(func() {
			a.every(ctx, time.Hour, "forget old history", func() error {
				_, err := a.store.TidyHistory(ctx)
				return err
			})
		})
	}
	if a.access != nil {
		wg.Go(func() {
			a.every(ctx, trailEvery, "write down how far the audit log goes", func() error { return a.keepHead(ctx) })
		})
		wg.Go(func() {
			a.every(ctx, flushEvery, "note when API keys were used", func() error { return a.flushAccess(ctx) })
		})
	}
	if a.worker == nil {
		return
	}
	a.startHeart(ctx, wg)
	wg.Go(func() {
		a.every(ctx, watermarkEvery, "write down how far the store has come", func() error { return a.guard.advance(ctx) })
	})
	wg.Go(func() {
		a.every(ctx, countEvery, "write down what was counted", func() error { return a.worker.WriteCounts(ctx) })
	})
	wg.Go(func() {
		a.every(ctx, 2*time.Second, "store what was spooled", func() error { return a.worker.DrainSpool(ctx) })
	})
}

// dropIntakes drops lists whose process died before they were accepted. That
// of a big one takes minutes, and nobody waits for it; what the end of the
// process cuts off is for the next time.
func (a *App) dropIntakes(ctx context.Context) error {
	n, err := a.store.AbandonIntakes(ctx)
	if n > 0 {
		a.log.Info().Int("lists", n).Msg("lists that were never accepted are dropped")
	}
	return err
}

func (a *App) every(ctx context.Context, d time.Duration, what string, do func() error) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	told := ""
	for {
		err := do()
		switch {
		case err == nil:
			told = ""
		case ctx.Err() == nil && err.Error() != told:
			told = err.Error() // once is enough
			a.log.Error().Err(err).Msg(what)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Store returns the opened store.
func (a *App) Store() store.Store { return a.store }

// Providers returns the providers that are set up.
func (a *App) Providers() *providers.Set { return a.set }

// Handler returns the HTTP API. Who holds it needs no key.
func (a *App) Handler() http.Handler { return a.handler(nil) }
