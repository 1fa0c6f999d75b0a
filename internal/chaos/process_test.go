//go:build chaos

package chaos_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that a test started. It ends with the test, or with the
// process of the test, however that ends.
type process struct {
	t    testing.TB
	name string
	log  string // the path of what it says
	// admin is where it tells Prometheus; empty: nowhere.
	admin string
	cmd   *exec.Cmd
	done  chan struct{} // closed when it has ended
}

// startProcess runs a program with nothing in its environment but env, below
// dir.
func startProcess(t testing.TB, dir, name string, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the program has its own handle
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, append([]string{"PATH=" + os.Getenv("PATH")}, env...), log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	begun := make(chan error)
	go func() {
		// The signal comes when the thread that started the program ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		begun <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is asked for
			close(p.done)
		}
	}()
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// signal sends a signal. One that has ended takes none.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
}

// ended reports whether the process has.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// exit waits until the process has ended, and returns its code.
func (p *process) exit(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		p.t.Fatalf("%s has not ended within %s", p.name, within)
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop asks the process to end, and returns its code.
func (p *process) stop(within time.Duration) int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.exit(within)
}

// said is all that the process has said.
func (p *process) said() string {
	p.t.Helper()
	text, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// memory is how many MiB of memory the process held at the most, and resident
// how many it holds.
func (p *process) memory() int   { return p.status("VmHWM:") >> 10 }
func (p *process) resident() int { return p.status("VmRSS:") >> 10 }

// status is a number of what Linux says of the process; 0: it has ended.
func (p *process) status(name string) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), name)
	if fields := strings.Fields(rest); len(fields) > 0 {
		n, _ := strconv.Atoi(fields[0]) // Linux writes a number
		return n
	}
	return 0
}

// handles is how many files and connections the process has open.
func (p *process) handles() int {
	all, err := os.ReadDir("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/fd")
	if err != nil {
		return 0 // it has ended
	}
	return len(all)
}

// goroutines is how many there were a second ago at most; 0: it has not said.
func (p *process) goroutines() int {
	text, err := os.ReadFile(strings.TrimSuffix(p.log, ".log") + ".vitals")
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(string(text)) // a file that is being written is empty
	return n
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// await looks until something is so. Nothing here takes as long as it waits.
func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	awaitWithin(t, 4*time.Minute, what, so)
}

func awaitWithin(t testing.TB, most time.Duration, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(most)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited %s in vain: %s", most, what)
		}
	}
}
