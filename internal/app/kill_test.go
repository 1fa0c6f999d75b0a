package app_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/providers/sim"
)

// built says whether program was asked for; only tests reads it, after they ran.
var built bool

// program builds the plateq command once for all tests.
var program = sync.OnceValues(func() (string, error) {
	built = true
	dir, err := os.MkdirTemp("", "plateq-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "plateq")
	cmd := exec.Command("go", "build", "-o", path, "github.com/plateq/plateq/cmd/plateq")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
})

func TestMain(m *testing.M) {
	if words := os.Getenv(fallsOver); words != "" {
		os.Exit(fallOver(words))
	}
	goleak.VerifyTestMain(tests{pgtest.Tests{M: m}})
}

// tests are those of the package, with the program that they share.
type tests struct{ pgtest.Tests }

// Run runs the tests and deletes the program.
func (t tests) Run() int {
	code := t.Tests.Run()
	if built {
		if path, err := program(); err == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
	}
	return code
}

// start runs the command as a process of its own.
func (d *desk) start(args ...string) *exec.Cmd {
	d.t.Helper()
	path, err := program()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.CommandContext(d.t.Context(), path, args...)
	cmd.Env = append(os.Environ(), d.env...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = d.dir, d.log, d.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	return cmd
}

func TestTenKillsPayNothingTwice(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	o := brisk()
	o.Faults = append(o.Faults, sim.Fault{Name: "slow", Kind: "latency", Where: "submit", For: 50 * time.Millisecond, Jitter: 50 * time.Millisecond})
	u := standIn(t, o)
	d := newDesk(t, u, "PLATEQ_ATTESTR_CONCURRENCY=4")
	list := plates(5000)
	in := d.list("in.csv", list)
	for range 10 {
		killed := d.start("run", in, "-p", "attestr", "-o", d.path("out.csv"), "--quiet")
		awaitSubmits(t, u, u.Stats().Requests["submit"]+1+random.IntN(20), time.Duration(random.IntN(60))*time.Millisecond)
		if err := killed.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = killed.Wait() // it was killed
	}
	sum, code := d.run(t.Context(), d.runOptions(in, "out.csv"))
	if code != app.ExitPartial && code != app.ExitOK || !sum.Again {
		t.Fatalf("exit %d, resumed %t", code, sum.Again)
	}
	rows := d.out("out.csv")
	by := d.inOrder(rows, list)
	if by["unknown"] > 10*4*20 {
		t.Errorf("%d rows unknown, at most %d were in flight", by["unknown"], 10*4*20)
	}
	t.Logf("rows by status: %v", by)
	d.answered(u, rows, "unknown")
	if u.chargedTwice() != 0 {
		t.Errorf("%d plates charged twice", u.chargedTwice())
	}
	charged := u.Charges()
	for _, r := range rows {
		if charged[r["plate"]] == 0 && r["status"] != "unknown" {
			t.Fatalf("row %s is %s, and its plate was never charged", r["row"], r["status"])
		}
	}
	d.check()
}

// awaitSubmits waits until the stand-in has seen n submits, and a little more.
func awaitSubmits(t *testing.T, u upstream, n int, more time.Duration) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for u.Stats().Requests["submit"] < n {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the run sends nothing")
		}
	}
	<-time.After(more)
}

func TestAnEndThatIsTooShortIsSaidAndLeavesUnknown(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Faults = []sim.Fault{{Name: "slow", Kind: "latency", Where: "submit", For: 20 * time.Second}}
	u := standIn(t, o)
	d := newDesk(t, u, "PLATEQ_GRACE=1s", "PLATEQ_LISTEN=127.0.0.1:0", "PLATEQ_ATTESTR_CONCURRENCY=2")
	in := d.list("in.csv", plates(200))
	up := d.start("run", in, "-p", "attestr", "-o", d.path("out.csv"), "--quiet")
	awaitSubmits(t, u, 2, 0)
	if err := up.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = up.Wait() // its exit code is looked at
	if code := up.ProcessState.ExitCode(); code != app.ExitInterrupted {
		t.Errorf("exit %d, want %d:\n%s", code, app.ExitInterrupted, d.log)
	}
	u.ClearFaults()
	if _, code := d.run(t.Context(), d.runOptions(in, "out.csv")); code != app.ExitPartial {
		t.Errorf("exit %d afterwards, want %d", code, app.ExitPartial)
	}
	if by := d.inOrder(d.out("out.csv"), plates(200)); by["unknown"] != 40 {
		t.Errorf("%v: want the two calls in flight unknown", by)
	}
	if u.chargedTwice() != 0 {
		t.Error("plates were charged twice")
	}
	d.check()
}
