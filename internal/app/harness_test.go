package app_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/providers/sim"
)

// upstream is a stand-in of Attestr on a loopback port.
type upstream struct {
	*sim.Server
	url string
}

func standIn(t *testing.T, o sim.Options) upstream {
	t.Helper()
	return standInBehind(t, o, func(h http.Handler) http.Handler { return h })
}

// standInBehind is standIn with something before it that sees the requests.
func standInBehind(t *testing.T, o sim.Options, before func(http.Handler) http.Handler) upstream {
	t.Helper()
	srv, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(before(srv.Handler()))
	t.Cleanup(func() {
		_ = srv.Close() // ends what hangs
		web.Close()
	})
	return upstream{srv, web.URL + "/attestr"}
}

// chargedTwice counts plates that were paid for more than once.
func (u upstream) chargedTwice() int {
	n := 0
	for _, c := range u.Charges() {
		if c > 1 {
			n++
		}
	}
	return n
}

// desk is one customer: a data directory, settings and a log.
type desk struct {
	t    *testing.T
	dir  string
	env  []string
	log  *syncBuffer
	logs zerolog.Level
}

// newDesk returns a desk that asks u, in batches of 20, and polls fast.
func newDesk(t *testing.T, u upstream, env ...string) *desk {
	t.Helper()
	dir := t.TempDir()
	return &desk{t: t, dir: dir, log: &syncBuffer{}, logs: zerolog.InfoLevel, env: append([]string{
		"PLATEQ_DATA_DIR=" + filepath.Join(dir, "data"),
		"PLATEQ_ATTESTR_BASE_URL=" + u.url,
		"PLATEQ_ATTESTR_AUTH_TOKEN=" + sim.DefaultToken,
		"PLATEQ_ATTESTR_RATE=none",
		"PLATEQ_ATTESTR_BATCH_SIZE=20",
		"PLATEQ_ATTESTR_POLL_MIN=50ms",
		"PLATEQ_ATTESTR_POLL_MAX=500ms",
	}, env...)}
}

func (d *desk) options() app.Options {
	d.t.Helper()
	cfg, warnings, err := config.Load(d.env)
	if err != nil || len(warnings) > 0 {
		d.t.Fatalf("load configuration: %v, %q", err, warnings)
	}
	return app.Options{Config: cfg, Log: zerolog.New(d.log).Level(d.logs)}
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

// list writes a CSV of plates; a row's id is its place, from 1.
func (d *desk) list(name string, plates []string) string {
	d.t.Helper()
	var b bytes.Buffer
	b.WriteString("id,plate,depot\n")
	for i, p := range plates {
		fmt.Fprintf(&b, "%d,%s,north\n", i+1, p)
	}
	if err := os.WriteFile(d.path(name), b.Bytes(), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return d.path(name)
}

func (d *desk) runOptions(in, out string) app.RunOptions {
	return app.RunOptions{Provider: "attestr", In: in, Out: d.path(out), Stdout: io.Discard, Export: export.Options{Format: export.CSV}}
}

// run is `plateq run`; it returns the exit code.
func (d *desk) run(ctx context.Context, ro app.RunOptions) (app.Summary, int) {
	d.t.Helper()
	sum, err := app.RunFile(ctx, d.options(), ro)
	if err != nil {
		d.t.Logf("run: %v", err)
	}
	return sum, app.ExitCode(err)
}

// check holds the books against each other.
func (d *desk) check() {
	d.t.Helper()
	a, err := app.Open(d.t.Context(), d.options(), app.Books)
	if err != nil {
		d.t.Fatal(err)
	}
	defer a.Close()
	report, err := a.Store().Check(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, p := range report.Problems {
		d.t.Error("books:", p)
	}
}

// out reads the rows of a results file, by the names of its columns.
func (d *desk) out(name string) []map[string]string {
	d.t.Helper()
	f, err := os.Open(d.path(name))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil || len(all) == 0 {
		d.t.Fatalf("read results: %d lines, %v", len(all), err)
	}
	rows := make([]map[string]string, 0, len(all)-1)
	for _, line := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// inOrder demands one row out for each plate in, in order, and returns how
// many rows each status has.
func (d *desk) inOrder(rows []map[string]string, plates []string) map[string]int {
	d.t.Helper()
	if len(rows) != len(plates) {
		d.t.Fatalf("%d rows out for %d in", len(rows), len(plates))
	}
	by := map[string]int{}
	for i, r := range rows {
		if r["row"] != strconv.Itoa(i+1) || r["id"] != strconv.Itoa(i+1) || r["depot"] != "north" {
			d.t.Fatalf("row %d came out as row %s, id %s, depot %s", i+1, r["row"], r["id"], r["depot"])
		}
		by[r["status"]]++
	}
	return by
}

// answered demands that every row says what the stand-in knows of its plate.
// Rows with a status in but are left out.
func (d *desk) answered(u upstream, rows []map[string]string, but ...string) {
	d.t.Helper()
	left := map[string]bool{"invalid": true}
	for _, s := range but {
		left[s] = true
	}
	for _, r := range rows {
		if left[r["status"]] {
			continue
		}
		want := u.Answer(r["plate"])
		status := "failed"
		switch {
		case want.Valid:
			status = "found"
		case want.Status == "NOT_FOUND":
			status = "not_found"
		}
		if r["status"] != status || r["result.contact"] != want.Contact {
			d.t.Fatalf("row %s is %s with contact %t, want %s, %t", r["row"], r["status"], r["result.contact"] != "", status, want.Contact != "")
		}
	}
}

// plates invents n different plates.
func plates(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("KA%02d%c%c%04d", 81+i%17, 'A'+i%8, 'A'+i/8%8, i)
	}
	return all
}

// syncBuffer is a buffer that many may write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// runSimulated is `plateq run --simulate`, with rows that failed allowed.
func runSimulated(ctx context.Context, o app.Options, ro app.RunOptions) error {
	_, err := app.RunFile(ctx, o, ro)
	if app.ExitCode(err) == app.ExitPartial {
		return nil
	}
	return err
}
