package sqlite

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// fault is an error of SQLite under the name by which callers decide on it.
type fault struct {
	kind  error
	cause error
}

func (f *fault) Error() string   { return fmt.Sprintf("%v: %v", f.kind, f.cause) }
func (f *fault) Unwrap() []error { return []error{f.kind, f.cause} }

// classify names what is wrong with the disk or the file. Other errors pass.
func classify(err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull:
		return &fault{kind: store.ErrFull, cause: err}
	case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultIOErr, sqlite.ResultCantOpen, sqlite.ResultReadOnly:
		return &fault{kind: store.ErrAway, cause: err}
	default:
		return err
	}
}
