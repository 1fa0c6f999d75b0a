package app_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers/sim"
)

// told finds what tells of a person in a row's results, by provider. What
// SpectrumData answers, whether a vehicle is owned, tells of nobody by itself.
var told = map[string]*regexp.Regexp{
	"attestr": regexp.MustCompile(`^\+?\d{10,}$`),                 // contact
	"regnum":  regexp.MustCompile(`^[0-9A-Z]{11}\*{6}$`),          // VIN
	"resser":  regexp.MustCompile(`F-\d{6}|\d+-EXAMPL0V1N1\d{6}`), // a fine's number, and the answer's own
	"aopay":   regexp.MustCompile(`^[A-Z]+ [A-Z]+$`),              // name
}

// TestNoLevelOfTheLogTellsOfAnybody runs the command for every provider at
// every level of the log, ends it once so that it prints its stacks, and looks
// for whatever the list, the answers and the credentials say in everything that
// is left behind.
func TestNoLevelOfTheLogTellsOfAnybody(t *testing.T) {
	for _, p := range everyProvider() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			for _, level := range []string{"error", "warn", "info", "debug", "trace"} {
				w := newWatched(t, p, redis, "PLATEQ_LOG_LEVEL="+level, "PLATEQ_LOG_FORMAT=json")
				if level == "trace" {
					w.crash()
					redis.Client().FlushAll(t.Context()) // with the slots that are still taken, for half a minute
				}
				w.finish()
				w.look(level)
				for name, text := range files(t, w.path("data")) {
					w.clear(level+": "+name, text)
				}
			}
		})
	}
}

// TestATableTellsOfNobody is the same over PostgreSQL, whose tables are read
// as they are stored.
func TestATableTellsOfNobody(t *testing.T) {
	for _, p := range everyProvider() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			database := pgtest.Schema(t)
			w := newWatched(t, p, redistest.Start(t), append(strings.Fields(app.NewKeys()), "PLATEQ_DATABASE_URL="+database)...)
			w.finish()
			w.look("PostgreSQL")
			filled := 0
			for name, text := range tables(t, database) {
				if len(text) > 21 { // the header and the end
					filled++
				}
				w.clear("table "+name, text)
			}
			if filled < 5 {
				t.Errorf("%d tables hold anything: the test proves nothing", filled)
			}
		})
	}
}

// watched is a desk with one list for one provider, and all that must be found
// nowhere.
type watched struct {
	*desk
	p        every
	u        upstream
	in       string
	traffic  func() []byte
	canaries map[string]bool
}

const watchedRows = 80

