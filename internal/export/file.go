package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// isStdout reports whether a path means the standard output.
func isStdout(path string) bool { return path == "" || path == "-" }

// ToFile makes the file at path of what write writes. The file is there whole
// or not at all: it is written under another name beside path, synced and
// renamed, and after an error nothing is left of it and what was at path
// before is untouched. Only its owner can read it. "-" and "" are stdout;
// what is no regular file, such as a pipe, is written to as it stands.
func ToFile(path string, stdout io.Writer, write func(io.Writer) error) error {
	if isStdout(path) {
		return write(stdout)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("write file: %w", err)
	case info.IsDir():
		return fmt.Errorf("write file: %s is a directory", path)
	case !info.Mode().IsRegular():
		return toDevice(path, write)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link stays one
	}
	return toWhole(path, write)
}

// Writable reports why nothing could be written to path by ToFile, before
// anything was: the directory is missing or not ours, or path is one.
func Writable(path string) error {
	if isStdout(path) {
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return fmt.Errorf("write %s: it is a directory", path)
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".plateq-*.part")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, cause(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// cause is what the system said, without the name of the temporary file.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func toDevice(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // the path is the caller's
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return errors.Join(write(f), f.Close())
}

func toWhole(path string, write func(io.Writer) error) (err error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+base+".*.part") // mode 0600
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()           // a second time where it was closed
			_ = os.Remove(f.Name()) // the error that counts is the first
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return syncDir(dir)
}

// syncDir makes a renaming last.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the path is the caller's
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}
