package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// A backup is one moment of a store that goes on.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	o := made(t)
	s := open(t, o)
	storetest.List(t, s, 2000)
	dir := t.TempDir()
	backups := []string{filepath.Join(dir, "1.db"), filepath.Join(dir, "2.db"), filepath.Join(dir, "3.db")}
	ended := make(chan error)
	go func() {
		var err error
		for _, to := range backups {
			err = errors.Join(err, sqlite.Backup(t.Context(), o.Path, to))
		}
		ended <- err
	}()
	n := 0
	for done := false; !done; n++ {
		storetest.Work(t, s, storetest.List(t, s, 100), 20, 2)
		select {
		case err := <-ended:
			if done = true; err != nil {
				t.Fatal(err)
			}
		default:
		}
	}
	t.Logf("%d lists were looked up meanwhile", n)
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	for _, to := range backups {
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		copied := o
		copied.Path, copied.Locked = to, true
		b := open(t, copied)
		report, err := b.Check(t.Context())
		if err != nil || len(report.Problems) > 0 || report.Rows < 2000 || b.ID() != s.ID() {
			t.Errorf("%s: %+v, %v", to, report, err)
		}
	}
}

func TestBackupReplacesNothing(t *testing.T) {
	t.Parallel()
	o := made(t)
	to := filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(to, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Backup(t.Context(), o.Path, to); !errors.Is(err, sqlite.ErrExists) {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(to); err != nil || string(text) != "mine" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	o := made(t)
	s := open(t, o)
	storetest.List(t, s, 2000)
	to := filepath.Join(t.TempDir(), "backup.db")
	if err := sqlite.Backup(t.Context(), o.Path, to); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	clear(text[20*4096 : 24*4096])
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Verify(t.Context(), to); err == nil {
		t.Error("the damage was not seen")
	}
	other := sqlite.Options{Path: o.Path, Keys: store.NewKeys()}
	_, err = sqlite.Usable(other)
	if _, ok := errors.AsType[*store.KeysError](err); !ok {
		t.Error("other keys were taken")
	}
}
