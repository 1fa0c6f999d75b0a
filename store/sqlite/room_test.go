package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"

	raw "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/plateq/plateq/internal/disktest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

func TestFullDiskStartsNoCall(t *testing.T) {
	t.Parallel()
	disk := disktest.Mount(t, t.TempDir(), 48<<20)
	path := filepath.Join(disk.Dir, "plateq.db")
	s := open(t, sqlite.Options{Path: path, Keys: store.NewKeys()})
	no, err := s.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddRows(t.Context(), no, store.Piece{Rows: storetest.Plates(10_000, 15_000)}); err != nil {
		t.Fatal(err)
	}
	reuseLog(t, path)
	storetest.FullDisk(t, s, disk)
}

// reuseLog lets the store's log begin anew in the space that it has, so that a
// change needs none of the disk.
func reuseLog(t *testing.T, path string) {
	t.Helper()
	c, err := raw.OpenConn(path, raw.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.ExecuteTransient(c, "PRAGMA wal_checkpoint(RESTART)", nil)
	if err := errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
}
