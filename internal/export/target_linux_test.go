package export_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/plateq/plateq/internal/export"
)

// asNobody does something as a user whom no directory belongs to, where the
// test is run by one who may write everywhere.
func asNobody(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends, and who it was with it
		if os.Geteuid() == 0 {
			_ = syscall.Setfsuid(65534) // of this thread only; it tells no error
		}
		do()
	}()
	<-done
}

// fails demands the same error of the look at a file and of writing it.
func fails(t *testing.T, path, why string) {
	t.Helper()
	want := "write " + path + ": " + why
	if err := export.Writable(path); err == nil || err.Error() != want {
		t.Errorf("the look: got %v, want %s", err, want)
	}
	if err := export.ToFile(path, nil, put("new")); err == nil || err.Error() != want {
		t.Errorf("the writing: got %v, want %s", err, want)
	}
}

// What decides on whether a file can be written is the directory that it will
// be in, not that of a link to it.
func TestWritableLooksWhereLinksLead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "open", "link.csv")
	proc := filepath.Join(dir, "open", "proc.csv")
	locked := filepath.Join(dir, "locked")
	err := errors.Join(
		os.Chmod(filepath.Dir(dir), 0o755),
		os.Mkdir(filepath.Dir(link), 0o700), os.Chmod(filepath.Dir(link), 0o777),
		os.Mkdir(locked, 0o700), os.WriteFile(filepath.Join(locked, "out.csv"), []byte("old"), 0o600),
		os.Chmod(locked, 0o555),
		os.Symlink("../locked/out.csv", link), os.Symlink("/proc/version", proc))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(locked, 0o700) })
	asNobody(func() {
		if err := export.Writable(filepath.Join(dir, "open", "new.csv")); err != nil {
			t.Errorf("in the open directory: %v", err)
		}
		fails(t, link, "permission denied")
	})
	fails(t, proc, "no such file or directory") // where nobody can make files
	if got := content(t, link); got != "old" {
		t.Errorf("there is %q, want what there was", got)
	}
}

// A link that leads nowhere gives way to the file.
func TestALinkThatLeadsNowhere(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"none.csv", "none/out.csv"} {
		dir := t.TempDir()
		link := filepath.Join(dir, "link.csv")
		if err := errors.Join(os.Symlink(to, link), export.Writable(link), export.ToFile(link, nil, put("new"))); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(link); err != nil || !info.Mode().IsRegular() || content(t, link) != "new" {
			t.Errorf("a link to %s: %v, %v", to, info, err)
		}
		onlyOne(t, dir)
	}
}

// names are those that lead to an open file, beside links to them.
func names(t *testing.T, fd uintptr) []string {
	t.Helper()
	all := []string{fmt.Sprintf("/dev/fd/%d", fd), fmt.Sprintf("/proc/self/fd/%d", fd), fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd), fmt.Sprintf("/proc/thread-self/fd/%d", fd)}
	dir := t.TempDir()
	link, twice := filepath.Join(dir, "link.csv"), filepath.Join(dir, "twice.csv")
	if err := errors.Join(os.Symlink(all[0], link), os.Symlink("link.csv", twice)); err != nil {
		t.Fatal(err)
	}
	return append(all, link, twice)
}

// What is open is written on where it stands, and stays open: neither replaced
// nor begun anew.
func TestOpenFilesAreWrittenOn(t *testing.T) {
	t.Parallel()
	for _, flag := range []int{0, os.O_APPEND} {
		dir := t.TempDir()
		path := filepath.Join(dir, "all.csv")
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flag, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		want := "kept"
		if err := put(want)(f); err != nil {
			t.Fatal(err)
		}
		for _, name := range names(t, f.Fd()) {
			want += " new"
			if err := errors.Join(export.Writable(name), export.ToFile(name, nil, put(" new"))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := content(t, path); got != want {
				t.Errorf("%s: there is %q, want %q", name, got, want)
			}
		}
		if err := put(", more")(f); err != nil || content(t, path) != want+", more" {
			t.Errorf("afterwards: %v, there is %q", err, content(t, path))
		}
		onlyOne(t, dir)
	}
}

// Standard output by its other names is what it is by "-".
func TestNamesOfStandardOutput(t *testing.T) {
	t.Parallel()
	for _, name := range append(names(t, 1), "/dev/stdout", "/dev/../dev/stdout") {
		var out strings.Builder
		if err := errors.Join(export.Writable(name), export.ToFile(name, &out, put("x"))); err != nil || out.String() != "x" {
			t.Errorf("%s: got %q, %v", name, out.String(), err)
		}
	}
}

// What is open to be read only, or not open, is found out by the look already.
func TestWhatIsNotOpenToBeWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range append(names(t, f.Fd()), "/dev/fd/9999") {
		fails(t, name, "bad file descriptor")
	}
	fails(t, "/dev/fd/4294967297", "no such file or directory") // 1 in its last 32 bits
	if got := content(t, path); got != "old" {
		t.Errorf("there is %q, want what there was", got)
	}
}
