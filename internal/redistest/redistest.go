// Package redistest starts real Redis servers for tests, on free loopback
// ports, and ends them with the test.
package redistest

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a redis-server of one test.
type Server struct {
	t        testing.TB
	dir      string
	conf     string // its configuration file, if it has one
	args     []string
	password string
	port     int
	tls      *secured // nil: without TLS
	cmd      *exec.Cmd
}

// Start runs a redis-server with further arguments, such as "--appendonly",
// "yes". Without the program the test is skipped; with CI=true it fails.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(&Server{t: t, args: args})
}

func start(s *Server) *Server {
	s.t.Helper()
	Need(s.t)
	s.dir, s.port = s.t.TempDir(), freePort(s.t)
	s.Run()
	s.t.Cleanup(s.Kill)
	return s
}

// Need skips the test without the program.
func Need(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is missing: tools/setup-tests.sh installs it")
		}
		t.Skip("redis-server is missing")
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its port is wanted
	return l.Addr().(*net.TCPAddr).Port
}

// URL returns the server's redis:// URL.
func (s *Server) URL() string { return "redis://" + s.Addr() + "/0" }

// Addr returns the server's host:port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", s.portText()) }

func (s *Server) portText() string { return strconv.Itoa(s.port) }

// Client returns a client that ends with the test.
func (s *Server) Client() *redis.Client {
	c := redis.NewClient(s.options())
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *Server) options() *redis.Options {
	o := &redis.Options{Addr: s.Addr(), Password: s.password, MaxRetries: -1}
	if s.tls != nil {
		o.TLSConfig = s.tls.by.Client(s.tls.pair)
	}
	return o
}

// Run starts the server, also after Kill, on the same port and directory, and
// waits until it answers.
func (s *Server) Run() {
	s.t.Helper()
	port := "--port"
	if s.tls != nil {
		port = "--tls-port"
	}
	args := append([]string{port, s.portText(), "--bind", "127.0.0.1", "--dir", s.dir, "--save", ""}, s.args...)
	if s.conf != "" {
		args = append([]string{s.conf}, args...)
	}
	s.cmd = exec.CommandContext(context.Background(), "redis-server", args...) //nolint:gosec // arguments are the test's own
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.await()
}

// await dials until the server answers; ten seconds are far beyond what it needs.
func (s *Server) await() {
	s.t.Helper()
	o := s.options()
	o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff = 100, 20*time.Millisecond, 100*time.Millisecond
	c := redis.NewClient(o)
	defer c.Close() //nolint:errcheck // it was only asked
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.Ping(ctx).Err(); err != nil {
		s.t.Fatalf("redis-server does not answer: %v", err)
	}
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	_ = s.cmd.Wait() // it was killed
	s.cmd = nil
}

// Dir is where the server writes what it keeps.
func (s *Server) Dir() string { return s.dir }

// Files copies what the server has written, and returns where to. The server
// must not run.
func (s *Server) Files() string {
	s.t.Helper()
	to := s.t.TempDir()
	if err := os.CopyFS(to, os.DirFS(s.dir)); err != nil {
		s.t.Fatal(err)
	}
	return to
}

// Restore puts Files of an earlier time in the place of what the server has
// written. The server must not run.
func (s *Server) Restore(files string) {
	s.t.Helper()
	if err := errors.Join(os.RemoveAll(s.dir), os.CopyFS(s.dir, os.DirFS(files))); err != nil {
		s.t.Fatal(err)
	}
}

// Freeze stops the server without ending it; Thaw lets it go on.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}
