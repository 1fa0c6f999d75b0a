package app_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/store"
)

// onRecord is what a desk has on record of its one erasure.
func (d *desk) onRecord() (r struct {
	ID, Reason string
	Verified   bool
	Ended      string `json:"ended_at"`
	Erased     store.EraseCounts
}) {
	d.t.Helper()
	text, err := os.ReadFile(d.path("data/erasures"))
	if err != nil {
		d.t.Fatal(err)
	}
	said, code := d.plateq("erase", "--proof", strings.Fields(string(text))[2], "-q")
	record := said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:] // what is logged comes before
	if err := json.Unmarshal([]byte(record), &r); err != nil || code != 0 {
		d.t.Fatalf("proof: exit %d, %v: %s", code, err, said)
	}
	return r
}

// numbered is what a query counts in a file that somebody may have open.
func numbered(t *testing.T, path, query string) (n int) {
	t.Helper()
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = sqlitex.ExecuteTransient(c, query, &sqlitex.ExecOptions{ResultFunc: func(row *sqlite.Stmt) error {
		n = row.ColumnInt(0)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAnErasureThatIsKilledIsCarriedOut: whatever it was at, the next process
// that opens the store ends it before it does anything else.
func TestAnErasureThatIsKilledIsCarriedOut(t *testing.T) {
	t.Parallel()
	whole := store.EraseCounts{Rows: 1, Questions: 1, Answers: 1, Lists: 1}
	for name, tc := range map[string]struct {
		at      string // which change takes for ever
		reached func(d *desk) bool
		reason  string
	}{
		"before it is on record": {"BEFORE INSERT ON erasures", func(d *desk) bool {
			_, err := os.Stat(d.path("data/erasures"))
			return err == nil
		}, "carried out again, at a start"},
		"before the first question": {"BEFORE UPDATE OF question ON asks", func(d *desk) bool {
			return numbered(d.t, d.path("data/plateq.db"), "SELECT count(*) FROM suppressed") > 0
		}, "request 17"},
		"before the first row": {"BEFORE UPDATE OF line ON rows", func(d *desk) bool {
			return numbered(d.t, d.path("data/plateq.db"), "SELECT count(*) FROM erased_asks") > 0
		}, "request 17"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, standIn(t, brisk()))
			ro := d.runOptions(d.list("in.csv", append(plates(20), answeredPlate)), "out.csv")
			ro.Name = "about " + answeredPlate
			sum, _ := d.run(t.Context(), ro)
			if !strings.Contains(strings.Join(d.unsealed(), "\n"), "batches.meta: "+`{"name":"about `+answeredPlate) {
				t.Fatal("the store does not hold who is erased: the test proves nothing")
			}
			onFile(t, d.path("data/plateq.db"), "CREATE TRIGGER hold "+tc.at+` BEGIN
				SELECT count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000000) SELECT x FROM c); END`)
			erasing := d.start("erase", "--plate", answeredPlate, "--reason", "request 17")
			until(t, "the erasure to come so far", func() bool { return tc.reached(d) })
			kill(t, erasing)
			onFile(t, d.path("data/plateq.db"), "DROP TRIGGER hold")
			said, code := d.plateq("results", sum.Batch, "--format", "jsonl", "-q")
			if code != 0 || strings.Contains(said, answeredPlate) || !strings.Contains(said, `"class":"suppressed"`) {
				t.Errorf("the next process says, with exit %d:\n%s", code, said)
			}
			if r := d.onRecord(); r.Reason != tc.reason || r.Erased != whole || !r.Verified || r.Ended == "" {
				t.Errorf("on record is %+v, want %q and %+v", r, tc.reason, whole)
			}
			if strings.Contains(strings.Join(d.unsealed(), "\n"), answeredPlate) {
				t.Error("the store still holds who was erased")
			}
			d.check()
		})
	}
}

// TestAnErasureBesideAFleetIsKilled: what runs goes on, and the next process
// that starts carries the erasure out.
func TestAnErasureBesideAFleetIsKilled(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	f := fleetOver(t, u, redistest.Start(t), pgtest.Schema(t))
	f.serve()
	f.spawn("worker")
	f.spawn("scheduler")
	id := f.submit(append(plates(20), answeredPlate))
	f.await(id)
	o := f.options()
	c, err := pgx.Connect(t.Context(), o.Config.DatabaseURL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	hold, err := c.Begin(t.Context())
	if err == nil {
		_, err = hold.Exec(t.Context(), "SELECT 1 FROM rows FOR UPDATE") // questions are erased by then
	}
	if err != nil {
		t.Fatal(err)
	}
	erasing := f.start("erase", "--plate", answeredPlate, "--reason", "request 17")
	watch, err := pgx.Connect(t.Context(), o.Config.DatabaseURL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close(t.Context())
	until(t, "the erasure to wait", func() bool {
		n := 0
		if err := watch.QueryRow(t.Context(), "SELECT count(*) FROM erased_asks").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n > 0
	})
	kill(t, erasing)
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := f.submit([]string{answeredPlate}); f.count(b, "invalid") != 1 {
		t.Error("half-way a list with who is erased is taken in")
	}
	if r := f.onRecord(); r.Reason != "request 17" || r.Erased != (store.EraseCounts{Rows: 1, Questions: 1, Answers: 1}) || !r.Verified || r.Ended == "" {
		t.Errorf("on record is %+v", r)
	}
	forgotten(t, "the server", f.firstAnswer(id))
	f.check()
}
