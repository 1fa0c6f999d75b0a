package app_test

import (
	"flag"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers/sim"
)

// long makes faults last as long as they may in the field:
//
//	go test ./internal/app -run RedisIsFrozen -v -timeout 30m -args -long
var long = flag.Bool("long", false, "let faults last for a minute and more")

// lasting is how long a fault lasts: short, or as in the field.
func lasting(short, field time.Duration) time.Duration {
	if *long {
		return field
	}
	return short
}

// perCall is how many plates one call carries.
const perCall = 20

// ground is what a trial stands on. What is not given is made.
type ground struct {
	redis    *redistest.Server
	redisURL string        // of a Redis of another kind
	database string        // a postgres:// URL
	rows     int           // of the list; a multiple of perCall
	call     time.Duration // that each paid call takes
}

func (g ground) withDefaults(t *testing.T) ground {
	t.Helper()
	if g.redis == nil && g.redisURL == "" {
		g.redis = redistest.Start(t, "--appendonly", "yes")
	}
	if g.redis != nil {
		g.redisURL = g.redis.URL()
	}
	if g.database == "" {
		g.database = pgtest.Schema(t)
	}
	if g.rows == 0 {
		g.rows = 1200
	}
	if g.call == 0 {
		g.call = 500 * time.Millisecond
	}
	return g
}

// trial is a list on its way through one server, two workers and a scheduler,
// while something that they stand on fails.
type trial struct {
	*fleet
	u       upstream
	list    []string
	id      string
	others  int // further lists that were accepted, of one call each
	workers []*exec.Cmd
	mended  time.Time // when the fault was over
}

// begin starts a fleet and submits a list.
func begin(t *testing.T, g ground) *trial {
	t.Helper()
	g = g.withDefaults(t)
	u := slowCalls(t, g.call)
	tr := &trial{fleet: fleetAt(t, u, g.redisURL, g.database, patience(g.call)), u: u, list: plates(g.rows)}
	tr.redis = g.redis
	tr.serve()
	for range 2 {
		tr.workers = append(tr.workers, tr.spawn("worker"))
	}
	tr.spawn("scheduler")
	tr.id = tr.submit(tr.list)
	return tr
}

// slowCalls is a stand-in whose paid calls take so long.
func slowCalls(t *testing.T, call time.Duration) upstream {
	t.Helper()
	o := brisk()
	o.Faults = append(o.Faults, sim.Fault{Name: "slow call", Kind: sim.KindLatency, Where: "submit", For: call})
	return standIn(t, o)
}

// patience sets that no such call runs out of its time.
func patience(call time.Duration) string {
	return "PLATEQ_ATTESTR_TIMEOUT=" + (30*time.Second + 2*call).String()
}

// calls waits until n paid calls have reached the stand-in: so many of them as
// are in flight at once are not answered yet.
func (tr *trial) calls(n int) {
	tr.t.Helper()
	awaitSubmits(tr.t, tr.u, n, 0)
}

// sent is how many paid calls have reached the stand-in.
func (tr *trial) sent() int { return tr.u.Stats().Requests["submit"] }

// fault lets something fail for d, and remembers when it was mended.
func (tr *trial) fault(start func(), d time.Duration, mend func()) {
	tr.t.Helper()
	start()
	<-time.After(d)
	mend()
	tr.mended = time.Now()
}

// figures are what a fault has cost.
type figures struct {
	lost      int // rows that did not come out, or came out unsettled
	paidTwice int // plates that were charged more than once
	unknown   int
	extra     int // calls beyond those that the list needs
	recovery  time.Duration
}

// account waits until the list is done and holds the three books against each
// other: the list, the store, and the stand-in's ledger of charges. Every row
// must be out once, in its place, and right, but those that are unknown;
// nothing may be charged twice, no call be made for nothing, and the store's
// own books must balance.
func (tr *trial) account() figures {
	t := tr.t
	t.Helper()
	rows := tr.await(tr.id)
	f := figures{
		paidTwice: tr.u.chargedTwice(), recovery: time.Since(tr.mended),
		extra: tr.sent() - len(tr.list)/perCall - tr.others, lost: len(tr.list) - len(rows),
	}
	charged := tr.u.Charges()
	for _, r := range rows {
		switch s := r["status"]; {
		case s == "unknown":
			f.unknown++
		case s == "queued" || s == "sending" || s == "waiting":
			f.lost++
		case charged[r["plate"]] == 0:
			t.Errorf("row %s is %s, and its plate was never charged", r["row"], s)
		}
	}
	t.Logf("lost %d, paid twice %d, unknown %d, extra calls %d, recovered in %.1f s",
		f.lost, f.paidTwice, f.unknown, f.extra, f.recovery.Seconds())
	tr.inOrder(rows, tr.list)
	tr.answered(tr.u, rows, "unknown")
	if f.lost != 0 || f.paidTwice != 0 || f.extra > 0 {
		t.Errorf("%+v, want nothing lost, paid twice or called for again", f)
	}
	tr.check()
	return f
}

// nothingUnknown demands that the fault has cut no call in half.
func (f figures) nothingUnknown(t *testing.T) {
	t.Helper()
	if f.unknown != 0 {
		t.Errorf("%d rows are unknown, want none", f.unknown)
	}
}

// status asks the API for a path and returns the answer's status.
func (f *fleet) status(path string) int {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.url+path, http.NoBody)
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
