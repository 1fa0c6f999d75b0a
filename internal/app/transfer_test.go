package app_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

// halfway is a desk whose list is under way: its run was killed with calls in
// flight, others wait at the stand-in, some are unknown and most not begun.
func halfway(t *testing.T, list []string) (*desk, upstream) {
	t.Helper()
	o := brisk()
	o.Faults = append(o.Faults,
		sim.Fault{Name: "slow", Kind: "latency", Where: "submit", For: 100 * time.Millisecond},
		sim.Fault{Name: "lost", Kind: "charge_then_close", Where: "submit", Rate: 0.1})
	u := standIn(t, o)
	d := newDesk(t, u)
	killed := d.start("run", d.list("in.csv", list), "-p", "attestr", "-o", d.path("out.csv"), "--quiet")
	awaitSubmits(t, u, 24, 50*time.Millisecond)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // it was killed
	return d, u
}

// moved returns the desk's fleet over the database that it moved to.
func (d *desk) moved(url string) *fleet {
	d.t.Helper()
	keys, err := os.ReadFile(d.path("data/keys"))
	if err != nil {
		d.t.Fatal(err)
	}
	f := &fleet{shared: true, redis: redistest.Start(d.t), desk: &desk{t: d.t, dir: d.dir, log: d.log, logs: d.logs, env: append([]string{}, d.env...)}}
	for line := range strings.Lines(string(keys)) {
		if strings.HasPrefix(line, "PLATEQ_") {
			f.env = append(f.env, strings.TrimSpace(line))
		}
	}
	f.env = append(f.env, "PLATEQ_DATABASE_URL="+url, "PLATEQ_REDIS_URL="+f.redis.URL(), "PLATEQ_LISTEN=127.0.0.1:0")
	return f
}

func TestARunningListMovesToPostgreSQL(t *testing.T) {
	t.Parallel()
	list := plates(1500)
	d, u := halfway(t, list)
	c := d.counts()
	if c[store.Queued] == 0 || c[store.Sending] == 0 || c[store.Waiting] == 0 || c[store.Unknown] == 0 {
		t.Errorf("not of every kind is under way: %v", c)
	}
	url := pgtest.Schema(t)
	m, err := app.MoveTo(t.Context(), d.options(), url)
	if err != nil {
		t.Fatal(err)
	}
	if m.Again || m.Records["rows"] != 1500 || m.Records["calls"] == 0 || m.Records["workers"] != 0 || m.KeyFile != d.path("data/keys") {
		t.Errorf("got %+v", m)
	}
	_, err = app.Open(t.Context(), d.options(), app.Books)
	if gone, ok := errors.AsType[*store.MovedError](err); !ok || !gone.Done || app.ExitCode(err) != app.ExitUsage {
		t.Errorf("the moved store opens: %v", err)
	}
	f := d.moved(url)
	f.check()
	if got := f.counts(); !maps.Equal(got, c) {
		t.Errorf("rows by state: %v, want %v", got, c)
	}
	f.serve()
	f.spawn("worker")
	f.spawn("scheduler")
	rows := f.await(f.only().ID)
	by := f.inOrder(rows, list)
	t.Logf("rows by status: %v", by)
	f.answered(u, rows, "unknown")
	if u.chargedTwice() != 0 {
		t.Errorf("%d plates charged twice", u.chargedTwice())
	}
	f.check()
}

// counts returns how many rows the desk's one list has in each state.
func (d *desk) counts() store.Counts {
	d.t.Helper()
	a, err := app.Open(d.t.Context(), d.options(), app.Books)
	if err != nil {
		d.t.Fatal(err)
	}
	defer closeBooks(d.t, a)
	all, err := a.Store().Batches(d.t.Context(), store.BatchFilter{Limit: 2})
	if err != nil || len(all) != 1 {
		d.t.Fatalf("%d batches, %v", len(all), err)
	}
	d.t.Logf("rows by state: %v", all[0].Counts)
	return all[0].Counts
}

// only returns the only batch there is.
func (f *fleet) only() client.Batch {
	f.t.Helper()
	var all []client.Batch
	for b, err := range f.api.Batches(f.t.Context(), client.BatchesOptions{}) {
		if err != nil {
			f.t.Fatal(err)
		}
		all = append(all, b)
	}
	if len(all) != 1 {
		f.t.Fatalf("%d batches", len(all))
	}
	return all[0]
}

func TestAMoveNeedsAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	in := d.list("in.csv", plates(40))
	if _, code := d.run(t.Context(), d.runOptions(in, "out.csv")); code == app.ExitFailure {
		t.Fatal("the run failed")
	}
	url := pgtest.Schema(t)
	if _, err := app.MoveTo(t.Context(), d.options(), url); err != nil {
		t.Fatal(err)
	}
	// Once more: there is nothing left to move.
	_, err := app.MoveTo(t.Context(), d.options(), url)
	if _, ok := errors.AsType[*store.MovedError](err); !ok {
		t.Errorf("got %v, want it to be moved already", err)
	}
	// A copy that knows nothing of the move must not take its end for its own.
	if was, err := app.UndoMove(t.Context(), d.options()); err != nil || !was.Done {
		t.Fatalf("got %+v, %v", was, err)
	}
	if _, err = app.MoveTo(t.Context(), d.options(), url); app.ExitCode(err) != app.ExitUsage {
		t.Errorf("got %v, want it to be refused", err)
	}
	// The keys are those of a desk, so another one's store is refused.
	other := newDesk(t, standIn(t, brisk()))
	other.check()
	_, err = app.MoveTo(t.Context(), other.options(), url)
	if _, ok := errors.AsType[*store.KeysError](err); !ok {
		t.Errorf("got %v, want other keys to be refused", err)
	}
	d.check()
}

func TestAMoveThatIsKilledIsBegunAgain(t *testing.T) {
	t.Parallel()
	list := plates(20_000)
	d, u := halfway(t, list)
	url := pgtest.Schema(t)
	for _, after := range []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond} {
		killed := d.start("migrate", "--to", url)
		<-time.After(after)
		_ = killed.Process.Kill()
		t.Logf("after %v: %v", after, killed.Wait()) // it was killed, or was faster
	}
	if _, err := app.MoveTo(t.Context(), d.options(), url); err != nil {
		if _, done := errors.AsType[*store.MovedError](err); !done {
			t.Fatal(err)
		}
	}
	f := d.moved(url)
	f.check()
	if u.chargedTwice() != 0 {
		t.Errorf("%d plates charged twice", u.chargedTwice())
	}
}

// A process that dies over the commit leaves a store that nobody uses until it
// is known what became of it.
func TestAMoveThatEndedOverItsCommit(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	if _, code := d.run(t.Context(), d.runOptions(d.list("in.csv", plates(40)), "out.csv")); code == app.ExitFailure {
		t.Fatal("the run failed")
	}
	url := pgtest.Schema(t)
	if _, err := app.MoveTo(t.Context(), d.options(), url); err != nil {
		t.Fatal(err)
	}
	d.departBegun()
	_, err := app.Open(t.Context(), d.options(), app.Books)
	if gone, ok := errors.AsType[*store.MovedError](err); !ok || gone.Done {
		t.Fatalf("got %v, want a move that has begun", err)
	}
	m, err := app.MoveTo(t.Context(), d.options(), url)
	if err != nil || !m.Again || len(m.Report.Problems) > 0 {
		t.Errorf("got %+v, %v, want it to be there already", m, err)
	}
}

// departBegun marks the desk's store as MoveTo does before it commits.
func (d *desk) departBegun() {
	d.t.Helper()
	keys, err := store.OpenKeyFile(d.path("data/keys"))
	if err != nil {
		d.t.Fatal(err)
	}
	st, err := sqlite.Open(d.t.Context(), sqlite.Options{Path: d.path("data/plateq.db"), Keys: keys, Moved: true})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := errors.Join(st.Depart(d.t.Context(), store.Departure{At: time.Now()}), st.Close()); err != nil {
		d.t.Fatal(err)
	}
}

func TestAMoveWaitsForTheSpool(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	a, err := app.Open(t.Context(), d.options(), app.Books)
	if err != nil {
		t.Fatal(err)
	}
	id := a.Store().ID()
	closeBooks(t, a)
	keys, err := store.OpenKeyFile(d.path("data/keys"))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := store.NewSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	spool, err := store.OpenSpool(filepath.Join(d.dir, "data", "spool"), sealer, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	kept := store.Spooled{Call: &store.Settlement{Call: 1, Rest: &store.Verdict{To: store.Unknown}}}
	if err := errors.Join(spool.Put(kept), spool.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := app.MoveTo(t.Context(), d.options(), pgtest.Schema(t)); err == nil || !strings.Contains(err.Error(), "1 answers wait in the spool") {
		t.Errorf("got %v, want it to wait for the spool", err)
	}
	if spool, err = store.OpenSpool(filepath.Join(d.dir, "data", "spool"), sealer, id, 0); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	spool.TellTime(func() time.Time { now = now.Add(time.Minute); return now })
	for range 10 {
		_, err = spool.Drain(t.Context(), func(store.Spooled) error { return errors.New("no") })
	}
	if err := errors.Join(err, spool.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := app.MoveTo(t.Context(), d.options(), pgtest.Schema(t)); err == nil || !strings.Contains(err.Error(), "1 answers that the store refused") {
		t.Errorf("got %v, want it to wait for what was set aside", err)
	}
}
