package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
)

// misled starts a stand-in that misbehaves, and has p ask it. It returns what is
// closed when something was asked of it.
func (p *place) misled(t *testing.T, fault string) (asked <-chan struct{}) {
	t.Helper()
	cmd := p.command(t.Context(), "simulate", "--listen", "127.0.0.1:0", "--fault", fault)
	standIn, err := url.Parse(started(t, cmd, "playing the providers on "))
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan struct{})
	tell := sync.OnceFunc(func() { close(first) })
	door := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(standIn)
		tell()
	}, ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }})
	t.Cleanup(door.Close)
	addr := door.URL
	p.env = append(p.env, "PLATEQ_AOPAY_BASE_URL="+addr+"/aopay", "PLATEQ_AOPAY_REGISTRATION_ID="+standInToken, "PLATEQ_AOPAY_RATE=none")
	return first
}

// late is a fault that takes its time.
const late = "latency,for=300ms"

// bills is a list of AOPay's.
func bills(n int) string {
	var list strings.Builder
	list.WriteString("canumber\n")
	for i := range n {
		fmt.Fprintf(&list, "10%07d\n", i)
	}
	return list.String()
}

// cut runs a command whose output goes to pipes, and closes the other end of
// that for standard error once it has said until, and of that for standard
// output at once.
func (p *place) cut(t *testing.T, cmd *exec.Cmd, until string) (code int) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr, cmd.Stdout = write, closedPipe(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	lines := bufio.NewScanner(read)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), until) {
		continue
	}
	_ = read.Close()
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// closedPipe is a pipe that nobody reads any more.
func closedPipe(t *testing.T) *os.File {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	t.Cleanup(func() { _ = write.Close() })
	return write
}

// Whoever reads what a run says may stop reading, as head does: what is asked
// then is waited for, and is not asked again.
func TestARunOutlivesItsReader(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_LOG_LEVEL=debug", "PLATEQ_CONFIRM_ABOVE=1000")
	p.misled(t, late)
	p.write(t, "bills.csv", bills(6))
	run := []string{"run", "bills.csv", "-p", "aopay", "--set", "operator=311"}
	first := p.command(t.Context(), slices.Concat(run, []string{"-o", "out.csv"})...)
	if code := p.cut(t, first, "looking up"); code != 0 && code != 3 {
		t.Errorf("with a file for its rows: exit %d, want 0 or 3", code)
	}
	if text, err := os.ReadFile(filepath.Join(p.dir, "out.csv")); err != nil || bytes.Count(text, []byte("\n")) != 7 {
		t.Errorf("results: %v, %s", err, text)
	}
	if code := p.cut(t, p.command(t.Context(), append(run, "--fresh")...), "looking up"); code != 141 {
		t.Errorf("with its rows for the reader: exit %d, want 141", code)
	}
	p.env = append(p.env, "PLATEQ_LOG_LEVEL=warn")
	if out, _ := p.ok(t, 0, "unknown", "list"); out != "" {
		t.Errorf("unknown calls: %s", out)
	}
	code, out, errs := p.plateq(t, run...)
	if code != 0 && code != 3 || strings.Count(out, "\n") != 6 || !strings.Contains(errs, "was done before") {
		t.Errorf("the same command again: exit %d, %s%s", code, out, errs)
	}
}

// begun starts a command and returns a channel that is closed when it has ended.
func begun(t *testing.T, cmd *exec.Cmd) (ended <-chan struct{}) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	return done
}

// Of a terminal that goes its shell tells, and the system, and that is no wish
// to end at once.
func TestATerminalThatGoesEndsNoCall(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_AOPAY_CONCURRENCY=2") // so that calls are in flight at all times
	asked := p.misled(t, late)
	p.write(t, "bills.csv", bills(12))
	run := []string{"run", "bills.csv", "-p", "aopay", "--set", "operator=311", "-o", "out.csv"}
	cmd := p.command(t.Context(), run...)
	ended := begun(t, cmd)
	select {
	case <-asked:
	case <-ended:
	}
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for open := true; open; {
		_ = cmd.Process.Signal(syscall.SIGHUP)
		select {
		case <-again.C:
		case <-ended:
			open = false
		}
	}
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit %d, want 130", code)
	}
	if code, _, errs := p.plateq(t, run...); code != 0 && code != 3 || !strings.Contains(errs, " 0 unknown") {
		t.Errorf("the same command again: exit %d, %s", code, errs)
	}
}

// A command that is there for its output ends without a word about it where
// nobody wants more, and says so where somebody needed it.
func TestNobodyReadsTheOutput(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv")
	var b client.Batch
	if out, _ := p.ok(t, 0, "list", "--simulate"); json.Unmarshal([]byte(out), &b) != nil {
		t.Fatal(out)
	}
	for args, loud := range map[string]bool{
		"list --simulate": false, "results --simulate " + b.ID: false, "diff --simulate --format xlsx " + b.ID + " " + b.ID: false, "ledger --csv --simulate": false, "providers": false, "config": false, "version": false,
		"estimate fleet.csv -p attestr --simulate": false, "completion bash": false,
		"keys create --name x --scope read --simulate": true, "config --make-keys": true, "secrets new": true,
	} {
		cmd := p.command(t.Context(), strings.Fields(args)...)
		var errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = closedPipe(t), &errs
		_ = cmd.Run()
		want := 141
		if loud {
			want = 1
		}
		if code := cmd.ProcessState.ExitCode(); code != want || strings.Contains(errs.String(), "plateq: ") != loud {
			t.Errorf("plateq %s: exit %d, want %d: %s", args, code, want, &errs)
		}
	}
}

// A server whose log nobody reads any more goes on.
func TestAServerOutlivesItsLog(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_LOG_LEVEL=debug")
	server := *p
	server.env = append(slices.Clone(p.env), "PLATEQ_LISTEN=127.0.0.1:0")
	cmd := server.command(t.Context(), "up", "--simulate")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	addr := address(t, read, "listening on ")
	_ = read.Close()
	p.env = append(p.env, "PLATEQ_URL="+addr)
	p.ok(t, 0, "submit", "fleet.csv", "-p", "attestr", "--wait", "-o", "out.csv")
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("SIGTERM: exit %d, want 0", code)
	}
}
