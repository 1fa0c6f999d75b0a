package export_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/plateq/plateq/internal/disktest"
	"github.com/plateq/plateq/internal/export"
)

func put(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestToFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	for _, text := range []string{"first", "second"} {
		if err := export.ToFile(path, nil, put(text)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode is %o, want 600", got)
	}
	onlyOne(t, dir)
}

// onlyOne checks that nothing is left in dir beside the file.
func onlyOne(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 {
		t.Errorf("%d files in the directory, want 1: %v", len(files), files)
	}
}

func TestToFileFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	if err := export.ToFile(path, nil, put("whole")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	during := func(w io.Writer) error {
		if err := put("half")(w); err != nil {
			return err
		}
		if got := content(t, path); got != "whole" {
			t.Errorf("while writing there is %q, want %q", got, "whole")
		}
		return broken
	}
	if err := export.ToFile(path, nil, during); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if got := content(t, path); got != "whole" {
		t.Errorf("afterwards there is %q, want %q", got, "whole")
	}
	onlyOne(t, dir)
	for bad, why := range map[string]string{
		dir: "it is a directory", filepath.Join(dir, "no", "out.csv"): "no such file or directory", filepath.Join(path, "out.csv"): "not a directory",
	} {
		if err := export.ToFile(bad, nil, put("x")); err == nil || err.Error() != "write "+bad+": "+why {
			t.Errorf("to %s: got %v", bad, err)
		}
	}
}

// Errors name the file that was asked for, whatever it is called while it is
// written.
func TestToFileNamesTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "gone", "out.csv")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	err := export.ToFile(path, nil, func(io.Writer) error { return os.RemoveAll(filepath.Dir(path)) })
	if err == nil || err.Error() != "write "+path+": no such file or directory" {
		t.Errorf("the directory is gone: got %v", err)
	}
	disk := disktest.Mount(t, dir, 1<<20)
	path = filepath.Join(dir, "out.csv")
	err = export.ToFile(path, nil, put(strings.Repeat("x", 2<<20)))
	if err == nil || err.Error() != "write "+path+": no space left on device" || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the disk is full: got %v", err)
	}
	onlyOne(t, filepath.Dir(disk.Dir))
}

func TestToFileElsewhere(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "-"} {
		var out strings.Builder
		if err := export.ToFile(path, &out, put("x")); err != nil || out.String() != "x" {
			t.Errorf("to %q: got %q, %v", path, out.String(), err)
		}
	}
	if err := export.ToFile(os.DevNull, nil, put("x")); err != nil {
		t.Errorf("to a device: %v", err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("the device was replaced: %v, %v", info, err)
	}
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target.csv"), filepath.Join(dir, "link.csv")
	if err := errors.Join(export.ToFile(target, nil, put("old")), os.Symlink(target, link), export.ToFile(link, nil, put("new"))); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || content(t, target) != "new" {
		t.Errorf("through a link: %v, %v, the target holds %q", info, err, content(t, target))
	}
}
