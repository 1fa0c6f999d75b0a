package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// claimedBy counts the calls of a store that were claimed up to a moment.
// What was claimed may reach the provider a little later: the count of its
// requests alone would call that a call that began after the moment.
func claimedBy(t *testing.T, database string, at time.Time) int {
	t.Helper()
	const query = "SELECT count(*) FROM calls WHERE sent_at <= "
	if path, ok := strings.CutPrefix(database, "sqlite://"); ok {
		c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }() // nothing was written
		n := 0
		err = sqlitex.Execute(c, query+"?", &sqlitex.ExecOptions{
			Args:       []any{at.UnixMilli()},
			ResultFunc: func(row *sqlite.Stmt) error { n = row.ColumnInt(0); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	c, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(t.Context()) }()
	n := 0
	if err := c.QueryRow(t.Context(), query+"$1", at.UnixMilli()).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
