// Package pgtest starts real PostgreSQL clusters for tests, on free loopback
// ports, from the programs that Debian's package brings. No cluster that runs
// on the machine already is used or touched.
//
// Tests of logic share one cluster that keeps no promise about its disk, each
// with a schema of its own:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	url := pgtest.Schema(t)
//
// or goleak.VerifyTestMain(pgtest.Tests{M: m}), where nothing is to be left
// running; or with a copy of a database that was filled once, see [Template].
//
// Tests that kill the server, or that are about what outlives a kill, Start
// one for themselves.
package pgtest

import (
	"context"
	"errors"
	"net/url"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Main runs the tests of a package and then ends the cluster that they shared.
func Main(m *testing.M) { Tests{m}.Run() }

// Tests are those of a package, for goleak.VerifyTestMain.
type Tests struct{ M *testing.M }

// Run runs the tests, ends the cluster that they shared, and returns the code
// with which to exit.
func (t Tests) Run() int {
	defer func() {
		if started {
			if s, err := shared(); err == nil {
				_ = s.Remove() // it lies among temporary files
			}
		}
	}()
	return t.M.Run()
}

// started says whether shared was asked for; only Tests reads it, after they
// ran.
var started bool

var shared = sync.OnceValues(func() (*Server, error) {
	started = true
	return start(inMemory(), "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_wal_size=256MB")
})

// inMemory is a directory whose files are in memory, where to make and drop
// tables takes a fifth of the time; empty: there is none, or too little of it.
func inMemory() string {
	const dir, enough = "/dev/shm", 4 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < enough { //nolint:gosec // a size is not negative
		return ""
	}
	return dir
}

// Schema returns the postgres:// URL of an empty schema in the cluster that
// the tests of this package share. It is dropped with the test.
func Schema(t testing.TB) string {
	t.Helper()
	need(t)
	s, err := shared()
	if err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	return s.Schema(t)
}

// Owned is Schema as a role that owns the schema and may do nothing else.
func Owned(t testing.TB) string {
	t.Helper()
	whole := Schema(t)
	u, err := url.Parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	schema := u.Query().Get("search_path")
	role := "owner_of_" + schema
	s.exec(t, "CREATE ROLE "+role+" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")
	s.exec(t, "ALTER SCHEMA "+schema+" OWNER TO "+role)
	u.User = url.User(role)
	return u.String()
}

// Start runs a cluster for one test, with further arguments for the server,
// such as "-c", "max_connections=5". What is committed is on the disk.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	need(t)
	return run(t, &Server{args: args})
}

// run is begin for one test.
func run(t testing.TB, s *Server) *Server {
	t.Helper()
	if err := s.begin(""); err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// New is Start for a program that measures something: it Removes the cluster
// itself.
func New(args ...string) (*Server, error) {
	if programs() == "" {
		return nil, errors.New("PostgreSQL is missing")
	}
	return start("", args...)
}

// need skips the test where PostgreSQL is not installed; with CI=true it fails.
func need(t testing.TB) {
	t.Helper()
	if programs() != "" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("PostgreSQL is missing: tools/setup-tests.sh installs it")
	}
	t.Skip("PostgreSQL is missing")
}

// Schema makes an empty schema that is dropped with the test, and returns a
// URL in which everything is looked for there.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	name := newName()
	s.exec(t, "CREATE SCHEMA "+name)
	t.Cleanup(func() {
		if s.Alive() {
			s.exec(t, "DROP SCHEMA "+name+" CASCADE")
		}
	})
	return s.URL() + "&search_path=" + name
}

// exec runs a statement as the cluster's owner. The test's own context may
// have ended.
func (s *Server) exec(t testing.TB, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close(ctx) //nolint:errcheck // it was only asked
	// A process of the test that was killed may still end a transaction in there.
	for range 5 {
		_, err = c.Exec(ctx, statement)
		if broken, ok := errors.AsType[*pgconn.PgError](err); !ok || broken.Code != deadlock {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// deadlock is what the server says of a transaction that it ends over one.
const deadlock = "40P01"
