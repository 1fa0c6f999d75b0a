package app_test

import (
	"bytes"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
)

// firstAnswer is the first that a process says of a list.
func (f *fleet) firstAnswer(id string) string {
	f.t.Helper()
	var text bytes.Buffer
	until(f.t, "an answer", func() bool {
		text.Reset()
		return f.api.Download(f.t.Context(), id, client.NDJSON, client.ResultsOptions{Input: true, Raw: true}, &text) == nil
	})
	return text.String()
}

// elsewhere lets the fleet listen at an address that is known before it does.
func (f *fleet) elsewhere() (addr string) {
	f.t.Helper()
	addr = freeAddr(f.t)
	f.give("PLATEQ_LISTEN", addr)
	c, err := client.New("http://"+addr, client.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	f.api = c
	return addr
}

// forgotten demands that an answer holds nothing of who was erased.
func forgotten(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, answeredPlate) || strings.Contains(text, queuedPlate) || !strings.Contains(text, `"class":"suppressed"`) {
		t.Errorf("%s tells of who was erased:\n%s", what, text)
	}
}

// TestABackupForgetsWhoWasErasedSince: a store that is restored serves nobody
// before what was erased is erased from it.
func TestABackupForgetsWhoWasErasedSince(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	sum, _ := d.run(t.Context(), d.runOptions(d.list("in.csv", append(plates(20), answeredPlate)), "out.csv"))
	for _, args := range [][]string{
		{"backup", d.path("backup.db")}, {"erase", "--plate", answeredPlate, "--reason", "request 17"}, {"restore", d.path("backup.db"), "--force"},
	} {
		if said, code := d.plateq(args...); code != 0 {
			t.Fatalf("%s: exit %d: %s", args[0], code, said)
		}
	}
	if !strings.Contains(strings.Join(d.unsealed(), "\n"), answeredPlate) {
		t.Fatal("the backup does not hold who was erased: the test proves nothing")
	}
	// To erase takes a while, in which somebody who listens would be heard.
	onFile(t, d.path("data/plateq.db"), `CREATE TRIGGER slow BEFORE UPDATE OF question ON asks BEGIN
		SELECT count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000000) SELECT x FROM c); END`)
	f := &fleet{desk: d}
	f.elsewhere()
	up := f.spawn("up")
	forgotten(t, "the first answer", f.firstAnswer(sum.Batch))
	end(t, up)
	d.check()
}

// TestADumpForgetsWhoWasErasedSince is the same with PostgreSQL, by kind of
// process: none does anything before.
func TestADumpForgetsWhoWasErasedSince(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	f := fleetOver(t, u, redistest.Start(t), pgtest.Database(t))
	f.serve()
	worker, scheduler := f.spawn("worker"), f.spawn("scheduler")
	answered := f.submit(append(plates(20), answeredPlate))
	f.await(answered)
	end(t, worker)
	end(t, scheduler)
	other := plates(40)[39]
	queued := f.submit([]string{other, queuedPlate})
	o := f.options()
	dump := pgtest.Dump(t, o.Config.DatabaseURL.Reveal(), "--format=custom")
	if said, code := f.plateq("erase", "--plate", answeredPlate, "--plate", queuedPlate, "--reason", "request 17"); code != 0 {
		t.Fatalf("erase: exit %d: %s", code, said)
	}
	f.end()
	before := f.env
	for name, tc := range map[string]struct {
		parts []string
		after func(f *fleet)
	}{
		"serve": {[]string{"serve"}, func(f *fleet) {
			forgotten(t, "the first answer", f.firstAnswer(answered))
			if id := f.submit([]string{answeredPlate}); f.count(id, "invalid") != 1 {
				t.Error("a list with who was erased is taken in")
			}
		}},
		"worker and scheduler": {[]string{"worker", "scheduler"}, func(f *fleet) {
			f.give("PLATEQ_LISTEN", "127.0.0.1:0")
			f.open(app.Server)
			defer f.end()
			rows := f.await(queued)
			if u.Charges()[queuedPlate] != 0 || u.Charges()[other] != 1 || rows[1]["status"] != "invalid" || rows[1]["plate"] != "" {
				t.Errorf("%d and %d calls, rows %v; want none for who was erased", u.Charges()[queuedPlate], u.Charges()[other], rows)
			}
		}},
	} {
		f.env = append([]string{}, before...)
		f.restoredDump(name, dump, u, tc.parts, tc.after)
	}
}

// restoredDump starts processes over a restored dump, and holds the erasure up
// for a while in which none of them may do anything.
func (f *fleet) restoredDump(name string, dump []byte, u upstream, parts []string, after func(*fleet)) {
	t := f.t
	t.Helper()
	url := pgtest.Database(t)
	pgtest.Restore(t, url, dump)
	f.give("PLATEQ_DATABASE_URL", url)
	if !strings.Contains(strings.Join(f.unsealed(), "\n"), answeredPlate) {
		t.Fatal("the dump does not hold who was erased: the test proves nothing")
	}
	addr := f.elsewhere()
	redis := f.redis.Client()
	defer redis.Close()
	redis.FlushAll(t.Context())
	sent := u.Stats().Requests["submit"]
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	hold, err := c.Begin(t.Context())
	if err == nil {
		_, err = hold.Exec(t.Context(), "SELECT 1 FROM asks FOR UPDATE") // the erasure waits here
	}
	if err != nil {
		t.Fatal(err)
	}
	var spawned []*exec.Cmd
	for _, part := range parts {
		spawned = append(spawned, f.spawn(part))
	}
	watch, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close(t.Context())
	until(t, "all to be held up", func() bool { return waiting(t, watch) >= len(parts) })
	for range 20 { // who did not wait for it would be heard by now
		<-time.After(20 * time.Millisecond)
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr); err == nil {
			_ = conn.Close()
			t.Errorf("%s: it listens before it has erased", name)
			break
		}
	}
	if n := u.Stats().Requests["submit"] - sent; n != 0 {
		t.Errorf("%s: %d calls were made before it has erased", name, n)
	}
	if n, err := redis.DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("%s: %d keys are in Redis before it has erased, %v", name, n, err)
	}
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	after(f)
	for _, p := range spawned { // the next ones share the Redis
		end(t, p)
	}
}

// waiting counts the statements that wait for a lock.
func waiting(t *testing.T, c *pgx.Conn) (n int) {
	t.Helper()
	err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
