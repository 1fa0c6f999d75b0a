package pgtest

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Disk is a small file system with a tablespace of a cluster on it. The log of
// changes is elsewhere: when the disk is full, statements fail and the server
// goes on.
type Disk struct {
	// Name is the tablespace's, for the setting default_tablespace.
	Name string

	t      testing.TB
	server *Server
	dir    string
}

// SmallDisk mounts a file system of that many bytes for one test. Where tests
// may not mount, the test is skipped; with CI=true it fails.
func (s *Server) SmallDisk(t testing.TB, size int64) *Disk {
	t.Helper()
	d := &Disk{Name: "small", t: t, server: s, dir: filepath.Join(s.dir, "small")}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "mode=0700,size="+strconv.FormatInt(size, 10)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount a small disk: %v", err)
		}
		t.Skipf("a small disk can only be mounted by root: %v", err)
	}
	t.Cleanup(func() {
		s.Kill()
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	space := filepath.Join(d.dir, "space")
	if err := os.Mkdir(space, 0o700); err != nil {
		t.Fatal(err)
	}
	if owner := credential(); owner != nil {
		for _, dir := range []string{d.dir, space} {
			if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.exec(t, "CREATE TABLESPACE "+d.Name+" LOCATION '"+strings.ReplaceAll(space, "'", "''")+"'")
	return d
}

func (d *Disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// Fill writes until nothing is left.
func (d *Disk) Fill() {
	d.t.Helper()
	f, err := os.Create(d.ballast())
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it is never read
	for block := bytes.Repeat([]byte{1}, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
}

// Free gives back what Fill took.
func (d *Disk) Free() {
	d.t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}
