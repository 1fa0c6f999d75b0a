package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// classify names what is wrong with the disk or the file. Other errors pass.
func classify(err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull:
		return &store.Fault{Kind: store.ErrFull, Cause: err}
	case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultIOErr, sqlite.ResultCantOpen, sqlite.ResultReadOnly:
		return &store.Fault{Kind: store.ErrAway, Cause: err}
	default:
		return err
	}
}
