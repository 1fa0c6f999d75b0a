package app_test

import (
	"bytes"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/plateq/plateq/store"
)

// until waits for something to come true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(time.Minute); !is(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// plateq runs the command and returns what it wrote, and its exit code.
func (d *desk) plateq(args ...string) (string, int) {
	d.t.Helper()
	var out syncBuffer
	own := *d
	own.log = &out
	cmd := own.start(args...)
	_ = cmd.Wait() // its exit code is returned
	return out.String(), cmd.ProcessState.ExitCode()
}

// sealer is what opens what the desk's processes seal, and the key that it was
// sealed with.
func (d *desk) sealer() (*store.Sealer, store.SealKey) {
	d.t.Helper()
	keys, err := store.OpenKeyFile(d.path("data/keys"))
	if err != nil {
		d.t.Fatal(err)
	}
	s, err := store.NewSealer(keys)
	if err != nil {
		d.t.Fatal(err)
	}
	return s, keys.Seal[0]
}

// unsealed is everything in the desk's store that its key has sealed, in clear,
// each value behind its column. Nobody is asked which columns those are.
func (d *desk) unsealed() (all []string) {
	d.t.Helper()
	s, key := d.sealer()
	onFileRecords(d.t, d.path("data/plateq.db"), func(table string, record map[string]any) {
		all = append(all, opened(d.t, s, key, table, record)...)
	})
	return all
}

// onFileRecords reads every record of a file.
func onFileRecords(t *testing.T, path string, each func(table string, record map[string]any)) {
	t.Helper()
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	read := func(query string, row func(*sqlite.Stmt)) {
		err := sqlitex.ExecuteTransient(c, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
			row(stmt)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var tables []string
	read("SELECT name FROM sqlite_schema WHERE type = 'table'", func(stmt *sqlite.Stmt) { tables = append(tables, stmt.ColumnText(0)) })
	for _, table := range tables {
		read("SELECT * FROM "+table, func(stmt *sqlite.Stmt) {
			record := map[string]any{}
			for i := range stmt.ColumnCount() {
				switch stmt.ColumnType(i) {
				case sqlite.TypeInteger:
					record[stmt.ColumnName(i)] = stmt.ColumnInt64(i)
				case sqlite.TypeBlob:
					value := make([]byte, stmt.ColumnLen(i))
					stmt.ColumnBytes(i, value)
					record[stmt.ColumnName(i)] = value
				default: // is not sealed
				}
			}
			each(table, record)
		})
	}
}

// opened opens the sealed values of one record, which its own number is needed
// for: each that it holds is tried.
func opened(t *testing.T, s *store.Sealer, key store.SealKey, table string, record map[string]any) (all []string) {
	t.Helper()
	for name, v := range record {
		sealed, _ := v.([]byte)
		if len(sealed) < 5 || sealed[0] > 2 || !bytes.Equal(sealed[1:5], key.ID[:]) {
			continue
		}
		open := false
		for _, v := range record {
			id, ok := v.(int64)
			if !ok {
				continue
			}
			if text, err := s.Open(table+"."+name, id, sealed); err == nil {
				all, open = append(all, table+"."+name+": "+string(text)), true
				break
			}
		}
		if !open {
			t.Errorf("a sealed value in %s.%s is read by nobody: the test proves nothing of it", table, name)
		}
	}
	return all
}
