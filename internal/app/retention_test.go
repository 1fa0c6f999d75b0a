package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/store"
)

// ninetyOne lets a file's lists have ended 91 days ago.
const ninetyOne = "UPDATE batches SET ended_at = ended_at - 91 * 86400000 WHERE ended_at > 0;"

// TestNothingIsLeftOfAListWhoseTimeIsOver: a service deletes a list of 91 days
// ago, is killed at it, and goes on when it is started again. Nothing of the
// list is left in the store, in the files and in Redis.
func TestNothingIsLeftOfAListWhoseTimeIsOver(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--appendonly", "yes", "--rdbcompression", "no")
	d := newDesk(t, standIn(t, brisk()), "PLATEQ_REDIS_URL="+redis.URL())
	ro := d.runOptions(d.list("in.csv", append(plates(30), answeredPlate)), "out.csv")
	ro.Name = "about " + answeredPlate
	sum, _ := d.run(t.Context(), ro)
	marks := []mark{{"a name", ro.Name}}
	for _, r := range d.out("out.csv") {
		marks = append(marks, mark{"a plate", r["plate"]})
		if r["result.contact"] != "" {
			marks = append(marks, mark{"a contact", r["result.contact"]})
		}
	}
	if found := in(marks, []byte(strings.Join(d.unsealed(), "\n"))); len(found) != len(marks) || len(marks) < 40 {
		t.Fatalf("%d of %d marks are in the store: the test proves nothing", len(found), len(marks))
	}
	path := d.path("data/plateq.db")
	onFile(t, path, ninetyOne+`CREATE TRIGGER hold BEFORE DELETE ON answers BEGIN
		SELECT count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000000) SELECT x FROM c); END`)
	f := &fleet{desk: d}
	f.elsewhere()
	first := f.spawn("up")
	until(t, "the rows to be gone", func() bool { return numbered(t, path, "SELECT count(*) FROM rows") == 0 })
	kill(t, first)
	if numbered(t, path, "SELECT count(*) FROM answers") == 0 {
		t.Error("it was killed when all was done: the test proves nothing")
	}
	onFile(t, path, "DROP TRIGGER hold")
	up := f.spawn("up")
	until(t, "the list to be gone", func() bool {
		return numbered(t, path, "SELECT count(*) FROM batches WHERE gone < 5") == 0
	})
	var said bytes.Buffer
	until(t, "an answer", func() bool { return f.api.Healthy(t.Context()) == nil })
	err := f.api.Download(t.Context(), sum.Batch, client.CSV, client.ResultsOptions{}, &said)
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != http.StatusGone || p.Code != "rows_deleted" {
		t.Errorf("an export: got %v, want 410 rows_deleted", err)
	}
	end(t, up)
	for _, table := range []string{"rows", "answers", "ask_keys"} {
		if n := numbered(t, path, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d records are left in %s", n, table)
		}
	}
	all := files(t, d.path("data"))
	maps.Copy(all, inRedis(t, redis))
	all["what is sealed"], all["an export"], all["the log"] = []byte(strings.Join(d.unsealed(), "\n")), said.Bytes(), []byte(d.log.String())
	for where, text := range all {
		if found := in(marks, text); len(found) > 0 {
			t.Errorf("%s holds %q", where, found)
		}
	}
	d.check()
}

// TestAMoveCarriesWhatIsGone: what PostgreSQL knows of lists whose time is over
// and of people who were erased is what SQLite knew.
func TestAMoveCarriesWhatIsGone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	d.run(t.Context(), d.runOptions(d.list("old.csv", plates(10)), "out.csv"))
	onFile(t, d.path("data/plateq.db"), ninetyOne)
	a, err := app.Open(t.Context(), d.options(), app.Books)
	if err != nil {
		t.Fatal(err)
	}
	if x, err := a.Store().Expire(t.Context()); err != nil || x.Rows != 10 {
		t.Fatalf("%+v went, %v, want 10 rows", x, err)
	}
	closeBooks(t, a)
	ro := d.runOptions(d.list("new.csv", append(plates(30)[20:], answeredPlate)), "out.csv")
	ro.Kept = 30 * 24 * time.Hour
	d.run(t.Context(), ro)
	if said, code := d.plateq("erase", "--plate", answeredPlate, "--reason", "request 17"); code != 0 {
		t.Fatalf("erase: exit %d: %s", code, said)
	}
	before := d.gone()
	url := pgtest.Schema(t)
	if said, code := d.plateq("migrate", "--to", url); code != 0 {
		t.Fatalf("migrate: exit %d: %s", code, said)
	}
	f := d.moved(url)
	f.env = append(f.env, "PLATEQ_DATA_DIR="+f.path("elsewhere")) // without the file of erasures
	after := f.gone()
	if len(before) != 4 || strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Errorf("before the move:\n%s\nafter it:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if b := f.erasedRows(); b != 1 {
		t.Errorf("%d rows say that they were erased, want 1", b)
	}
}

// gone is what a store knows of lists and of who was erased, in words.
func (d *desk) gone() (all []string) {
	d.t.Helper()
	a, err := app.Open(d.t.Context(), d.options(), app.Books)
	if err != nil {
		d.t.Fatal(err)
	}
	defer closeBooks(d.t, a)
	lists, err := a.Store().Batches(d.t.Context(), store.BatchFilter{})
	erasures, errErased := a.Store().Erasures(d.t.Context())
	suppressed, errKeys := a.Store().Suppressions(d.t.Context())
	if err := errors.Join(err, errErased, errKeys); err != nil {
		d.t.Fatal(err)
	}
	for _, b := range lists {
		all = append(all, fmt.Sprint(b.ID, b.Ended.UTC(), b.Kept, b.Expired.UTC()))
	}
	for _, e := range erasures {
		all = append(all, fmt.Sprintf("%+v", e))
	}
	for _, s := range suppressed {
		all = append(all, fmt.Sprint(s.Key, s.At, s.Allowed))
	}
	return all
}

// erasedRows counts the rows that say that they were erased.
func (d *desk) erasedRows() (n int) {
	d.t.Helper()
	for _, text := range d.unsealed() {
		if strings.HasPrefix(text, "rows.line: ") && strings.Contains(text, `"code":"erased"`) {
			n++
		}
	}
	return n
}
