package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"
)

// ErrExists says that a file is there already. Nothing was written.
var ErrExists = errors.New("the file exists")

// Backup writes the store in the file at path, as it is at one moment, into a
// new file. It takes no lock: another process may use the store and goes on
// meanwhile, while its log grows. The backup is readable by its owner only. It
// is there whole and checked, or not at all; one that is there is never
// replaced: ErrExists.
//
// What is personal is sealed in the backup too, and the keys are not in it.
func Backup(ctx context.Context, path, to string) (err error) {
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("back up store: %w: %s", ErrExists, to)
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".plateq-backup-*")
	if err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	part := f.Name()
	defer func() { err = errors.Join(err, Remove(part)) }()
	if err := errors.Join(f.Close(), copyInto(ctx, path, part), Verify(ctx, part)); err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	if err := Place(part, to); err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	return nil
}

// copyInto writes a snapshot into an empty file.
func copyInto(ctx context.Context, path, to string) (err error) {
	c, err := openStored(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.pragmas("query_only=OFF"); err != nil { // it cannot write to the store: the file is opened so
		return err
	}
	c.SetInterrupt(ctx.Done())
	return interrupted(ctx, c.exec("VACUUM INTO ?", to))
}

// Verify reads a store's file through and refuses one that is damaged or that
// is no store.
func Verify(ctx context.Context, path string) (err error) {
	c, err := openStored(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	c.SetInterrupt(ctx.Done())
	verdict := ""
	_, err = c.one("PRAGMA integrity_check(1)", func(stmt *sqlite.Stmt) { verdict = stmt.ColumnText(0) })
	if err := interrupted(ctx, err); err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	if verdict != "ok" {
		return fmt.Errorf("check %s: the file is damaged", path)
	}
	return nil
}

// Usable says whether Open would take the file, and which store it is. It
// changes nothing in it.
func Usable(o Options) (id string, err error) {
	has, err := inspect(o)
	if err != nil {
		return "", err
	}
	if has == 0 {
		return "", fmt.Errorf("open store: %s is empty", o.Path)
	}
	c, err := openStored(o.Path)
	if err != nil {
		return "", err
	}
	facts, err := c.facts()
	return facts.ID(), errors.Join(err, c.Close())
}

// Place gives a complete file its name, once its content is on the disk. It
// replaces nothing: ErrExists. The old name is left.
func Place(part, to string) error {
	f, err := os.Open(part) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(part, to); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", ErrExists, to)
	} else if err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Files returns the names of the files that a database consists of: the log of
// one is a danger to another that is put into its place.
func Files(path string) []string { return []string{path, path + "-wal", path + "-shm"} }

// Remove deletes a database that is not in use.
func Remove(path string) error {
	var errs []error
	for _, name := range Files(path) {
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func interrupted(ctx context.Context, err error) error {
	if sqlite.ErrCode(err) == sqlite.ResultInterrupt && ctx.Err() != nil {
		return ctx.Err()
	}
	return classify(err)
}