func newWatched(t *testing.T, p every, redis *redistest.Server, env ...string) *watched {
	t.Helper()
	u := standIn(t, sim.Options{
		Seed: 11, Answers: sim.DefaultAnswers(), Completion: sim.Completion{Min: 200 * time.Millisecond, Max: 400 * time.Millisecond},
		Faults: firstFaults(t, p.name),
	})
	w := &watched{desk: p.desk(t, u), p: p, u: u, traffic: monitor(t, redis), canaries: map[string]bool{canaryDepot: true}}
	if err := os.Mkdir(w.path("tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.env = append(append(w.env, env...), "PLATEQ_REDIS_URL="+redis.URL(), "TMPDIR="+w.path("tmp"), "GOTRACEBACK=all",
		"PLATEQ_ATTESTR_CONCURRENCY=2", "PLATEQ_AOPAY_CONCURRENCY=2") // what is in flight when it crashes is unknown
	w.in, _ = p.list(w.desk, u, watchedRows)
	swap(t, w.in, "north", canaryDepot)
	w.marks()
	return w
}

// firstFaults slow a provider's answers down, and spoil the first ones.
func firstFaults(t *testing.T, provider string) (all []sim.Fault) {
	t.Helper()
	for _, at := range endpoints(t, provider) {
		all = append(all,
			sim.Fault{Name: at + " slow", Kind: "latency", Where: at, For: 30 * time.Millisecond},
			sim.Fault{Name: at + " page", Kind: "html", Where: at, First: 1},
			sim.Fault{Name: at + " cut", Kind: sim.KindChargeThenCut, Where: at, First: 1},
			sim.Fault{Name: at + " gone", Kind: "close", Where: at, First: 1})
	}
	return all
}

// marks takes the cells of the list and the credentials for canaries.
func (w *watched) marks() {
	w.t.Helper()
	text, err := os.ReadFile(w.in)
	if err != nil {
		w.t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, line := range lines[1:] {
		for _, cell := range line[1:] {
			w.mark(cell)
		}
	}
	for _, v := range w.env {
		name, value, _ := strings.Cut(v, "=")
		for _, secret := range []string{"TOKEN", "SECCODE", "PASSWORD", "AUTH_VALUE", "REGISTRATION_ID", "_KEY"} {
			if strings.HasSuffix(name, secret) {
				w.mark(value)
			}
		}
	}
}

func (w *watched) mark(value string) {
	if len(value) >= 7 { // what is shorter is found by chance
		w.canaries[value] = true
	}
}

func (w *watched) begin() *exec.Cmd {
	w.t.Helper()
	return w.start("run", w.in, "-p", w.p.name, "-o", w.path("out.csv"))
}

// crash runs the list, and ends the run in the middle with the signal upon
// which a Go program prints the stacks of all its goroutines.
func (w *watched) crash() {
	w.t.Helper()
	cmd := w.begin()
	at := endpoints(w.t, w.p.name)[0]
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for w.u.Stats().Requests[at] < 2 {
		select {
		case <-tick.C:
		case <-w.t.Context().Done():
			w.t.Fatal("the run sends nothing")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		w.t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if !strings.Contains(w.log.String(), "goroutine ") {
		w.t.Fatal("it printed no stacks: the test proves nothing")
	}
}

// finish runs the list to its end, and learns what was answered.
func (w *watched) finish() {
	w.t.Helper()
	var exit *exec.ExitError
	if err := w.begin().Wait(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != app.ExitPartial) {
		w.t.Fatalf("run: %v", err)
	}
	w.learn()
}

// learn takes what was answered for canaries.
func (w *watched) learn() {
	w.t.Helper()
	rows := w.out("out.csv")
	if len(rows) != watchedRows {
		w.t.Fatalf("%d rows came out", len(rows))
	}
	person, before := told[w.p.name], len(w.canaries)
	if person == nil {
		return
	}
	for _, r := range rows {
		for column, cell := range r {
			if strings.HasPrefix(column, "result.") {
				for _, found := range person.FindAllString(cell, -1) {
					w.mark(found)
				}
			}
		}
	}
	if len(w.canaries) == before {
		w.t.Error("no answer tells of anybody: the test proves nothing")
	}
}

// look holds what every run leaves behind against the canaries.
func (w *watched) look(when string) {
	w.t.Helper()
	if traffic := w.traffic(); len(traffic) == 0 {
		w.t.Error("Redis was not asked: the test proves nothing")
	} else {
		w.clear(when+": Redis", traffic)
	}
	w.clear(when+": the log and the stacks", []byte(w.log.String()))
	for name, text := range files(w.t, w.path("tmp")) {
		w.clear(when+": "+name, text)
	}
	left, err := filepath.Glob(w.path(".*"))
	if err != nil || len(left) > 0 {
		w.t.Errorf("%s: %q lie beside the results, %v", when, left, err)
	}
}

func (w *watched) clear(where string, text []byte) {
	w.t.Helper()
	for c := range w.canaries {
		if bytes.Contains(text, []byte(c)) {
			w.t.Errorf("%s: a plate, an answer, a customer's column or a secret is in clear", where)
			return
		}
	}
}

// tables are the tables of a schema as they are stored, by name.
func tables(t *testing.T, url string) map[string][]byte {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `SELECT relname FROM pg_class
		WHERE relkind = 'r' AND relnamespace = current_schema::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		var b bytes.Buffer
		if _, err := conn.PgConn().CopyTo(t.Context(), &b, "COPY "+pgx.Identifier{name}.Sanitize()+" TO STDOUT (FORMAT binary)"); err != nil {
			t.Fatal(err)
		}
		all[name] = b.Bytes()
	}
	return all
}
