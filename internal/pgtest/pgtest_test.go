package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func do(t *testing.T, url, statement string) {
	t.Helper()
	c := connect(t, url)
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, url, query string) (answer string) {
	t.Helper()
	c := connect(t, url)
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestSchemasAreApart(t *testing.T) {
	t.Parallel()
	one, two := pgtest.Schema(t), pgtest.Schema(t)
	do(t, one, "CREATE TABLE notes (text TEXT)")
	if got := ask(t, two, "SELECT coalesce(to_regclass('notes')::text, 'nothing')"); got != "nothing" {
		t.Errorf("one schema sees %s of the other", got)
	}
}

// What was committed outlives kill -9 and a restart.
func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	if got := ask(t, s.URL(), "SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
	url := s.Schema(t)
	do(t, url, "CREATE TABLE notes AS SELECT 'kept' AS text")
	s.Kill()
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, url, "SELECT text FROM notes"); got != "kept" {
		t.Errorf("got %q", got)
	}
}
