package store_test

import (
	"errors"
	"testing"

	"github.com/plateq/plateq/store"
)

func TestADirectoryIsLockedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := store.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.LockDir(dir)
	if locked, ok := errors.AsType[*store.LockedError](err); !ok || locked.Path != dir {
		t.Errorf("got error %v, want %s to be locked", err, dir)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if lock, err = store.LockDir(dir); err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}
