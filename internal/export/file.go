package export

import (
	"errors"
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
//
// An error of the system is an *fs.PathError about path, under whatever name
// the file was written.
func ToFile(path string, stdout io.Writer, write func(io.Writer) error) error {
	if isStdout(path) {
		return write(stdout)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return failure(path, err)
	case info.IsDir():
		return failure(path, errDirectory)
	case !info.Mode().IsRegular():
		return toDevice(path, write)
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
		return failure(path, errDirectory)
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".plateq-*.part")
	if err != nil {
		return failure(path, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

var errDirectory = errors.New("it is a directory")

// failure is err of the system about the file that is to be path: without the
// name that it has while it is written.
func failure(path string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	} else if l, ok := errors.AsType[*os.LinkError](err); ok {
		err = l.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: err}
}

func toDevice(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // the path is the caller's
	if err != nil {
		return failure(path, err)
	}
	return errors.Join(write(f), f.Close())
}

// part is a file that is written under a name of its own.
type part struct {
	f    *os.File
	path string // that it is to have
}

// Write implements io.Writer.
func (p part) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	if err != nil {
		err = failure(p.path, err)
	}
	return n, err
}

func toWhole(path string, write func(io.Writer) error) (err error) {
	target := path
	if linked, err := filepath.EvalSymlinks(path); err == nil {
		target = linked // a link stays one
	}
	dir, base := filepath.Split(target)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+base+".*.part") // mode 0600
	if err != nil {
		return failure(path, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()           // a second time where it was closed
			_ = os.Remove(f.Name()) // the error that counts is the first
		}
	}()
	if err := write(part{f, path}); err != nil {
		return err
	}
	for _, step := range []func() error{f.Sync, f.Close, func() error { return os.Rename(f.Name(), target) }, func() error { return syncDir(dir) }} {
		if err := step(); err != nil {
			return failure(path, err)
		}
	}
	return nil
}

// syncDir makes a renaming last.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the path is the caller's
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
