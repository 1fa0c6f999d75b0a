package pgtest

import (
	"io/fs"
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
	if err := own(dir); err != nil {
		t.Fatal(err)
	}
	s.exec(t, "CREATE TABLESPACE "+d.Name+" LOCATION '"+strings.ReplaceAll(space, "'", "''")+"'")
	return d
}

// SmallLog moves the log of changes to a file system of that many bytes. When
// it is full the server ends itself. The server is stopped and run again.
func (s *Server) SmallLog(t testing.TB, size int64) *disktest.Disk {
	t.Helper()
	s.Stop()
	dir, old := filepath.Join(s.data(), "pg_wal"), filepath.Join(s.dir, "pg_wal")
	if err := os.Rename(dir, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d := disktest.Mount(t, dir, size)
	t.Cleanup(s.Kill) // before the disk goes
	if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	if err := own(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return d
}

// own gives all below dir to the user as whom the server runs, and to nobody
// else.
func own(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	owner := credential()
	return fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		mode := os.FileMode(0o600)
		if err == nil && entry.IsDir() {
			mode = 0o700
		}
		if err == nil {
			err = root.Chmod(path, mode)
		}
		if err == nil && owner != nil {
			err = root.Lchown(path, int(owner.Uid), int(owner.Gid))
		}
		return err
	})
}
