package app_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/store"
)

// sealedUnder counts the values of a store under each sealing key, as a query
// that both databases understand.
const sealedUnder = `SELECT lower(name), count(*) FROM (
	SELECT %[1]s(substr(meta, 2, 4)%[2]s) AS name FROM batches
	UNION ALL SELECT %[1]s(substr(line, 2, 4)%[2]s) FROM rows
	UNION ALL SELECT %[1]s(substr(question, 2, 4)%[2]s) FROM asks
	UNION ALL SELECT %[1]s(substr(body, 2, 4)%[2]s) FROM answers
	UNION ALL SELECT %[1]s(substr(handle, 2, 4)%[2]s) FROM tickets) AS v GROUP BY 1`

func sealedQuery(hex, format string) string {
	return strings.NewReplacer("%[1]s", hex, "%[2]s", format).Replace(sealedUnder)
}

// fileKeys counts the values of a file under each key.
func fileKeys(t *testing.T, path string) map[string]int {
	t.Helper()
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n := map[string]int{}
	err = sqlitex.ExecuteTransient(c, sealedQuery("hex", ""), &sqlitex.ExecOptions{ResultFunc: func(row *sqlite.Stmt) error {
		n[row.ColumnText(0)] = row.ColumnInt(1)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// serverKeys does so for a PostgreSQL.
func serverKeys(t *testing.T, c *pgx.Conn) map[string]int {
	t.Helper()
	rows, err := c.Query(t.Context(), sealedQuery("encode", ", 'hex'"))
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for rows.Next() {
		var name string
		var count int
		if err := rows.Scan(&name, &count); err != nil {
			t.Fatal(err)
		}
		n[name] = count
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return n
}

// halfWay waits until values are sealed under a new key and others not yet.
func halfWay(t *testing.T, old string, count func() map[string]int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		n := count()
		if len(n) == 2 && n[old] > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("values by key: %v", n)
		}
	}
}

// kill ends a process at once.
func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
}

// onFile runs SQL on the file of a store that nobody has open.
func onFile(t *testing.T, path, script string) {
	t.Helper()
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, script, nil); err != nil {
		t.Fatal(err)
	}
}

// A rotation that is killed in the middle leaves a store that can be read, goes
// on when it is begun again, and leaves nothing under the old key.
func TestARotationIsKilled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	list := plates(60)
	in := d.list("in.csv", list)
	d.run(t.Context(), d.runOptions(in, "out.csv"))
	before := d.read("out.csv")
	keys, database := d.path("data/keys"), d.path("data/plateq.db")
	old := sealKeys(t, keys)[0].Name()
	// The first answer takes for ever: what comes before it is committed by then.
	onFile(t, database, `CREATE TRIGGER hold BEFORE UPDATE OF body ON answers BEGIN
		SELECT count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000000) SELECT x FROM c); END`)
	rotation := d.start("secrets", "rotate")
	count := func() map[string]int { return fileKeys(t, database) }
	halfWay(t, old, count)
	kill(t, rotation)
	onFile(t, database, "DROP TRIGGER hold")
	if now := sealKeys(t, keys); len(now) != 2 || now[1].Name() != old {
		t.Fatalf("%d keys are in the file after the kill, want the new one and the old one", len(now))
	}
	if n := count(); n[old] == 0 || len(n) != 2 {
		t.Fatalf("values by key after the kill: %v, want both keys", n)
	}
	same := func(when string) {
		t.Helper()
		if _, code := d.run(t.Context(), d.runOptions(in, "out.csv")); code != app.ExitOK && code != app.ExitPartial || d.read("out.csv") != before {
			t.Errorf("%s: exit %d, and the same results: %t", when, code, d.read("out.csv") == before)
		}
		d.check()
	}
	same("half-way")
	if err := d.start("secrets", "rotate").Wait(); err != nil {
		t.Fatalf("rotate again: %v\n%s", err, d.log)
	}
	now := sealKeys(t, keys)
	if n := count(); len(now) != 1 || len(n) != 1 || n[now[0].Name()] == 0 {
		t.Errorf("values by key in the end: %v", n)
	}
	if err := os.Remove(d.path("data/keys.retired")); err != nil {
		t.Fatal(err)
	}
	same("without the old key")
}

func (d *desk) read(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(d.path(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// give puts a setting in the place of the one that processes had so far.
func (d *desk) give(name, value string) {
	d.env = slices.DeleteFunc(d.env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	d.env = append(d.env, name+"="+value)
}

// While a fleet works, a rotation is killed and begun again. A worker that was
// not given the new key ends by itself and spoils nothing.
func TestAFleetWorksThroughARotationThatIsKilled(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	f := newFleet(t, u)
	f.open(app.Server | app.Scheduler)
	behind := f.spawn("worker")
	first := plates(100)
	id := f.submit(first)
	f.answered(u, f.await(id))
	before := f.read("out.csv")
	keys := f.options().Config
	given, _, err := keys.Keys()
	if err != nil {
		t.Fatal(err)
	}
	old := given.Seal
	f.end()

	fresh := store.NewSealKey()
	f.give("PLATEQ_ENCRYPTION_KEYS", store.FormatSealKeys(append([]store.SealKey{fresh}, old...)))
	f.open(app.Server | app.Scheduler)
	second := f.submit(plates(300)[100:])
	_ = behind.Wait() // its exit code is looked at
	if code := behind.ProcessState.ExitCode(); code != app.ExitUsage || !strings.Contains(f.log.String(), "give it the keys that the others have") {
		t.Errorf("the worker without the new key: exit %d, want %d, and to be told why:\n%s", code, app.ExitUsage, f.log)
	}

	c, err := pgx.Connect(t.Context(), f.options().Config.DatabaseURL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	hold, err := c.Begin(t.Context())
	if err == nil {
		_, err = hold.Exec(t.Context(), "SELECT 1 FROM answers FOR UPDATE") // the rotation waits here
	}
	if err != nil {
		t.Fatal(err)
	}
	rotation := f.start("secrets", "rotate")
	watch, err := pgx.Connect(t.Context(), f.options().Config.DatabaseURL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close(t.Context())
	halfWay(t, old[0].Name(), func() map[string]int { return serverKeys(t, watch) })
	f.spawn("worker")
	f.answered(u, f.await(second))
	kill(t, rotation)
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.await(id)
	if f.read("out.csv") != before {
		t.Error("half-way the first list reads otherwise")
	}
	third := f.submit(plates(400)[300:])
	if err := f.start("secrets", "rotate").Wait(); err != nil {
		t.Fatalf("rotate again: %v\n%s", err, f.log)
	}
	f.answered(u, f.await(third))
	if n := serverKeys(t, watch); len(n) != 1 || n[fresh.Name()] == 0 {
		t.Errorf("values by key in the end: %v, want all under %s", n, fresh.Name())
	}
	f.end()

	f.give("PLATEQ_ENCRYPTION_KEYS", store.FormatSealKeys([]store.SealKey{fresh}))
	f.open(app.Server | app.Scheduler)
	f.await(id)
	if f.read("out.csv") != before {
		t.Error("without the old key the first list reads otherwise")
	}
	if u.chargedTwice() != 0 || len(u.Charges()) != 400 {
		t.Errorf("%d plates charged, %d twice; want 400, 0", len(u.Charges()), u.chargedTwice())
	}
	f.check()
}
