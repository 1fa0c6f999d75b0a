package app_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/store"
)

func sealKeys(t *testing.T, path string) []store.SealKey {
	t.Helper()
	k, err := store.OpenKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return k.Seal
}

// The key is replaced although that is cut off in the middle, and nothing needs
// the old one but backups from before.
func TestTheSealingKeyIsReplaced(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	list := plates(20)
	in := d.list("in.csv", list)
	d.run(t.Context(), d.runOptions(in, "out.csv"))
	before, err := os.ReadFile(d.path("out.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Backup(t.Context(), d.options(), d.path("backup.db")); err != nil {
		t.Fatal(err)
	}
	keys := d.path("data/keys")
	old := sealKeys(t, keys)
	ctx, cut := context.WithCancel(t.Context())
	_, err = app.RotateKeys(ctx, d.options(), func(_, changed int) {
		if changed > 0 {
			cut()
		}
	})
	if !errors.Is(err, context.Canceled) || len(sealKeys(t, keys)) != 2 {
		t.Fatalf("cut off: %v, and %d keys are in the file, want both", err, len(sealKeys(t, keys)))
	}
	same := func(when string) {
		t.Helper()
		d.run(t.Context(), d.runOptions(in, "out.csv")) // is written again, and nobody is asked
		if got, err := os.ReadFile(d.path("out.csv")); err != nil || string(got) != string(before) {
			t.Errorf("%s the rows are others, %v", when, err)
		}
	}
	same("half-way")
	r, err := app.RotateKeys(t.Context(), d.options(), func(int, int) {})
	now := sealKeys(t, keys)
	if err != nil || r.Changed == 0 || len(r.Gone) != 1 || r.Gone[0] != old[0].Name() || len(now) != 1 || now[0].Name() == old[0].Name() {
		t.Fatalf("got %+v, %v, and %d keys", r, err, len(now))
	}
	same("with the new key alone")
	d.check()
	if info, err := os.Stat(keys); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the keys are %v, %v", info.Mode(), err)
	}
	if _, err := app.Restore(t.Context(), d.options(), d.path("backup.db"), true); err == nil || !strings.Contains(err.Error(), old[0].Name()) {
		t.Errorf("restore a backup from before: got %v, want the key to be named", err)
	}
	retired, err := os.ReadFile(d.path("data/keys.retired"))
	if err != nil || !strings.Contains(string(retired), store.FormatSealKeys(old)) {
		t.Errorf("the old key is not kept: %v", err)
	}
}

func TestOneKeyInTheEnvironmentIsNotReplaced(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	for line := range strings.Lines(store.NewKeys().Lines()) {
		d.env = append(d.env, strings.TrimSpace(line))
	}
	d.run(t.Context(), d.runOptions(d.list("in.csv", plates(2)), "out.csv"))
	_, err := app.RotateKeys(t.Context(), d.options(), func(int, int) {})
	if app.ExitCode(err) != app.ExitUsage || !strings.Contains(err.Error(), "put a new one in front") {
		t.Errorf("got %v", err)
	}
}
