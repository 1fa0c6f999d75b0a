package store

import (
	"io"
	"os"
)

// spoolFile is the file of a spool.
type spoolFile interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	Close() error
}

// spoolDisk is what a spool asks of the file system that holds it. It is the
// operating system's but in tests, where writes fail.
type spoolDisk struct {
	Open    func(path string, flag int) (spoolFile, error)
	Rename  func(from, to string) error
	SyncDir func(dir string) error
}

var systemDisk = spoolDisk{
	Open: func(path string, flag int) (spoolFile, error) {
		return os.OpenFile(path, flag, 0o600) //nolint:gosec // the path is the operator's
	},
	Rename:  os.Rename,
	SyncDir: syncDir,
}
