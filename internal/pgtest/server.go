package pgtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is far beyond what a server needs to answer.
const patience = 30 * time.Second

// Server is a cluster with one server process.
type Server struct {
	dir     string
	port    int
	args    []string
	query   string              // of its URLs; empty: that it speaks no TLS
	prepare func(*Server) error // after the cluster is made and before it runs; nil: nothing

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// programs is where initdb and postgres are, of the newest version; empty:
// nowhere.
func programs() string {
	dir, _ := newest()
	return dir
}

// newest is also which version they are.
func newest() (newest string, best int) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
	for _, path := range found {
		dir := filepath.Dir(path)
		if version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && version > best {
			newest, best = dir, version
		}
	}
	return newest, best
}

// start runs a new cluster whose directory is made in that one; empty: among
// temporary files.
func start(in string, args ...string) (*Server, error) {
	s := &Server{args: args}
	return s, s.begin(in)
}

// begin makes the cluster of s and runs it.
func (s *Server) begin(in string) (err error) {
	if s.dir, err = os.MkdirTemp(in, "pgtest-"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(s.dir) // the first error says more
		}
	}()
	if s.port, err = freePort(); err != nil {
		return err
	}
	if owner := credential(); owner != nil {
		if err := os.Chown(s.dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if s.prepare != nil {
		if err := s.prepare(s); err != nil {
			return err
		}
	}
	return s.Run()
}

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // only its port is wanted
	return l.Addr().(*net.TCPAddr).Port, nil
}

// credential is the user as whom the server runs where the tests run as root,
// which it refuses; nil: the same.
func credential() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		return nil
	}
	uid, errUID := strconv.ParseUint(owner.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(owner.Gid, 10, 32)
	if errUID != nil || errGID != nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(programs(), program), args...) //nolint:gosec // arguments are the tests' own
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential()}
	return cmd
}

// URL returns the cluster's postgres:// URL, with a query to which more can be
// added.
func (s *Server) URL() string {
	return s.database("postgres")
}

// database is URL for another database of the cluster.
func (s *Server) database(name string) string {
	return "postgres://postgres@" + s.Addr() + "/" + name + "?" + cmp.Or(s.query, "sslmode=disable")
}

// PID returns the process id of the server, whose sessions are its children.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// Addr returns where the server listens.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Run starts the server, also after Kill or Stop, on the same port and data,
// and returns when it answers.
func (s *Server) Run() error {
	deadline := time.Now().Add(patience)
	for {
		err := s.run(deadline)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		// After a kill it does not start while a process of the old one lives.
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) run(deadline time.Time) error {
	args := append([]string{
		"-D", s.data(), "-p", strconv.Itoa(s.port), "-k", s.dir, "-c", "listen_addresses=127.0.0.1",
		"-c", "max_connections=300", "-c", "logging_collector=off",
		// Among its own files, where a killed server leaves nothing behind.
		"-c", "dynamic_shared_memory_type=mmap",
	}, s.args...)
	cmd := s.command("postgres", args...)
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the server has its own handle
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT // at once, but without leaving shared memory behind
	done := make(chan struct{})
	begun := make(chan error)
	go func() {
		// The signal comes when the thread that started the process ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		begun <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is told by its log
			close(done)
		}
	}()
	if err := <-begun; err != nil {
		return err
	}
	s.mu.Lock()
	s.cmd, s.done = cmd, done
	s.mu.Unlock()
	return s.await(done, deadline)
}

// await dials until the server answers or ends.
func (s *Server) await(done <-chan struct{}, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-done:
			return errors.New("the server ended: " + s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) logTail() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// Kill ends the server as kill -9 of its first process does: nobody is told,
// and its other processes end when they notice.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Stop ends the server as its service does: connections are cut, what is
// committed is written.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Restart is Stop and Run.
func (s *Server) Restart() error {
	s.Stop()
	return s.Run()
}

// Remove ends the server and deletes its data.
func (s *Server) Remove() error {
	s.Kill()
	return os.RemoveAll(s.dir)
}

func (s *Server) end(sig syscall.Signal) {
	s.mu.Lock()
	cmd, done := s.cmd, s.done
	s.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(sig) // it may have ended
	<-done
}

// Alive reports whether the server is running.
func (s *Server) Alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}
