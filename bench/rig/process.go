package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// Process is a program that this one started. It ends with this one, however
// that ends.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Start runs a program with nothing in its environment but env. What it says
// goes to a file in dir.
func Start(dir, name string, env []string, program string, args ...string) (*Process, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // a folder of our own
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer log.Close()                                                  //nolint:errcheck // the program has its own handle
	cmd := exec.CommandContext(context.Background(), program, args...) //nolint:gosec // arguments are our own
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append([]string{"PATH=" + os.Getenv("PATH")}, env...), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	begun := make(chan error)
	go func() {
		// The signal comes when the thread that started the program ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		begun <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is told by its log
			close(p.done)
		}
	}()
	if err := <-begun; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the process has.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Usage is what the process has used so far, also when it has ended.
func (p *Process) Usage() (Usage, error) {
	select {
	case <-p.done:
		return ended(p.cmd.ProcessState), nil
	default:
		return usageOf(p.cmd.Process.Pid)
	}
}

// Wait waits until the process has ended, and returns how if that was no
// success.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s := p.cmd.ProcessState; !s.Success() {
		return fmt.Errorf("run %s: %s", filepath.Base(p.cmd.Path), s)
	}
	return nil
}

// Signal sends a signal. One that has ended takes none.
func (p *Process) Signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.cmd.Path, err)
	}
	return nil
}

// Kill ends the process as a crash would, and returns when it has ended.
func (p *Process) Kill() {
	_ = p.Signal(os.Kill) // it may have ended
	<-p.done
}

// FreePort returns a port of the loopback address that nobody uses.
func FreePort() (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	defer l.Close() //nolint:errcheck // only its port is wanted
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}
