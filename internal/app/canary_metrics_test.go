package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers/sim"
)

// TestMetricsTellOfNobody: one service has a list looked up at each of the five
// providers, over faults, gives the answers out in every form, and refuses what
// is not asked properly. Neither the figures nor the stacks that it serves hold
// anything of that.
func TestMetricsTellOfNobody(t *testing.T) {
	t.Parallel()
	w, all := newWatchedService(t)
	cl, at := w.admin()
	for _, p := range all {
		w.p = p
		w.in, _ = p.list(w.desk, w.u, watchedRows)
		swap(t, w.in, "north", canaryDepot)
		w.marks()
		w.ask(cl)
		w.learn()
	}
	if _, err := cl.Batch(t.Context(), canaryPlate); err == nil {
		t.Error("a batch is found under a plate")
	}
	for path, wants := range map[string][]string{
		"/metrics":                       settledBy(t, all),
		"/debug/pprof/goroutine?debug=2": {"goroutine "},
		"/debug/pprof/goroutine?debug=1": {"goroutine profile: "},
	} {
		status, text := get(t, at+path, "")
		if status != http.StatusOK {
			t.Errorf("%s: status %d", path, status)
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %s: the test proves nothing", path, want)
			}
		}
		w.clear(path, []byte(text))
	}
	w.clear("the log", []byte(w.log.String()))
}

// newWatchedService is a desk that asks every provider, each of whose answers
// are hit by faults.
func newWatchedService(t *testing.T) (*watched, []every) {
	t.Helper()
	o := sim.Options{Seed: 11, Answers: sim.DefaultAnswers()}
	all := everyProvider()
	for _, p := range all {
		o.Faults = append(o.Faults, firstFaults(t, p.name)...)
	}
	u := standIn(t, o)
	w := &watched{desk: newDesk(t, u), u: u, canaries: map[string]bool{canaryDepot: true, canaryPlate: true}}
	for _, p := range all {
		w.env = append(w.env, p.desk(t, u).env...)
	}
	w.give("PLATEQ_DATA_DIR", w.path("data"))
	w.give("PLATEQ_REDIS_URL", redistest.Start(t).URL())
	return w, all
}

// settledBy are lines of metrics that are there once every provider has
// answered.
func settledBy(t *testing.T, all []every) (lines []string) {
	t.Helper()
	for _, p := range all {
		lines = append(lines, `plateq_requests_total{class="ok",endpoint="`+endpoints(t, p.name)[0]+`",provider="`+p.name+`"} `)
	}
	return append(lines, `plateq_http_request_duration_seconds_count{code="404",route="GET /v1/batches/{id}"} 1`, `plateq_personal_rows_total{`)
}

// ask has the list looked up by a service, and writes the answers to out.csv.
func (w *watched) ask(cl *client.Client) {
	w.t.Helper()
	in, err := os.Open(w.in)
	if err != nil {
		w.t.Fatal(err)
	}
	defer in.Close()
	ctx, stop := context.WithTimeout(w.t.Context(), tooLong)
	defer stop()
	b, err := cl.Submit(ctx, client.SubmitOptions{
		Provider: w.p.name, Format: client.CSV, Name: canaryDepot, Metadata: json.RawMessage(`{"of":"` + canaryPlate + `"}`),
	}, in)
	if err == nil {
		b, err = cl.Wait(ctx, b.ID, func(client.Batch) {})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := os.Create(w.path("out.csv"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Close()
	for format, to := range map[client.Format]io.Writer{client.CSV: out, client.NDJSON: io.Discard} {
		if err := cl.Download(ctx, b.ID, format, client.ResultsOptions{Input: true, Raw: true}, to); err != nil {
			w.t.Fatal(err)
		}
	}
}
