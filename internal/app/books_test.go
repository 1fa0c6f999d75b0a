package app_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/store"
)

// openBooks opens the books of a data directory with a database of its own.
func openBooks(t *testing.T, data, database string) (*app.App, error) {
	t.Helper()
	cfg, _, err := config.Load([]string{"PLATEQ_DATA_DIR=" + data, "PLATEQ_DATABASE_URL=sqlite://" + database})
	if err != nil {
		t.Fatal(err)
	}
	return app.Open(t.Context(), app.Options{Config: cfg}, app.Books)
}

func mustOpenBooks(t *testing.T, data, database string) *app.App {
	t.Helper()
	a, err := openBooks(t, data, database)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func closeBooks(t *testing.T, a *app.App) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// Keys and spool have one owner, wherever the database is.
func TestADataDirectoryBelongsToOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	a := mustOpenBooks(t, data, filepath.Join(dir, "a", "plateq.db"))
	_, err := openBooks(t, data, filepath.Join(dir, "b", "plateq.db"))
	if locked, ok := errors.AsType[*store.LockedError](err); !ok || locked.Path != data || app.ExitCode(err) != 2 {
		t.Errorf("got %v with exit code %d, want %s to be locked and 2", err, app.ExitCode(err), data)
	}
	_, err = openBooks(t, filepath.Join(dir, "other"), filepath.Join(dir, "a", "plateq.db"))
	if _, ok := errors.AsType[*store.LockedError](err); !ok {
		t.Errorf("got %v, want the database to be locked", err)
	}
	closeBooks(t, a)
	closeBooks(t, mustOpenBooks(t, data, data+"/../data/plateq.db")) // one directory under two names
}

// What one store could not take must not reach another: its calls have the
// same numbers.
func TestAStoreStaysInItsRegion(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	nowhere := slices.Clip(d.env)
	d.env = append(nowhere, "PLATEQ_DATA_REGION=in")
	in := d.list("in.csv", plates(5))
	if _, code := d.run(t.Context(), d.runOptions(in, "out.csv")); code != app.ExitOK && code != app.ExitPartial {
		t.Fatalf("exit %d", code)
	}
	for _, region := range []string{"", "de"} {
		d.env = append(nowhere, "PLATEQ_DATA_REGION="+region)
		_, err := app.RunFile(t.Context(), d.options(), d.runOptions(in, "out.csv"))
		if app.ExitCode(err) != app.ExitUsage || !strings.Contains(fmt.Sprint(err), `PLATEQ_DATA_REGION must be "in"`) {
			t.Errorf("in region %q: %v, want exit %d and what to set", region, err, app.ExitUsage)
		}
	}
}

func TestASpoolGoesToItsStoreOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, first := filepath.Join(dir, "data"), filepath.Join(dir, "first.db")
	a := mustOpenBooks(t, data, first)
	id := a.Store().ID()
	closeBooks(t, a)
	keys, err := store.OpenKeyFile(filepath.Join(data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := store.NewSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	spool, err := store.OpenSpool(filepath.Join(data, "spool"), sealer, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	lost := store.Spooled{Call: &store.Settlement{Call: 1, Rest: &store.Verdict{To: store.Unknown}}}
	if err := errors.Join(spool.Put(lost), spool.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = openBooks(t, data, filepath.Join(dir, "second.db"))
	if other, ok := errors.AsType[*store.SpoolStoreError](err); !ok || other.Records != 1 || app.ExitCode(err) != 2 {
		t.Errorf("got %v with exit code %d, want one answer of another store and 2", err, app.ExitCode(err))
	}
	closeBooks(t, mustOpenBooks(t, data, first))
}
