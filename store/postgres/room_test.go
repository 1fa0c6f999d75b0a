package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

// The answers lie in a tablespace of their own, where the claim has to look.
func TestFullDiskStartsNoCall(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "-c", "autovacuum=off") // it takes space when it likes
	disk := server.SmallDisk(t, 48<<20)
	s := open(t, postgres.Options{URL: server.Schema(t) + "&default_tablespace=" + disk.Name, Keys: store.NewKeys()})
	storetest.FullDisk(t, s, disk)
}

func TestOpenWithoutTheRightToLookForRoom(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	c, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	for _, change := range []string{"CREATE ROLE clerk LOGIN", "CREATE SCHEMA clerk AUTHORIZATION clerk", "REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC"} {
		if _, err := c.Exec(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	o := postgres.Options{URL: strings.Replace(server.URL(), "postgres@", "clerk@", 1) + "&search_path=clerk", Keys: store.NewKeys()}
	if err := refused[error](t, o); !strings.Contains(err.Error(), "GRANT TEMPORARY") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Exec(t.Context(), "GRANT TEMPORARY ON DATABASE postgres TO clerk"); err != nil {
		t.Fatal(err)
	}
	s := open(t, o)
	if n := storetest.Work(t, s, storetest.List(t, s, 10), 10, 1); n != 10 {
		t.Errorf("%d asks were answered, want 10", n)
	}
}
