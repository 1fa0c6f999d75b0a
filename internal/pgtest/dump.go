package pgtest

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
)

// Database returns the postgres:// URL of an empty database in the cluster that
// the tests of this package share: one that can be dumped as a whole. It is
// dropped with the test.
func Database(t testing.TB) string {
	t.Helper()
	need(t)
	s, err := shared()
	if err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	name := newName()
	s.exec(t, "CREATE DATABASE "+name)
	t.Cleanup(func() {
		if s.Alive() {
			s.exec(t, "DROP DATABASE "+name+" WITH (FORCE)")
		}
	})
	return s.database(name)
}

// Dump returns what pg_dump writes of a database, with further arguments.
func Dump(t testing.TB, url string, args ...string) []byte {
	t.Helper()
	return client(t, nil, "pg_dump", append(args, "--dbname="+url)...)
}

// Restore fills an empty database with what Dump wrote with --format=custom.
func Restore(t testing.TB, url string, dump []byte) {
	t.Helper()
	client(t, dump, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+url)
}

// client runs a program of the server's own version.
func client(t testing.TB, in []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs(), program), args...) //nolint:gosec // arguments are the tests' own
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, said.String())
	}
	return out
}
