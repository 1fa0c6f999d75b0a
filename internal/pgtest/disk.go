package pgtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/disktest"
)

// Disk is a small file system with a tablespace of a cluster on it. The log of
// changes is elsewhere: when the disk is full, statements fail and the server
// goes on.
type Disk struct {
	*disktest.Disk
	// Name is the tablespace's, for the setting default_tablespace.
	Name string
}

// SmallDisk mounts a file system of that many bytes for one test. Where tests
// may not mount, the test is skipped; with CI=true it fails.
func (s *Server) SmallDisk(t testing.TB, size int64) *Disk {
	t.Helper()
	dir := filepath.Join(s.dir, "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d := &Disk{Disk: disktest.Mount(t, dir, size), Name: "small"}
	t.Cleanup(s.Kill) // before the disk goes
	space := filepath.Join(dir, "space")
	if err := os.Mkdir(space, 0o700); err != nil {
		t.Fatal(err)
	}
	if owner := credential(); owner != nil {
		for _, dir := range []string{dir, space} {
			if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.exec(t, "CREATE TABLESPACE "+d.Name+" LOCATION '"+strings.ReplaceAll(space, "'", "''")+"'")
	return d
}
