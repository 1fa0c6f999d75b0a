package app_test

import (
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
)

// TestAServerWithoutTLSIsNotSpokenTo where the settings want it: that is said
// at the start, with what to change, and not waited for.
func TestAServerWithoutTLSIsNotSpokenTo(t *testing.T) {
	t.Parallel()
	redis, database := redistest.Start(t).Addr(), pgtest.Schema(t)
	for name, c := range map[string]struct{ redis, database, want string }{
		"PostgreSQL": {"redis://" + redis, strings.Replace(database, "sslmode=disable", "sslmode=verify-full", 1), "PLATEQ_DATABASE_URL"},
		"Redis":      {"rediss://:hunter2@" + redis, database, "PLATEQ_REDIS_URL"},
	} {
		d := &desk{t: t, dir: t.TempDir(), log: &syncBuffer{}, env: strings.Fields(app.NewKeys())}
		d.env = append(d.env, "PLATEQ_DATA_DIR="+d.path("data"), "PLATEQ_REDIS_URL="+c.redis, "PLATEQ_DATABASE_URL="+c.database)
		a, err := app.Open(t.Context(), d.options(), app.Scheduler)
		if app.ExitCode(err) != app.ExitUsage {
			if err == nil {
				a.Close()
			}
			t.Fatalf("%s: %v, want exit %d", name, err, app.ExitUsage)
		}
		if text := err.Error(); !strings.Contains(text, c.want) || !strings.Contains(text, "TLS") || strings.Contains(text, "hunter2") {
			t.Errorf("%s: got %q, want it to name TLS and %s, and no password", name, text, c.want)
		}
	}
}

// TestWhoIsOnTheWayIsSaidOnce when a process starts, and not by each command.
func TestWhoIsOnTheWayIsSaidOnce(t *testing.T) {
	t.Parallel()
	d := &desk{t: t, dir: t.TempDir(), log: &syncBuffer{}, env: strings.Fields(app.NewKeys())}
	// The second host is asked only if the first is gone.
	database := strings.Replace(pgtest.Schema(t), "/postgres?", ",192.0.2.1:5432/postgres?", 1)
	d.env = append(d.env, "PLATEQ_DATA_DIR="+d.path("data"), "PLATEQ_REDIS_URL=redis://"+redistest.Start(t).Addr(), "PLATEQ_DATABASE_URL="+database)
	for _, c := range []struct {
		parts app.Parts
		want  int
	}{{app.Books, 0}, {app.Scheduler, 1}} {
		a, err := app.Open(t.Context(), d.options(), c.parts)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if got := strings.Count(d.log.String(), "without TLS"); got != c.want {
			t.Errorf("parts %b: %d warnings, want %d:\n%s", c.parts, got, c.want, d.log)
		}
	}
}
