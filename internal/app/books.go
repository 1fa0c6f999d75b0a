package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

// keyFileName is the file in the data directory that holds the keys of a store of
// its own.
const keyFileName = "keys"

// spoolSize is how many bytes of answers wait for a store that takes none.
const spoolSize = 8 << 20

// openBooks opens data directory, keys, store and spool, and brings the store up
// to what was erased. The directory is locked before anything in it is read: keys
// are made once, and a spool has one reader.
func (a *App) openBooks(ctx context.Context) error {
	open := a.openOwn
	if a.shared() {
		open = a.openShared
	}
	if err := open(ctx); err != nil {
		return err
	}
	return a.replayErasures(ctx)
}

// openOwn opens the data directory of a process that is alone.
func (a *App) openOwn(ctx context.Context) error {
	dir := a.dataDir()
	if err := makeDir(filepath.Join(dir, "spool")); err != nil {
		return err
	}
	path, err := a.databasePath()
	if err != nil {
		return Usage(err)
	}
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	lock, err := store.LockDir(dir)
	if err != nil {
		return explainOpen(dir, err)
	}
	a.closers = append(a.closers, lock.Close)
	return a.openStore(ctx, dir, path)
}

// openStore opens what is in the data directory, and the database, which may
// be in another one.
func (a *App) openStore(ctx context.Context, dir, path string) error {
	keys, err := a.keys(dir)
	if err != nil {
		return Usage(err)
	}
	a.enqueueKey = keys.Enqueue
	if a.sealer, err = store.NewSealer(keys); err != nil {
		return Usage(err)
	}
	st, err := sqlite.Open(ctx, sqlite.Options{
		Path: path, Locked: sameDir(dir, filepath.Dir(path)), Keys: keys, Simulated: a.opts.Simulate, Region: a.opts.Config.DataRegion, Moved: a.moving, Now: a.now,
		Retention: a.opts.Config.Retention,
	})
	if err != nil {
		return explainOpen(dir, err)
	}
	a.store = st
	a.closers = append(a.closers, st.Close)
	return a.openSpool(filepath.Join(dir, "spool"))
}

// openSpool opens the spool of this process. The directory is locked.
func (a *App) openSpool(dir string) (err error) {
	a.spool, err = store.OpenSpool(dir, a.sealer, a.store.ID(), spoolSize)
	if other, ok := errors.AsType[*store.SpoolStoreError](err); ok {
		return Usage(fmt.Errorf("%w: give back the PLATEQ_DATABASE_URL it was used with, or another PLATEQ_DATA_DIR", other))
	}
	if err != nil {
		return err
	}
	a.spool.TellTime(a.now)
	a.closers = append(a.closers, a.spool.Close)
	return nil
}

// unspooled fails while answers wait in the spool of this process, or were set
// aside beside it. of says what is the matter with that, and then what comes
// after it; both may be empty.
func (a *App) unspooled(of, then string) error {
	if a.spool == nil {
		return nil
	}
	u := a.spool.Use()
	switch {
	case u.Answers > 0:
		return &ExitError{Code: ExitFailure, Err: fmt.Errorf("%d answers wait in the spool%s: start plateq up once, which stores them%s", u.Answers, of, then)}
	case u.Refused > 0:
		return &ExitError{Code: ExitFailure, Err: fmt.Errorf("%d answers that the store refused lie in spool.refused files%s: start plateq up once, which tries them again and says why; one that is never taken: decide about its call, then move the file away", u.Refused, of)}
	}
	return nil
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Usage(fmt.Errorf("make directory %s: %w", dir, reason(err)))
	}
	return nil
}

// sameDir reports whether two names lead to one directory.
func sameDir(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// dataDir is where everything is kept; simulated work has a place of its own.
func (a *App) dataDir() string {
	if a.opts.Simulate {
		return filepath.Join(a.opts.Config.DataDir, "simulated")
	}
	return a.opts.Config.DataDir
}

func (a *App) databasePath() (string, error) {
	url := a.opts.Config.DatabaseURL.Reveal()
	if url == "" || a.opts.Simulate {
		return filepath.Join(a.dataDir(), "plateq.db"), nil
	}
	path, ok := strings.CutPrefix(url, "sqlite://")
	if !ok || path == "" {
		return "", errors.New("PLATEQ_DATABASE_URL: it must be sqlite:// and a path")
	}
	return path, nil
}

// keys returns the keys of the environment, else those of the directory,
// made on the first start.
func (a *App) keys(dir string) (store.Keys, error) {
	keys, given, err := a.opts.Config.Keys()
	if err != nil || given {
		return keys, err
	}
	return store.OpenKeyFile(filepath.Join(dir, keyFileName))
}

// explainOpen says what to do about a store that does not open.
func explainOpen(dir string, err error) error {
	locked, isLocked := errors.AsType[*store.LockedError](err)
	_, isMark := errors.AsType[*store.MarkError](err)
	away, isAway := errors.AsType[*store.RegionError](err)
	_, isSchema := errors.AsType[*store.SchemaError](err)
	moved, isMoved := errors.AsType[*store.MovedError](err)
	_, isKeys := errors.AsType[*store.KeysError](err)
	_, isReplaced := errors.AsType[*store.ReplacedKeyError](err)
	_, isReach := errors.AsType[*store.ReachError](err)
	switch {
	case isLocked:
		return Usage(fmt.Errorf("%w: submit to it instead (plateq submit), or choose another PLATEQ_DATA_DIR", locked))
	case isMark, isSchema, isReach:
		return Usage(fmt.Errorf("open store in %s: %w", dir, err))
	case isAway:
		return Usage(fmt.Errorf("open store in %s: %w: PLATEQ_DATA_REGION must be %q", dir, away, away.Store))
	case isMoved && moved.Done:
		return Usage(fmt.Errorf("open store in %s: %w: set PLATEQ_DATABASE_URL to that database", dir, moved))
	case isMoved:
		return Usage(fmt.Errorf("open store in %s: %w: run the same plateq migrate --to again, it ends that", dir, moved))
	case isKeys:
		return Usage(fmt.Errorf("open store in %s: %w: give back the keys it was made with", dir, err))
	case isReplaced:
		return Usage(fmt.Errorf("open store in %s: %w", dir, err))
	case errors.Is(err, store.ErrFull):
		return fmt.Errorf("open store in %s: no space left: free some and start again", dir)
	}
	return fmt.Errorf("open store in %s: %w", dir, err)
}

// reason strips the path that the caller names already.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
