package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// lockName is the file that is locked in a directory. It stays there.
const lockName = "plateq.lock"

// LockDir takes a directory for this process until it is closed or the process
// ends, however it ends. It does not wait: *LockedError says that somebody has
// it, who may be this very process.
func LockDir(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock directory: %w", err)
	}
	const all = 1<<32 - 1
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, all, all, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, errors.Join(&LockedError{Path: dir}, f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock directory: %w", err), f.Close())
	}
	return f, nil
}
