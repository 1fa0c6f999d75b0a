package sqlite

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/plateq/plateq/store"
)

// room finds out whether the disk has room for what a call will bring. The
// books may be extended within the file, or within its log, when nothing is
// left of the disk: only what is written tells. Only the writer uses it.
type room struct {
	dir  string
	file *os.File // has no name, and is empty; nil: not yet made
}

// assert returns store.ErrFull where there is no space for the answers to n
// asks. It takes none.
func (r *room) assert(n int) error {
	err := r.try(store.Room(n))
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &store.Fault{Kind: store.ErrFull, Cause: err}
	}
	if err != nil {
		return fmt.Errorf("look for space: %w", err)
	}
	return nil
}

func (r *room) try(size int) (err error) {
	if r.file == nil {
		if r.file, err = unnamed(r.dir); err != nil {
			return err
		}
	}
	_, err = r.file.WriteAt(blank[:size], 0)
	return errors.Join(err, r.file.Truncate(0))
}

// blank is as much as is ever tried.
var blank = make([]byte, store.Room(1<<30))

// unnamed makes a file that goes with the process. Windows removes no file that
// is open: there its name stays until close.
func unnamed(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, ".room-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil && runtime.GOOS != "windows" {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (r *room) close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	if runtime.GOOS == "windows" {
		err = errors.Join(err, os.Remove(r.file.Name()))
	}
	return err
}
