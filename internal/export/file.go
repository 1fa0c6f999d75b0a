package export

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// ToFile makes the file at path of what write writes. The file is there whole
// or not at all: it is written under another name beside path, synced and
// renamed, and after an error nothing is left of it and what was at path
// before is untouched. Only its owner can read it. "-" and "" are stdout, as is
// /dev/stdout; what is open already, such as /dev/fd/3, and what is no regular
// file, such as a pipe, is written to as it stands.
//
// An error of the system is an *fs.PathError about path, under whatever name
// the file was written.
func ToFile(path string, stdout io.Writer, write func(io.Writer) error) error {
	to, err := targetOf(path)
	switch {
	case err != nil:
		return failure(path, err)
	case to.fd == stdoutFD:
		return write(stdout)
	case to.whole:
		return toWhole(path, to, write)
	}
	return toDevice(path, to, write)
}

// Writable reports why nothing could be written to path by ToFile, before
// anything was: the directory is missing or not ours, or path is one, or what
// is open there is open to be read only.
func Writable(path string) error {
	to, err := targetOf(path)
	if err == nil {
		err = to.try()
	}
	if err != nil {
		return failure(path, err)
	}
	return nil
}

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

func toDevice(path string, to target, write func(io.Writer) error) error {
	f, err := to.open()
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

func toWhole(path string, to target, write func(io.Writer) error) (err error) {
	f, err := to.part()
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
	for _, step := range []func() error{f.Sync, f.Close, func() error { return os.Rename(f.Name(), to.path) }, func() error { return syncDir(to.dir()) }} {
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
