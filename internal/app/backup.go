package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

var errOwnTools = Usage(errors.New("PLATEQ_DATABASE_URL: a PostgreSQL is backed up and restored with its own tools: see docs/backup.md"))

// Backup writes the SQLite store as it is at this moment into a new file, also
// while another process uses the store. The keys are not in it.
func Backup(ctx context.Context, o Options, file string) error {
	a := &App{opts: o}
	if a.shared() {
		return errOwnTools
	}
	path, err := a.databasePath()
	if err != nil {
		return Usage(err)
	}
	if _, err := os.Stat(path); err != nil {
		return Usage(fmt.Errorf("there is no store at %s", path))
	}
	err = sqlite.Backup(ctx, path, file)
	if errors.Is(err, sqlite.ErrExists) {
		return Usage(err)
	}
	return err
}

// Restored is what Restore did.
type Restored struct {
	// Aside is the directory that holds what was there before; empty: nothing.
	Aside string
}

// Restore puts a backup into the place of the SQLite store, which nobody may
// use. A store that is there is refused, or moved aside with force, and so is
// its spool: answers in it belong to calls of that store. No paid call starts
// from the restored store until AcceptRestore. Where it fails before the old
// store is moved, nothing has changed.
func Restore(ctx context.Context, o Options, file string, force bool) (r Restored, err error) {
	a := &App{opts: o, log: o.Log, now: clock(o)}
	if a.shared() {
		return r, errOwnTools
	}
	path, err := a.databasePath()
	if err != nil {
		return r, Usage(err)
	}
	if err := sqlite.Verify(ctx, file); err != nil {
		return r, Usage(fmt.Errorf("restore store: %w", err))
	}
	unlock, err := a.lockBoth(filepath.Dir(path))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if _, err := os.Lstat(path); err == nil && !force {
		return r, Usage(fmt.Errorf("restore store: there is one at %s: --force moves it aside", path))
	}
	part, err := a.copyBeside(file, path)
	if part != "" {
		defer func() { err = errors.Join(err, sqlite.Remove(part)) }()
	}
	if err == nil {
		err = a.usable(ctx, part)
	}
	if err != nil {
		return r, err
	}
	if r.Aside, err = a.moveAside(path); err != nil {
		return r, fmt.Errorf("move the old store aside: %w", err)
	}
	if err := sqlite.Place(part, path); err != nil {
		return r, fmt.Errorf("restore store: %w", err)
	}
	return r, nil
}

// lockBoth locks the data directory, and that of the database where it is
// another one.
func (a *App) lockBoth(database string) (unlock func() error, err error) {
	dirs := []string{a.dataDir()}
	for _, dir := range []string{a.dataDir(), database} {
		if err := makeDir(dir); err != nil {
			return nil, err
		}
	}
	if !sameDir(a.dataDir(), database) {
		dirs = append(dirs, database)
	}
	unlock = func() error { return nil }
	for _, dir := range dirs {
		lock, err := store.LockDir(dir)
		if _, taken := errors.AsType[*store.LockedError](err); taken {
			err = Usage(fmt.Errorf("restore store: %w: stop it first", err))
		}
		if err != nil {
			return nil, errors.Join(err, unlock())
		}
		earlier := unlock
		unlock = func() error { return errors.Join(lock.Close(), earlier()) }
	}
	return unlock, nil
}

// copyBeside copies the backup to where a rename will do. The name is returned
// as soon as there is something to remove.
func (a *App) copyBeside(file, path string) (part string, err error) {
	in, err := os.Open(file) //nolint:gosec // the path is the operator's
	if err != nil {
		return "", fmt.Errorf("read backup: %w", err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	out, err := os.CreateTemp(filepath.Dir(path), ".plateq-restore-*")
	if err != nil {
		return "", fmt.Errorf("copy backup: %w", err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return out.Name(), fmt.Errorf("copy backup: %w", err)
	}
	return out.Name(), nil
}

// usable refuses a copy that is damaged or could not be opened here, and writes
// down that it is one before it can be used.
func (a *App) usable(ctx context.Context, part string) error {
	keys, given, err := a.opts.Config.Keys()
	if err == nil && !given {
		name := filepath.Join(a.dataDir(), "keys")
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return Usage(fmt.Errorf("restore store: its keys are not in a backup: put the file with them at %s first", name))
		}
		keys, err = store.OpenKeyFile(name)
	}
	if err != nil {
		return Usage(err)
	}
	if err := sqlite.Verify(ctx, part); err != nil {
		return fmt.Errorf("restore store: %w", err)
	}
	id, err := sqlite.Usable(sqlite.Options{Path: part, Keys: keys, Simulated: a.opts.Simulate, Region: a.opts.Config.DataRegion})
	if err != nil {
		return explainOpen(a.dataDir(), err)
	}
	all, err := readWatermarks(a.dataDir())
	if err != nil {
		return err
	}
	return setWatermark(a.dataDir(), id, watermark{call: all[id].call, restored: true})
}

// moveAside moves the files of a database, whole or in part, and the spool into
// a new directory. What is left of the log of one database would damage another.
func (a *App) moveAside(path string) (aside string, err error) {
	for _, name := range append(sqlite.Files(path), filepath.Join(a.dataDir(), "spool")) {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if aside == "" {
			aside = filepath.Join(filepath.Dir(path), "before-restore-"+a.now().UTC().Format("20060102T150405.000"))
			if err := os.Mkdir(aside, 0o700); err != nil {
				return "", err
			}
		}
		if err := os.Rename(name, filepath.Join(aside, filepath.Base(name))); err != nil {
			return aside, err
		}
	}
	return aside, nil
}
