package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers/sim"
)

// examine is `plateq doctor` with the settings of a desk: the exit code, and
// level, check, text and cure of each finding in a line.
func (d *desk) examine() (int, string) {
	d.t.Helper()
	found, verdict := app.Examine(d.t.Context(), d.options(), nil, true)
	var b strings.Builder
	for _, f := range found {
		b.WriteString(f.Level.String() + " " + f.Check + ": " + f.Text + " > " + f.Do + "\n")
	}
	text, err := json.Marshal(found)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range d.env {
		name, value, _ := strings.Cut(e, "=")
		secret := strings.HasSuffix(name, "_KEY") || strings.HasSuffix(name, "_KEYS") || strings.HasSuffix(name, "_TOKEN") || strings.HasSuffix(name, "_ID")
		if secret && strings.Contains(b.String()+string(text), value) {
			d.t.Errorf("the value of %s is shown", name)
		}
	}
	return app.ExitCode(verdict), b.String()
}

// wantExamined demands an exit code and lines.
func (d *desk) wantExamined(code int, lines ...string) {
	d.t.Helper()
	got, text := d.examine()
	if got != code {
		d.t.Errorf("exit %d, want %d:\n%s", got, code, text)
	}
	for _, l := range lines {
		if !strings.Contains(text, l) {
			d.t.Errorf("got\n%swant %q", text, l)
		}
	}
}

func TestDoctorLooksAtAStoreOfItsOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	d.wantExamined(app.ExitOK, "note store: there is none yet", "ok redis: it is embedded", "ok provider attestr: it takes the credentials")
	if _, code := d.run(t.Context(), d.runOptions(d.list("in.csv", plates(3)), "out.csv")); code != app.ExitOK && code != app.ExitPartial {
		t.Fatalf("run: exit %d", code)
	}
	d.wantExamined(app.ExitOK, "ok store: SQLite 3.", "ok schema: version")
	d.env = append(d.env, "PLATEQ_LISTEN=0.0.0.0:8080")
	d.wantExamined(app.ExitOK, "warning listener: PLATEQ_LISTEN: \"0.0.0.0:8080\" can be reached", "plateq keys create")
	d.env = append(d.env, strings.Fields(app.NewKeys())...)
	d.wantExamined(app.ExitUsage, "fault keys: ", "give back the keys")
}

func TestDoctorAsksProvidersWhatCostsNothing(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	d := newDesk(t, u, "PLATEQ_AOPAY_BASE_URL="+strings.Replace(u.url, "attestr", "aopay", 1), "PLATEQ_AOPAY_REGISTRATION_ID="+sim.DefaultToken)
	d.wantExamined(app.ExitOK, "ok provider attestr", "note provider aopay: it was not asked")
	if len(u.Charges()) != 0 {
		t.Errorf("%d plates were charged", len(u.Charges()))
	}
	d.env = append(d.env, "PLATEQ_ATTESTR_AUTH_TOKEN=canary-of-a-token")
	d.wantExamined(app.ExitProvider, "fault provider attestr", "correct the credentials")
	d.env = append(d.env, "PLATEQ_ATTESTR_BASE_URL=http://127.0.0.1:1")
	d.wantExamined(app.ExitProvider, "fault provider attestr", "see that this machine reaches it")
}

func TestDoctorLooksAtAFleet(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	f := fleetOver(t, standIn(t, brisk()), redistest.Start(t), schema)
	// The cluster of the tests keeps no promise about its disk.
	f.wantExamined(app.ExitFailure, "note schema: there are no tables yet", "fault store: what is committed may be lost", "fsync=on",
		"warning store: its user is a superuser", "ok clock: that of Redis", "ok clock: that of the store's server")
	f.check() // makes the tables
	f.env = append(f.env, "PLATEQ_LISTEN=0.0.0.0:8080")
	f.wantExamined(app.ExitFailure, "ok schema: version", "warning listener: ")
	c, err := pgx.Connect(t.Context(), schema)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	change := func(statement string) {
		if _, err := c.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	change("DELETE FROM goose_db_version WHERE version_id > 15")
	f.wantExamined(app.ExitFailure, "warning schema: version 15", "migrations are pending", "plateq migrate")
	change("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
	f.wantExamined(app.ExitUsage, "fault schema: ", "install the version that wrote it")
	f.env = append(f.env, "PLATEQ_DATABASE_URL=postgres://plateq:canary@127.0.0.1:1/plateq")
	f.redis.Kill()
	f.wantExamined(app.ExitFailure, "fault store: it cannot be read", "fault redis: it does not answer")
	if _, text := f.examine(); strings.Contains(text, "canary") {
		t.Errorf("the password is shown:\n%s", text)
	}
}
