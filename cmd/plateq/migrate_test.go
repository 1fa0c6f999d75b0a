package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// withStore returns a place with a real store in it that has no list.
func withStore(t *testing.T) *place {
	t.Helper()
	p := newPlace(t)
	p.ok(t, 2, "run", "fleet.csv", "-p", "attestr") // not set up, but the store is made
	return p
}

func (p *place) spoil(t *testing.T, query string) {
	t.Helper()
	c, err := sqlite.OpenConn(filepath.Join(p.dir, "plateq-data", "plateq.db"), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sqlitex.ExecuteTransient(c, query, nil), c.Close()); err != nil {
		t.Fatal(err)
	}
}

// newest is the number of the last migration that there is.
func newest(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("../../store/sqlite/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	return len(files)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	p := withStore(t)
	n := newest(t)
	if out, _ := p.ok(t, 0, "migrate", "--status"); out != fmt.Sprintf("schema %d, this version knows %d\n", n, n) {
		t.Errorf("got %q", out)
	}
	if out, _ := p.ok(t, 0, "migrate", "--status", "--json"); out != fmt.Sprintf(`{"has":%d,"knows":%d,"pending":[]}`+"\n", n, n) {
		t.Errorf("got %q", out)
	}
	if _, errs := p.ok(t, 0, "migrate"); !strings.Contains(errs, fmt.Sprintf("schema %d: nothing was pending", n)) {
		t.Errorf("got %q", errs)
	}
	for _, tt := range []struct{ args, want string }{
		{"migrate --to mysql://db", "--to: it must be a postgres:// URL"},
		{"migrate --undo", "add --yes"},
		{"migrate --undo --status", "give one of them"},
	} {
		if _, errs := p.ok(t, 2, strings.Fields(tt.args)...); !strings.Contains(errs, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.args, errs, tt.want)
		}
	}
}

// An older version must not touch what a newer one has written.
func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	p := withStore(t)
	p.spoil(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (700, 1)")
	want := fmt.Sprintf("the store has schema 700, this version knows schemas up to %d: use a newer plateq", newest(t))
	out, errs := p.ok(t, 1, "migrate", "--status")
	if !strings.HasPrefix(out, "schema 700") || !strings.Contains(errs, want) {
		t.Errorf("got %q %q", out, errs)
	}
	for _, args := range []string{"migrate", "check", "migrate --to postgres://nobody@127.0.0.1:1/none"} {
		if _, errs := p.ok(t, 2, strings.Fields(args)...); !strings.Contains(errs, want) {
			t.Errorf("%s: got %q, want %q", args, errs, want)
		}
	}
}

func TestMigrateNeedsAStore(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, args := range []string{"migrate", "migrate --status", "migrate --to postgres://nobody@127.0.0.1:1/none", "migrate --undo --yes"} {
		if _, errs := p.ok(t, 2, strings.Fields(args)...); !strings.Contains(errs, "there is no store at plateq-data/plateq.db") {
			t.Errorf("%s: got %q", args, errs)
		}
	}
}

// A database that cannot be reached changes nothing, and its URL is not shown.
func TestMoveToNobody(t *testing.T) {
	t.Parallel()
	p := withStore(t)
	_, errs := p.ok(t, 1, "migrate", "--to", "postgres://plateq:geheim@127.0.0.1:1/none")
	if strings.Contains(errs, "geheim") || !strings.Contains(errs, "move to PostgreSQL") {
		t.Errorf("got %q", errs)
	}
	p.ok(t, 0, "check")
}
