package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/plateq/plateq/store"
)

// KeysRotated is what RotateKeys did.
type KeysRotated struct {
	Seen, Changed int // values that were looked at, and sealed anew
	// Gone are the names of the sealing keys that nothing needs any more.
	Gone []string
	// Kept is the file that keeps them for old backups; empty: they are in the
	// environment.
	Kept string
}

// RotateKeys seals everything that a store holds with another key. Where the
// keys are in the data directory it makes the key and takes the old ones out of
// the file in the end; where they are in the environment, the first of several
// is the one that seals. It can be cut off at any moment and begun again.
func RotateKeys(ctx context.Context, o Options, told func(seen, changed int)) (r KeysRotated, err error) {
	a := &App{opts: o, log: o.Log, now: clock(o), parts: Books}
	defer func() { err = errors.Join(err, a.Close()) }()
	keys, given, err := o.Config.Keys()
	switch {
	case err != nil:
		return r, Usage(err)
	case given && len(keys.Seal) < 2:
		return r, Usage(errors.New("PLATEQ_ENCRYPTION_KEYS: there is one key only: put a new one in front of it (plateq secrets new), for every process, and start them again"))
	case !given:
		if err := a.openKeyFile(ctx); err != nil {
			return r, err
		}
	}
	if a.store == nil {
		if err := a.openBooks(ctx); err != nil {
			return r, err
		}
	}
	a.closers = append(a.closers, a.closeTrail)
	if err := a.unspooled(", sealed with the old key", ""); err != nil {
		return r, err
	}
	if err := a.noteAct(ctx, store.ActSealRotated, store.AllTenants, "", ""); err != nil {
		return r, err
	}
	_, err = store.ResealAll(ctx, a.store, func(seen, changed int) {
		r.Seen, r.Changed = seen, changed
		told(seen, changed)
	})
	if err != nil {
		return r, err
	}
	if given {
		for _, k := range keys.Seal[1:] {
			r.Gone = append(r.Gone, k.Name())
		}
		return r, nil
	}
	r.Kept = filepath.Join(a.dataDir(), "keys.retired")
	r.Gone, err = store.RetireKeys(filepath.Join(a.dataDir(), "keys"), r.Kept)
	return r, err
}

// NewSealKey makes a sealing key, as PLATEQ_ENCRYPTION_KEYS has it. Lists whose
// keys were destroyed below those in the environment have none below it either.
func NewSealKey(o Options) (string, error) {
	keys, given, err := o.Config.Keys()
	if err != nil {
		return "", Usage(err)
	}
	fresh := store.NewSealKey()
	if given {
		fresh = keys.NewSealKeys().Seal[0]
	}
	return store.FormatSealKeys([]store.SealKey{fresh}), nil
}

// keysEvery is how often a process looks whether it still has the right keys.
const keysEvery = 10 * time.Second

// watchKeys returns why the process cannot go on with the keys that it has: it
// could not read what others seal, or nobody could read what it seals. nil: ctx
// has ended before.
func (a *App) watchKeys(ctx context.Context) error {
	var unread chan struct{}
	if a.guard != nil {
		unread = a.guard.unread
	}
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-unread:
		}
		err := a.store.HoldsKeys(ctx)
		_, missing := errors.AsType[*store.KeysError](err)
		_, replaced := errors.AsType[*store.ReplacedKeyError](err)
		if missing || replaced {
			return Usage(fmt.Errorf("this process ends, with nothing lost: %w: give it the keys that the others have", err))
		}
	}
}

// openKeyFile opens the books of a data directory that has its own keys, with a
// new one in front unless a rotation that was cut off has left one there.
func (a *App) openKeyFile(ctx context.Context) error {
	dir := a.dataDir()
	path, err := a.databasePath()
	if err != nil {
		return Usage(err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Usage(fmt.Errorf("there is no store at %s", path))
	}
	lock, err := store.LockDir(dir)
	if err != nil {
		return Usage(fmt.Errorf("%w: stop plateq first", err))
	}
	a.closers = append(a.closers, lock.Close)
	if err := store.AddSealKey(filepath.Join(dir, "keys")); err != nil {
		return err
	}
	return a.openStore(ctx, dir, path)
}
