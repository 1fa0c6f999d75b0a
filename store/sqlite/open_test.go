package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite/sqlitex"

	raw "zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// made makes a store, closes it and returns how to open it again.
func made(t *testing.T) sqlite.Options {
	t.Helper()
	o := sqlite.Options{Path: filepath.Join(t.TempDir(), "data", "plateq.db"), Keys: store.NewKeys()}
	s, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return o
}

// refused expects Open to fail with an error of type E and to leave the file
// as it is.
func refused[E error](t *testing.T, o sqlite.Options) E {
	t.Helper()
	before, err := os.ReadFile(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), o)
	if err == nil {
		_ = s.Close()
		t.Fatal("the store was opened")
	}
	got, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("got %v, want %T", err, got)
	}
	if after, err := os.ReadFile(o.Path); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed: %v", err)
	}
	return got
}

func TestOpenLocksTheDirectory(t *testing.T) {
	t.Parallel()
	o := made(t)
	s := open(t, o)
	other := o
	other.Path = filepath.Join(filepath.Dir(o.Path), "other.db")
	_, err := sqlite.Open(t.Context(), other)
	locked, ok := errors.AsType[*store.LockedError](err)
	if !ok || locked.Path != filepath.Dir(o.Path) {
		t.Errorf("got %v, want the directory to be locked", err)
	}
	if err := s.Beat(t.Context(), "w"); err != nil {
		t.Errorf("beat after the other was refused: %v", err)
	}
}

// Who keeps more in the directory than the database locks it himself, first.
func TestOpenUnderTheCallersLock(t *testing.T) {
	t.Parallel()
	o := made(t)
	lock, err := store.LockDir(filepath.Dir(o.Path))
	if err != nil {
		t.Fatal(err)
	}
	refused[*store.LockedError](t, o)
	o.Locked = true
	s, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Locked = false
	refused[*store.LockedError](t, o) // the lock was the caller's to give back
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStoresHaveIDsOfTheirOwn(t *testing.T) {
	t.Parallel()
	if a, b := openNew(t).ID(), openNew(t).ID(); a == b {
		t.Errorf("two stores are %s", a)
	}
}

func TestOpenAfterClose(t *testing.T) {
	t.Parallel()
	o := made(t)
	open(t, o)
}

func TestOpenRefusesOtherUse(t *testing.T) {
	t.Parallel()
	o := made(t)
	o.Simulated = true
	if refused[*store.MarkError](t, o).Simulated {
		t.Error("a real store is called simulated")
	}
}

func TestOpenRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	o := made(t)
	index, seal := o, o
	index.Keys.Index = store.NewKeys().Index
	if got := refused[*store.KeysError](t, index).Which; got != "index key" {
		t.Errorf("got %q", got)
	}
	seal.Keys.Seal = store.NewKeys().Seal
	if got := refused[*store.KeysError](t, seal).Which; !strings.HasPrefix(got, "encryption key ") {
		t.Errorf("got %q", got)
	}
}

// A key that is added seals from then on, and can not be taken away again.
func TestOpenAcceptsAddedKeys(t *testing.T) {
	t.Parallel()
	o := made(t)
	first := o.Keys
	o.Keys.Seal = append(store.NewKeys().Seal, o.Keys.Seal...)
	s, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Keys = first
	refused[*store.KeysError](t, o)
}

func TestOpenRefusesNewerSchema(t *testing.T) {
	t.Parallel()
	o := made(t)
	outside(t, o.Path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	if got := refused[*store.SchemaError](t, o); got.Has != 99 || got.Knows != sqlite.Knows {
		t.Errorf("got %+v", got)
	}
}

func TestKnowsItsMigrations(t *testing.T) {
	t.Parallel()
	if n, err := sqlite.HasMigrations(); err != nil || n != sqlite.Knows {
		t.Errorf("%d migrations, %v, want %d", n, err, sqlite.Knows)
	}
}

func TestOpenRefusesForeignFiles(t *testing.T) {
	t.Parallel()
	text := sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys()}
	if err := os.WriteFile(text.Path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	other := sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys()}
	outside(t, other.Path, "CREATE TABLE notes (text TEXT)")
	for _, tc := range []struct {
		o    sqlite.Options
		want string
	}{
		{text, "is not a plateq store"},
		{other, "is a database of another program"},
	} {
		if err := refused[error](t, tc.o); !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want it to say: %s", err, tc.want)
		}
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	t.Parallel()
	o := made(t)
	storetest.List(t, open(t, o), 10)
	err := filepath.WalkDir(filepath.Dir(o.Path), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", d.Name(), info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSettingsOfTheWriter(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	for _, tc := range []struct{ pragma, want string }{
		{"synchronous", "2"}, {"journal_mode", "wal"}, {"secure_delete", "1"}, {"foreign_keys", "0"},
		{"wal_autocheckpoint", "16000"}, {"cache_size", "-32000"}, {"application_id", "1886155889"},
	} {
		if got, err := s.Ask(t.Context(), "PRAGMA "+tc.pragma); err != nil || got != tc.want {
			t.Errorf("%s is %s, %v, want %s", tc.pragma, got, err, tc.want)
		}
	}
}

// outside changes a file as another program would.
func outside(t *testing.T, path, query string) {
	t.Helper()
	c, err := raw.OpenConn(path, raw.OpenReadWrite|raw.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sqlitex.ExecuteTransient(c, query, nil), c.Close()); err != nil {
		t.Fatal(err)
	}
}
