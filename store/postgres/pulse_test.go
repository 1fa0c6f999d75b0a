package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
)

// TestThePulseStopsWhereHeartbeatsDo: a server that answers those who read, and
// whose commits wait, shows nobody's heartbeats.
func TestThePulseStopsWhereHeartbeatsDo(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	s := open(t, postgres.Options{URL: server.Schema(t), Keys: store.NewKeys()})
	admin, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	standby := func(statement string) {
		t.Helper()
		for _, one := range []string{statement, "SELECT pg_reload_conf()"} {
			if _, err := admin.Exec(t.Context(), one); err != nil {
				t.Fatal(err)
			}
		}
	}
	standby("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
	ended := make(chan error, 2)
	waits := func(who string, n int, commit func() error) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		go func() { ended <- commit() }()
		for waiting := 0; waiting < n; {
			select {
			case err := <-ended:
				if n == 1 { // the server has not read its settings yet
					go func() { ended <- commit() }()
					continue
				}
				t.Fatalf("%s: %v, want that it waits for the standby", who, err)
			case <-tick.C:
			}
			if err := admin.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").Scan(&waiting); err != nil {
				t.Fatal(err)
			}
		}
	}
	waits("a heartbeat", 1, func() error { return s.Beat(t.Context(), "w") })
	waits("a pulse", 2, func() error { _, err := s.Pulse(t.Context()); return err })
	standby("ALTER SYSTEM RESET synchronous_standby_names")
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("when the standby is not waited for any more: %v", err)
		}
	}
}
