package export

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// isStdout reports whether a path means the standard output.
func isStdout(path string) bool { return path == "" || path == "-" }

// IsStdout reports whether ToFile writes to the standard output: because the
// path says nothing else, or by a name that the system has for it, such as
// /dev/stdout, or a link to that.
func IsStdout(path string) bool {
	fd, open := descriptor(path)
	return isStdout(path) || open && fd == stdoutFD
}

// stdoutFD is the descriptor of the standard output; that of what is not open
// yet is none.
const (
	stdoutFD = 1
	noFD     = -1
)

var errDirectory = errors.New("it is a directory")

// target is what a path leads to. The look at a file and its writing both go by
// it, so that the one cannot find well what the other does not.
type target struct {
	fd    int    // of what is open already, or noFD
	path  string // of the file itself where it is whole, as given where not
	whole bool   // a file that is made, or replaced as a whole
}

// targetOf follows path to its target. What is open is written on as it is:
// another process has it too, such as the shell that appends to it.
func targetOf(path string) (target, error) {
	to := target{fd: noFD, path: path}
	if isStdout(path) {
		to.fd = stdoutFD
		return to, nil
	}
	if fd, open := descriptor(path); open {
		to.fd = fd
		return to, nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		to.whole = true // in place of a link that leads nowhere
	case err != nil:
		return to, err
	case info.IsDir():
		return to, errDirectory
	case info.Mode().IsRegular():
		to.whole = true
		if linked, err := filepath.EvalSymlinks(path); err == nil {
			to.path = linked // a link stays one
		}
	}
	return to, nil
}

// dir is where the file is, or will be.
func (to target) dir() string {
	if dir, _ := filepath.Split(to.path); dir != "" {
		return dir
	}
	return "."
}

// part makes the file that is to take the place of the target.
func (to target) part() (*os.File, error) {
	return os.CreateTemp(to.dir(), "."+filepath.Base(to.path)+".*.part") // mode 0600
}

// open opens what is not replaced.
func (to target) open() (*os.File, error) {
	if to.fd != noFD {
		return again(to.fd, to.path)
	}
	return os.OpenFile(to.path, os.O_WRONLY, 0)
}

// try leaves everything as it is, and returns the error that writing would
// begin with. A device or a pipe is not opened: somebody may notice.
func (to target) try() error {
	switch {
	case to.fd == stdoutFD:
		return nil
	case to.fd != noFD:
		f, err := to.open()
		if err != nil {
			return err
		}
		return f.Close()
	case to.whole:
		f, err := to.part()
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
	return nil
}
