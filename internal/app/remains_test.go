package app_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
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
	o := d.options()
	keys, given, err := o.Config.Keys()
	if err == nil && !given {
		keys, err = store.OpenKeyFile(d.path("data/keys"))
	}
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
	each := func(table string, record map[string]any) { all = append(all, opened(d.t, s, key, table, record)...) }
	o := d.options()
	if url := o.Config.DatabaseURL.Reveal(); url != "" {
		onServerRecords(d.t, url, each)
	} else {
		onFileRecords(d.t, d.path("data/plateq.db"), each)
	}
	return all
}

// onServerRecords reads every record of a schema.
func onServerRecords(t *testing.T, url string, each func(table string, record map[string]any)) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, table := range column(t, conn, `SELECT relname FROM pg_class
		WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = current_schema::regnamespace`) {
		rows, err := conn.Query(t.Context(), "SELECT * FROM "+pgx.Identifier{table}.Sanitize())
		if err != nil {
			t.Fatal(err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowToMap)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range all {
			each(table, record)
		}
	}
}

func column(t *testing.T, conn *pgx.Conn, query string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
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
			id, ok := number(v)
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

func number(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int32:
		return int64(n), true
	}
	return 0, false
}

// dumped is a database as pg_dump writes it, but for some tables.
func dumped(t *testing.T, url string, but ...string) []byte {
	t.Helper()
	text := pgtest.Dump(t, url)
	copies := regexp.MustCompile(`(?ms)^COPY (?:\S+\.)?(\S+) \(.*?^\\\.$`)
	filled := 0
	text = copies.ReplaceAllFunc(text, func(section []byte) []byte {
		if bytes.Count(section, []byte("\n")) > 1 {
			filled++
		}
		if slices.Contains(but, string(copies.FindSubmatch(section)[1])) {
			return nil
		}
		return section
	})
	if filled < 10 {
		t.Errorf("%d tables of the dump hold anything: the test proves nothing", filled)
	}
	return text
}

// inRedis is all that a Redis holds: its keys with their values, its log of
// changes and its snapshot.
func inRedis(t *testing.T, srv *redistest.Server) map[string][]byte {
	t.Helper()
	c := srv.Client()
	defer c.Close()
	if err := c.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	all := files(t, srv.Dir())
	keys := c.Scan(t.Context(), 0, "*", 1000).Iterator()
	for keys.Next(t.Context()) {
		value, err := c.Dump(t.Context(), keys.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		all["key "+keys.Val()] = []byte(keys.Val() + value)
	}
	if err := keys.Err(); err != nil || len(all) < 3 {
		t.Errorf("Redis holds %d files and keys, %v: the test proves nothing", len(all), err)
	}
	return all
}

// mark is something that must not be left: as it is, and as a dump writes
// bytes.
type mark struct{ what, text string }

func (m mark) in(text []byte) bool {
	return bytes.Contains(text, []byte(m.text)) || bytes.Contains(text, fmt.Appendf(nil, "%x", m.text))
}

// in names the marks that are in a text.
func in(marks []mark, text []byte) (found []string) {
	for _, m := range marks {
		if m.in(text) {
			found = append(found, m.what)
		}
	}
	return found
}
