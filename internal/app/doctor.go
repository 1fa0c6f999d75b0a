package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/doctor"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/sqlite"
)

// Finding is one thing that Examine looked at.
type Finding = doctor.Finding

// Examine looks at all that a process with these options stands on, and changes
// nothing; the store may be in use. With ask every provider that has a harmless
// call gets it. The error, with an exit code, is what the worst findings come
// to; nil: there is no fault.
func Examine(ctx context.Context, o Options, warnings []string, ask bool) ([]Finding, error) {
	a := &App{opts: o, log: zerolog.Nop(), now: clock(o)}
	p := doctor.Patient{Config: o.Config, Warnings: warnings, Now: a.now}
	if a.shared() {
		p.Vitals, p.Exposed = a.sharedVitals, postgres.Exposed(o.Config.DatabaseURL.Reveal())
	} else if path, err := a.databasePath(); err != nil {
		return nil, Usage(err)
	} else if _, err := os.Stat(path); err == nil {
		p.Vitals = func(context.Context) (store.Vitals, error) { return a.ownVitals(path) }
	}
	if url := o.Config.RedisURL.Reveal(); url != embeddedRedis {
		r, closeRedis, err := patientRedis(url)
		if err != nil {
			return nil, Usage(err)
		}
		defer closeRedis()
		p.Redis = r
	}
	if ask {
		if err := a.openProviders(); err != nil {
			return nil, err
		}
		p.Set = a.set
	}
	all := doctor.Examine(ctx, p)
	return all, verdict(all)
}

// ExamineFaults is Examine where the configuration cannot be read.
func ExamineFaults(err error) []Finding {
	if faults, ok := errors.AsType[*config.FaultsError](err); ok {
		return doctor.Refused(faults.Faults)
	}
	return doctor.Refused([]string{err.Error()})
}

// Health asks the process with this configuration whether it lives.
func Health(ctx context.Context, c config.Config) error { return doctor.Health(ctx, c) }

func (a *App) sharedVitals(ctx context.Context) (store.Vitals, error) {
	keys, _, err := a.opts.Config.Keys()
	if err != nil {
		return store.Vitals{}, err
	}
	return postgres.Vitals(ctx, postgres.Options{URL: a.opts.Config.DatabaseURL.Reveal(), Keys: keys, Region: a.opts.Config.DataRegion, Now: a.now})
}

// ownVitals reads those of a file. Its keys are made with the store, never here.
func (a *App) ownVitals(path string) (store.Vitals, error) {
	keys, given, err := a.opts.Config.Keys()
	if err == nil && !given {
		file := filepath.Join(a.dataDir(), keyFileName)
		if _, err = os.Stat(file); err == nil {
			keys, err = store.OpenKeyFile(file)
		}
	}
	if err != nil {
		return store.Vitals{}, err
	}
	return sqlite.Vitals(sqlite.Options{Path: path, Keys: keys, Simulated: a.opts.Simulate, Region: a.opts.Config.DataRegion})
}

func patientRedis(url string) (*doctor.Redis, func(), error) {
	o, err := jobs.ParseRedisURL(url)
	if err != nil {
		return nil, nil, err
	}
	redis.SetLogger(redisLogger{zerolog.Nop()})
	c, err := jobs.OpenRedis(url)
	if err != nil {
		return nil, nil, err
	}
	r := &doctor.Redis{Client: c, Hosts: o.Addrs, Guarded: o.Password != "", Exposed: jobs.RedisExposed(url), Cluster: o.IsClusterMode}
	return r, func() { _ = c.Close() }, nil
}

// verdict is the exit code of what was found: of settings that no start takes,
// else of what is around, else of money and providers.
func verdict(all []Finding) error {
	worst, causes := doctor.Worst(all)
	if worst < doctor.Fault {
		return nil
	}
	err := errors.New("not all is well: see the faults")
	switch {
	case causes[doctor.Settings]:
		return Usage(err)
	case causes[doctor.Surroundings]:
		return err
	case causes[doctor.Credit]:
		return &ExitError{Code: ExitMoney, Err: err}
	default:
		return &ExitError{Code: ExitProvider, Err: err}
	}
}
