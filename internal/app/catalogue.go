package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
)

// Catalogue describes every provider there is as c has it, set up or not:
// credentials change nothing of what one can do, so those of the stand-ins do.
func Catalogue(c config.Config) ([]providers.Spec, error) {
	a := &App{
		opts: Options{Config: c, Simulate: true}, now: time.Now,
		upstreams: nobody(),
	}
	all := make([]providers.Spec, 0, len(c.Providers))
	for _, p := range c.Providers {
		made, err := a.provider(p)
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", p.Name, err)
		}
		all = append(all, made.Spec())
	}
	return all, nil
}

// describeAll fills the catalogue. Providers that are set up speak for
// themselves.
func (a *App) describeAll() (err error) {
	if a.catalogue, err = Catalogue(a.opts.Config); err != nil {
		return Usage(err)
	}
	for i, s := range a.catalogue {
		if own, err := a.set.Spec(s.Name); err == nil {
			a.catalogue[i] = own
		}
	}
	return nil
}

// nobody is a stand-in that does not answer.
func nobody() *standIn {
	p := newPipe()
	_ = p.Close() // it cannot fail
	return &standIn{login: sim.DefaultLogin, token: sim.DefaultToken, pipe: p}
}

// limitsInUse says at what pace a provider is asked, as people set it.
func (a *App) limitsInUse(provider string) api.Limits {
	c, _ := a.opts.Config.Provider(provider)
	if a.opts.Simulate {
		c.Rate = config.Unlimited
	}
	return api.Limits{Rate: c.Rate.String(), Burst: c.Burst, Concurrency: c.Concurrency, Daily: a.limits[provider].Daily}
}

// paceTime is how long people wait for the pace of a provider.
const paceTime = time.Second

// pace says how fast a provider is asked at present. A process that works
// with the books alone asks the Redis that the others share.
func (a *App) pace(ctx context.Context, provider string) (api.Pace, bool) {
	c := a.redis
	if c == nil {
		url := a.opts.Config.RedisURL.Reveal()
		if url == "" || url == "embedded" || a.opts.Simulate {
			return api.Pace{}, false
		}
		own, err := jobs.OpenRedis(url)
		if err != nil {
			return api.Pace{}, false
		}
		defer own.Close() //nolint:errcheck // it was only asked
		c = own
	}
	ctx, cancel := context.WithTimeout(ctx, paceTime)
	defer cancel()
	spec, err := a.set.Spec(provider)
	if err != nil {
		return api.Pace{}, false
	}
	p, err := jobs.ReadPace(ctx, c, spec, a.limits[provider])
	return api.Pace(p), err == nil // where Redis is away, all else is still worth showing
}

// Describe returns an API that tells of providers only: what they can do, and
// what they say of credit. It needs no store.
func Describe(o Options) (http.Handler, error) {
	a := &App{opts: o, log: o.Log, now: time.Now, store: noBooks{}}
	if o.Simulate { // nobody is asked in a rehearsal that has no books
		a.upstreams = nobody()
	}
	if err := a.openProviders(); err != nil {
		return nil, err
	}
	return a.handler(nil), nil
}

// noBooks is the store before there is one.
type noBooks struct{ store.Store }

// Gates implements store.Store.
func (noBooks) Gates(context.Context) ([]store.Gate, error) { return nil, nil }

// Backlogs implements store.Reader.
func (noBooks) Backlogs(context.Context) ([]store.Backlog, error) { return nil, nil }

// Readings implements store.Reader.
func (noBooks) Readings(context.Context) ([]store.Reading, error) { return nil, nil }

// Budgets implements store.Budgeting: nothing is used of any.
func (noBooks) Budgets(_ context.Context, r store.BudgetsRequest) ([]store.BudgetUse, error) {
	uses := r.Choose(nil, nil)
	for i, u := range uses {
		uses[i].BudgetSpan = u.Period.At(time.Now())
	}
	return uses, nil
}

// Estimate implements store.Reader: nothing is known, so every question is to
// be asked.
func (noBooks) Estimate(ctx context.Context, r store.EstimateRequest) (store.Estimate, error) {
	sealer, err := store.NewSealer(store.NewKeys())
	if err != nil {
		return store.Estimate{}, err
	}
	return store.NewForecast(sealer, r).Run(ctx, time.Now, func(_ context.Context, p *store.Plan) error { return p.Decide(nil) })
}
