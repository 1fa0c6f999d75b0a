package app_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
)

// restored is a desk whose store is a backup that was made while a run was
// under way; the run went on, so that calls were made which are not in it.
func restored(t *testing.T, list []string) (d *desk, u upstream, in string) {
	t.Helper()
	o := brisk()
	o.Faults = append(o.Faults, sim.Fault{Name: "slow", Kind: "latency", Where: "submit", For: 100 * time.Millisecond})
	u = standIn(t, o)
	d = newDesk(t, u)
	in = d.list("in.csv", list)
	run := d.start("run", in, "-p", "attestr", "-o", d.path("out.csv"), "--quiet")
	awaitSubmits(t, u, 12, 0)
	if err := app.Backup(t.Context(), d.options(), d.path("backup.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Restore(t.Context(), d.options(), d.path("backup.db"), true); !app.InUse(err) || app.ExitCode(err) != app.ExitUsage {
		t.Errorf("restored over a store in use: %v", err)
	}
	awaitSubmits(t, u, 24, 1500*time.Millisecond)
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait() // it was killed
	return d, u, in
}

func TestABackupOfARunningStoreBalances(t *testing.T) {
	t.Parallel()
	list := plates(2000)
	d, _, _ := restored(t, list)
	keys, err := os.ReadFile(d.path("data/keys"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := &desk{t: t, dir: t.TempDir(), log: d.log, logs: d.logs}
	elsewhere.env = append(append([]string{}, d.env...), "PLATEQ_DATA_DIR="+elsewhere.path("data"))
	_, err = app.Restore(t.Context(), elsewhere.options(), d.path("backup.db"), false)
	if err == nil || !strings.Contains(err.Error(), "its keys are not in a backup") {
		t.Errorf("got %v, want the keys to be asked for", err)
	}
	if err := os.WriteFile(elsewhere.path("data/keys"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := app.Restore(t.Context(), elsewhere.options(), d.path("backup.db"), false); err != nil || r.Aside != "" {
		t.Fatalf("got %+v, %v", r, err)
	}
	elsewhere.check()
	if c := elsewhere.counts(); c.Total() != len(list) || c[store.Queued] == 0 {
		t.Errorf("got %v", c)
	}
}

// What was asked after the backup is unknown to it, so nobody asks again
// before somebody has said so.
func TestNoCallStartsFromARestoredStore(t *testing.T) {
	t.Parallel()
	list := plates(2000)
	d, u, in := restored(t, list)
	if _, err := app.Restore(t.Context(), d.options(), d.path("backup.db"), false); app.ExitCode(err) != app.ExitUsage {
		t.Errorf("a store was replaced: %v", err)
	}
	r, err := app.Restore(t.Context(), d.options(), d.path("backup.db"), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.Aside, "plateq.db")); err != nil {
		t.Errorf("the old store is gone: %v", err)
	}
	d.heldBack(u, in)
	a, err := app.Open(t.Context(), d.options(), app.Books)
	if err != nil {
		t.Fatal(err)
	}
	if old, ok := errors.AsType[*store.OldCopyError](a.OldCopy(t.Context())); !ok || !old.Restored {
		t.Errorf("got %v", old)
	}
	if err := a.AcceptRestore(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeBooks(t, a)
	if _, code := d.run(t.Context(), d.runOptions(in, "out.csv")); code != app.ExitPartial && code != app.ExitOK {
		t.Errorf("exit %d after the restore was accepted", code)
	}
	d.inOrder(d.out("out.csv"), list)
	d.check()
}

// The same with files that were put there by hand.
func TestAnOlderCopyIsRecognised(t *testing.T) {
	t.Parallel()
	d, u, in := restored(t, plates(2000))
	for _, name := range []string{"plateq.db", "plateq.db-wal", "plateq.db-shm"} {
		if err := os.Remove(d.path("data/" + name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.Rename(d.path("backup.db"), d.path("data/plateq.db")); err != nil {
		t.Fatal(err)
	}
	d.heldBack(u, in)
	// Without the file nothing tells whether the copy is the newest.
	if err := os.Remove(d.path("data/watermark")); err != nil {
		t.Fatal(err)
	}
	d.heldBack(u, in)
}

// heldBack runs and serves the desk's store and demands that nobody is asked
// to look anything up.
func (d *desk) heldBack(u upstream, in string) {
	d.t.Helper()
	before := u.Stats().Requests["submit"]
	_, err := app.RunFile(d.t.Context(), d.options(), d.runOptions(in, "out.csv"))
	if _, ok := errors.AsType[*store.OldCopyError](err); !ok || app.ExitCode(err) != app.ExitFailure ||
		!strings.Contains(err.Error(), "plateq check --accept-restore") {
		d.t.Errorf("run: got %v", err)
	}
	o := d.options()
	o.Config.Listen = "127.0.0.1:0"
	a, err := app.Open(d.t.Context(), o, app.Worker|app.Scheduler|app.Server)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(d.t.Context(), 3*time.Second)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	if _, err := a.Store().Claim(ctx, store.ClaimRequest{}); !errors.As(err, new(*store.OldCopyError)) {
		d.t.Errorf("claim: got %v", err)
	}
	if status := readyz(ctx, d.t, a.Addr()); status != http.StatusServiceUnavailable {
		d.t.Errorf("readyz is %d", status)
	}
	if err := errors.Join(<-done, a.Close()); err != nil {
		d.t.Error(err)
	}
	if n := u.Stats().Requests["submit"] - before; n != 0 {
		d.t.Errorf("%d calls were made", n)
	}
}

func readyz(ctx context.Context, t *testing.T, addr string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// A database that goes back under a running worker stops that worker, and the
// next one with the same data directory.
func TestAWorkerSeesThatItsDatabaseWentBack(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	f := newFleet(t, u)
	f.serve()
	f.spawn("scheduler")
	a, err := app.Open(t.Context(), f.options(), app.Worker)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	f.await(f.submit(plates(60)))
	<-time.After(1500 * time.Millisecond)
	f.goBack()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); a.Held() == nil; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the worker goes on")
		}
	}
	stop()
	if err := errors.Join(<-done, a.Close()); err != nil {
		t.Error(err)
	}
	again, err := app.Open(t.Context(), f.options(), app.Worker)
	if err != nil {
		t.Fatal(err)
	}
	if again.Held() == nil {
		t.Error("the next worker goes on")
	}
	if err := again.AcceptRestore(t.Context()); err != nil {
		t.Error(err)
	}
	closeBooks(t, again)
	again, err = app.Open(t.Context(), f.options(), app.Worker)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Held(); err != nil {
		t.Errorf("after it was accepted: %v", err)
	}
	closeBooks(t, again)
}

// goBack makes of the fleet's database one that knows of no call.
func (f *fleet) goBack() {
	f.t.Helper()
	url := f.options().Config.DatabaseURL.Reveal()
	c, err := pgx.Connect(f.t.Context(), url)
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close(f.t.Context())
	if _, err := c.Exec(f.t.Context(), "TRUNCATE calls RESTART IDENTITY"); err != nil {
		f.t.Fatal(err)
	}
}
