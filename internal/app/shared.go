package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
)

// shared reports whether the store is one for many processes. Rehearsals have
// a store of their own.
func (a *App) shared() bool { return a.opts.Config.Shared() && !a.opts.Simulate }

// openShared opens the store that all processes use, and a spool of this one.
func (a *App) openShared(ctx context.Context) error {
	keys, _, err := a.opts.Config.Keys()
	if err != nil {
		return Usage(err)
	}
	a.enqueueKey = keys.Enqueue
	if a.sealer, err = store.NewSealer(keys); err != nil {
		return Usage(err)
	}
	st, err := postgres.Open(ctx, postgres.Options{
		URL: a.opts.Config.DatabaseURL.Reveal(), Keys: keys, Region: a.opts.Config.DataRegion, Now: a.opts.Now, Retention: a.opts.Config.Retention,
	})
	if err != nil {
		return explainOpen("PLATEQ_DATABASE_URL", err)
	}
	a.store = st
	a.closers = append(a.closers, st.Close)
	if a.parts != Books { // commands come and go, and would say so each time
		a.warn(postgres.Exposed(a.opts.Config.DatabaseURL.Reveal()))
	}
	if a.parts&Worker == 0 {
		return nil // nothing is asked, so nothing can be left over
	}
	dir, err := a.ownSpool()
	if err != nil {
		return err
	}
	return a.openSpool(dir)
}

// maxSpools is how many processes can share a data directory.
const maxSpools = 1000

// ownSpool locks a directory below the data directory for this process. One
// that a process left behind, perhaps with answers, comes before a new one.
func (a *App) ownSpool() (string, error) {
	for n := range maxSpools {
		dir := filepath.Join(a.opts.Config.DataDir, "spool", strconv.Itoa(n))
		if err := makeDir(dir); err != nil {
			return "", err
		}
		lock, err := store.LockDir(dir)
		if _, taken := errors.AsType[*store.LockedError](err); taken {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("lock spool %s: %w", dir, err)
		}
		a.closers = append(a.closers, lock.Close)
		return dir, nil
	}
	return "", fmt.Errorf("find a spool in %s: %d processes have one there", a.opts.Config.DataDir, maxSpools)
}
