package app_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers/sim"
)

// fleet is several processes over one PostgreSQL and one Redis.
type fleet struct {
	*desk
	redis  *redistest.Server // nil: embedded, or of another kind
	shared bool              // the store, by several processes
	api    *client.Client
	url    string // of the API
	end    func() // ends what runs in this process
}

// newFleet returns a fleet that has no processes yet, over a schema of the
// shared cluster.
func newFleet(t *testing.T, u upstream, env ...string) *fleet {
	t.Helper()
	return fleetOver(t, u, redistest.Start(t), pgtest.Schema(t), env...)
}

// fleetOver is newFleet over a Redis and a database of the test's own.
func fleetOver(t *testing.T, u upstream, redis *redistest.Server, database string, env ...string) *fleet {
	t.Helper()
	f := fleetAt(t, u, redis.URL(), database, env...)
	f.redis = redis
	return f
}

// fleetAt is fleetOver for any kind of Redis, by URL.
func fleetAt(t *testing.T, u upstream, redisURL, database string, env ...string) *fleet {
	t.Helper()
	return &fleet{shared: true, desk: newDesk(t, u, append(strings.Fields(app.NewKeys()),
		append(env, "PLATEQ_REDIS_URL="+redisURL, "PLATEQ_DATABASE_URL="+database, "PLATEQ_LISTEN=127.0.0.1:0")...)...)}
}

// serve opens the API in this process: its port is then known.
func (f *fleet) serve() { f.open(app.Server) }

// open runs parts in this process, the API among them.
func (f *fleet) open(parts app.Parts) {
	f.t.Helper()
	a, err := app.Open(f.t.Context(), f.options(), parts)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	f.end = sync.OnceFunc(func() {
		stop()
		if err := <-done; err != nil {
			f.t.Error(err)
		}
		if err := a.Close(); err != nil {
			f.t.Error(err)
		}
	})
	f.t.Cleanup(f.end)
	f.url = "http://" + a.Addr()
	if f.api, err = client.New(f.url, client.Options{}); err != nil {
		f.t.Fatal(err)
	}
}

// spawn starts a part as a process that ends with the test.
func (f *fleet) spawn(part string) *exec.Cmd {
	f.t.Helper()
	cmd := f.start(part)
	f.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

// check holds the books against each other. An SQLite file must be left to it.
func (f *fleet) check() {
	f.t.Helper()
	if !f.shared {
		f.end()
	}
	f.desk.check()
}

// submit hands plates in and returns the batch's id.
func (f *fleet) submit(plates []string) string {
	f.t.Helper()
	file, err := os.Open(f.list("in.csv", plates))
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	b, err := f.api.Submit(f.t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, file)
	if err != nil {
		f.t.Fatal(err)
	}
	return b.ID
}

// tooLong is far beyond what any list of these tests needs.
const tooLong = 4 * time.Minute

// await waits until the batch is done and writes its rows to out.csv.
func (f *fleet) await(id string) []map[string]string {
	f.t.Helper()
	ctx, stop := context.WithTimeout(f.t.Context(), tooLong)
	defer stop()
	var last client.Batch
	if _, err := f.api.Wait(ctx, id, func(b client.Batch) { last = b }); err != nil {
		f.t.Fatalf("%v, after %v", err, last.Counts)
	}
	out, err := os.Create(f.path("out.csv"))
	if err != nil {
		f.t.Fatal(err)
	}
	defer out.Close()
	if err := f.api.Download(f.t.Context(), id, client.CSV, client.ResultsOptions{}, out); err != nil {
		f.t.Fatal(err)
	}
	return f.out("out.csv")
}

// settled waits until n rows of the batch are settled.
func (f *fleet) settled(id string, n int) {
	f.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := f.api.Batch(f.t.Context(), id)
		if err != nil {
			f.t.Fatal(err)
		}
		if b.Rows-b.Counts["queued"]-b.Counts["sending"]-b.Counts["waiting"] >= n {
			return
		}
		select {
		case <-tick.C:
		case <-f.t.Context().Done():
			f.t.Fatalf("only so far: %v", b.Counts)
		}
	}
}

func TestAFleetAnswersEveryRowOnce(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	f := newFleet(t, u)
	f.serve()
	for _, part := range []string{"worker", "worker", "scheduler", "scheduler"} {
		f.spawn(part)
	}
	list := plates(1500)
	list[7] = list[8]
	rows := f.await(f.submit(list))
	if by := f.inOrder(rows, list); by["unknown"] != 0 {
		t.Errorf("got %v, want nothing unknown", by)
	}
	f.answered(u, rows)
	if u.chargedTwice() != 0 || len(u.Charges()) != 1499 {
		t.Errorf("%d plates charged, %d twice; want 1499, 0", len(u.Charges()), u.chargedTwice())
	}
	f.check()
}

func TestWorkersThatAreReplacedLeaveNothingUnknown(t *testing.T) {
	t.Parallel()
	o := brisk()
	o.Faults = append(o.Faults, sim.Fault{Name: "slow", Kind: "latency", Where: "submit", For: 100 * time.Millisecond})
	u := standIn(t, o)
	f := newFleet(t, u, "PLATEQ_GRACE=20s")
	f.serve()
	f.spawn("scheduler")
	workers := []*exec.Cmd{f.spawn("worker"), f.spawn("worker")}
	list := plates(3000)
	id := f.submit(list)
	for i := range 4 {
		f.settled(id, 300+i*500)
		old := workers[0]
		workers = append(workers[1:], f.spawn("worker"))
		if err := old.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := old.Wait(); err != nil {
			t.Errorf("worker %d did not end in order: %v", i+1, err)
		}
	}
	rows := f.await(id)
	if by := f.inOrder(rows, list); by["unknown"] != 0 {
		t.Errorf("got %v, want nothing unknown", by)
	}
	f.answered(u, rows)
	if u.chargedTwice() != 0 {
		t.Errorf("%d plates charged twice", u.chargedTwice())
	}
	f.check()
}

func TestAWorkerThatIsKilledLeavesUnknownWithinItsCalls(t *testing.T) {
	t.Parallel()
	o := brisk()
	o.Faults = append(o.Faults, sim.Fault{Name: "slow", Kind: "latency", Where: "submit", For: 200 * time.Millisecond})
	u := standIn(t, o)
	f := newFleet(t, u)
	f.serve()
	f.spawn("scheduler")
	victim := f.spawn("worker")
	list := plates(600)
	id := f.submit(list)
	awaitSubmits(t, u, 6, 50*time.Millisecond)
	f.spawn("worker")
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it was killed
	killed := time.Now()
	rows := f.await(id)
	t.Logf("settled %s after the kill", time.Since(killed).Round(time.Second))
	by := f.inOrder(rows, list)
	if by["unknown"] > 4*20 {
		t.Errorf("%v: more unknown than was in flight", by)
	}
	f.answered(u, rows, "unknown")
	if u.chargedTwice() != 0 {
		t.Errorf("%d plates charged twice", u.chargedTwice())
	}
	f.check()
	t.Logf("unknown %s", strconv.Itoa(by["unknown"]))
}
