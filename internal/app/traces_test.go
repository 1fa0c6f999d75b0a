package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/tracetest"
	"github.com/plateq/plateq/providers/sim"
)

// TestATraceLeadsFromTheRequestToTheAnswer goes through real processes, over a
// real Redis: the API in this one, the scheduler and the worker each in its own.
func TestATraceLeadsFromTheRequestToTheAnswer(t *testing.T) {
	t.Parallel()
	c := tracetest.Start(t)
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 100}
	f := newFleet(t, standIn(t, o), "PLATEQ_TRACES_URL="+c.URL, "PLATEQ_TRACES_HEADERS=X-Collector=CANARYKEY", "PLATEQ_LOG_FORMAT=json")
	f.serve()
	f.spawn("scheduler")
	f.spawn("worker")
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	id := f.submitTraced(plates(12), "00-"+theirs+"-00f067aa0ba902b7-01")
	f.await(id)
	way := []string{"POST /v1/batches", "ring chunk:send", "chunk:send", "claim", "attestr/submit", "settle", "poll", "attestr/items"}
	spans := c.Await(t, "the way from the request to the answer", func(all []tracetest.Span) bool {
		of := byName(all, theirs)
		for _, name := range way {
			if len(of[name]) == 0 {
				return false
			}
		}
		return len(of["settle"]) >= 2 // of the submit, and of a poll
	})
	of := byName(spans, theirs)
	for child, parent := range map[string]string{
		"ring chunk:send": "POST /v1/batches", "chunk:send": "ring chunk:send", "claim": "chunk:send", "attestr/submit": "chunk:send",
		"poll": "POST /v1/batches", "attestr/items": "poll",
	} {
		if got, want := of[child][0].Parent, of[parent][0].ID; got != want {
			t.Errorf("%s is within %s, want %s, that of %s", child, got, want, parent)
		}
	}
	if a, b := of["ring chunk:send"][0].Instance, of["chunk:send"][0].Instance; a == b {
		t.Errorf("both ends of a task are of %s, want two processes", a)
	}
	if of["claim"][0].Attributes["plateq.asks"] != "12" || of["claim"][0].Attributes["plateq.call"] == "" {
		t.Errorf("claim says %v", of["claim"][0].Attributes)
	}
	f.end() // the last spans of the API
	for _, secret := range append(plates(12), "CANARYKEY") {
		if c.Holds(secret) {
			t.Errorf("%s is in the spans", secret)
		}
	}
	for _, s := range c.Spans() {
		if strings.HasPrefix(s.Name, "GET /healthz") || strings.HasPrefix(s.Name, "GET /readyz") {
			t.Errorf("there is a span of %s", s.Name)
		}
	}
}

// byName are the spans of a trace.
func byName(all []tracetest.Span, trace string) map[string][]tracetest.Span {
	of := map[string][]tracetest.Span{}
	for _, s := range all {
		if s.Trace == trace {
			of[s.Name] = append(of[s.Name], s)
		}
	}
	return of
}

// submitTraced hands plates in as a client that traces does.
func (f *fleet) submitTraced(plates []string, traceparent string) string {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.url+"/v1/batches?provider=attestr", strings.NewReader("plate\n"+strings.Join(plates, "\n")))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Traceparent", traceparent)
	r.Header.Set("Tracestate", "vendor="+plates[0])
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&b); err != nil || resp.StatusCode != http.StatusCreated {
		f.t.Fatalf("status %d: %v", resp.StatusCode, err)
	}
	return b.ID
}

// TestARunIsTraced: the command waits for the collector to take its last spans.
func TestARunIsTraced(t *testing.T) {
	t.Parallel()
	c := tracetest.Start(t)
	d := newDesk(t, standIn(t, sim.Fast()), "PLATEQ_TRACES_URL="+c.URL)
	if sum, code := d.run(t.Context(), d.runOptions(d.list("in.csv", plates(3)), "out.csv")); code != app.ExitOK && code != app.ExitPartial {
		t.Fatalf("code %d: %+v", code, sum)
	}
	of := map[string]int{}
	for _, s := range c.Spans() {
		of[s.Name]++
	}
	for _, name := range []string{"take list", "chunk:send", "attestr/submit", "settle"} {
		if of[name] == 0 {
			t.Errorf("there is no span %s among %v", name, of)
		}
	}
}
