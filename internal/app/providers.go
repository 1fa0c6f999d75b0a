package app

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/aopay"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/providers/regnum"
	"github.com/plateq/plateq/providers/resser"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/providers/spectrumdata"
	"github.com/plateq/plateq/store"
)

// Polls of stand-ins begin soon and stay frequent: they finish in seconds.
const (
	fastestSimulated = 200 * time.Millisecond
	slowestSimulated = 2 * time.Second
	priceSimulated   = 2
)

// openProviders makes every provider that is enabled, or all of them over
// stand-ins.
func (a *App) openProviders() error {
	var ps []providers.Provider
	a.limits = map[string]jobs.Limits{}
	for _, c := range a.opts.Config.Providers {
		if !c.Enabled && !a.opts.Simulate {
			continue
		}
		p, err := a.provider(c)
		if err != nil {
			return Usage(err)
		}
		ps = append(ps, failingProvider(p))
		a.limits[c.Name] = a.limitsOf(c, p.Spec())
	}
	set, err := providers.NewSet(ps...)
	if err != nil {
		return err
	}
	a.set = set
	return a.describeAll()
}

// notSetUp says what to do about a provider that is not in the set: err is
// what the set said.
func (a *App) notSetUp(name string, err error) error {
	var known []string
	for _, p := range a.opts.Config.Providers {
		if p.Name == name {
			return fmt.Errorf("provider %s is not set up: give its credentials (%s%s_…), or rehearse with --simulate", name, config.Prefix, upper(name))
		}
		known = append(known, p.Name)
	}
	if len(a.set.Names()) == 0 {
		return &providers.UnknownError{Name: name, Known: known}
	}
	return err
}

// provider makes one provider, over its stand-in in a rehearsal. A new one is
// another case.
func (a *App) provider(c config.Provider) (providers.Provider, error) {
	var in *standIn
	if a.opts.Simulate {
		var err error
		if in, err = a.standIn(); err != nil {
			return nil, err
		}
	}
	switch c.Name {
	case attestr.Name:
		cfg, opts := a.opts.Config.Attestr, attestr.Options{Now: a.now}
		if in != nil {
			cfg.BaseURL, cfg.AuthToken, opts.Dial = in.url("attestr"), in.token, in.dial
			cfg.WebhookToken, cfg.ClientSecret = in.token, in.token
		}
		return attestr.New(cfg, opts)
	case regnum.Name:
		cfg, opts := a.opts.Config.Regnum, regnum.Options{Now: a.now}
		if in != nil {
			cfg.URLs, cfg.ID, cfg.Seccode, opts.Dial = []string{in.url("regnum/bovsoft.regnum.run")}, providers.Secret(in.login), in.token, in.dial
			cfg.Nameservice = cmp.Or(cfg.Nameservice, sim.RegnumService)
		}
		return regnum.New(cfg, opts)
	case spectrumdata.Name:
		cfg, opts := a.opts.Config.SpectrumData, spectrumdata.Options{Now: a.now}
		if in != nil {
			cfg.BaseURL, cfg.User, cfg.Password, opts.Dial = in.url("spectrumdata/b2b/api/v1"), in.login, in.token, in.dial
			cfg.ReportTypeGRZ, cfg.ReportTypeVIN = sim.SpectrumGRZ, sim.SpectrumVIN
		}
		return spectrumdata.New(cfg, opts)
	case resser.Name:
		cfg, opts := a.opts.Config.Resser, resser.Options{Now: a.now}
		if in != nil {
			cfg.BaseURL, cfg.AuthHeader, cfg.AuthValue, opts.Dial = in.url("resser"), sim.ResserHeader, in.token, in.dial
		}
		return resser.New(cfg, opts)
	case aopay.Name:
		cfg, opts := a.opts.Config.AOPay, aopay.Options{Now: a.now}
		if in != nil {
			cfg.BaseURL, cfg.RegistrationID, opts.Dial = in.url("aopay"), in.token, in.dial
		}
		return aopay.New(cfg, opts)
	default:
		return nil, fmt.Errorf("provider %q is not known", c.Name)
	}
}

// hooked reports whether a provider that is set up is asked for webhooks.
func (o Options) hooked() bool {
	c, _ := o.Config.Provider(attestr.Name)
	return o.Config.Attestr.Webhook && (c.Enabled || o.Simulate)
}

func (a *App) limitsOf(c config.Provider, s providers.Spec) jobs.Limits {
	l := jobs.Limits{
		Rate: float64(c.Rate), Burst: c.Burst, Daily: c.Daily, Concurrency: c.Concurrency, Timeout: c.Timeout,
		PollMin: c.PollMin, PollMax: c.PollMax, PollPrice: c.PollPrice, Deadline: c.Deadline, FirstPoll: s.FirstPoll, SteadyFor: s.SteadyFor,
		NextReset: c.DailyReset.Next, Probe: c.DailyProbe,
		Overrides:     jobs.Overrides{AmbiguousCodes: c.AmbiguousCodes, NotFoundCodes: c.NotFoundCodes, NotFoundTexts: c.NotFoundText},
		ResendUnknown: c.OnUnknown == config.Resend,
		Price:         c.Cost(),
	}
	if a.opts.Simulate {
		l.Rate, l.Daily, l.PollMin, l.PollMax = jobs.Unlimited, 0, fastestSimulated, slowestSimulated
		l.PollPrice = priceSimulated
		l.FirstPoll, l.SteadyFor = 0, 0
	}
	return l
}

// price is what a question to the provider costs.
func (a *App) price(provider string) store.Price {
	c, _ := a.opts.Config.Provider(provider)
	return c.Cost()
}

// prices are those of all providers.
func (a *App) prices() map[string]store.Price {
	all := map[string]store.Price{}
	for _, p := range a.opts.Config.Providers {
		all[p.Name] = p.Cost()
	}
	return all
}

// resumeFunded lets batches go on that a budget held and has room for again.
func (a *App) resumeFunded(ctx context.Context) ([]store.BatchNo, error) {
	return a.store.ResumeFunded(ctx, a.opts.Config.Budgets(), a.prices())
}

// resends reports whether what became unknown at a provider is asked again.
func (a *App) resends(provider string) bool { return a.limits[provider].ResendUnknown }

// reuse says which known answers a batch for the provider is content with.
func (a *App) reuse(provider string) store.Reuse {
	c, _ := a.opts.Config.Provider(provider)
	return store.Reuse{FreshFor: c.FreshFor, FreshNotFoundFor: c.FreshNotFoundFor, ResendUnknown: c.OnUnknown == config.Resend}
}
