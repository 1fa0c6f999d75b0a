package tracing_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/tracetest"
	"github.com/plateq/plateq/internal/tracing"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

const (
	theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent = "00-" + theirs + "-00f067aa0ba902b7-01"
)

// open returns a tracer to c, and what ends it.
func open(t *testing.T, c *tracetest.Collector, o tracing.Options) (*tracing.Tracer, func()) {
	t.Helper()
	o.URL, o.Version, o.Instance = c.URL, "v0", "here"
	tr, err := tracing.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return tr, sync.OnceFunc(func() {
		if err := tr.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestASpanCrossesATask(t *testing.T) {
	t.Parallel()
	c := tracetest.Start(t)
	tr, end := open(t, c, tracing.Options{Share: 1})
	ctx, rung := tr.Begin(t.Context(), jobs.Span{Name: "ring", Kind: jobs.Rings, Provider: "attestr", Chunk: 7, Asks: 3})
	headers := tr.Carry(ctx)
	rung(nil)
	ctx, done := tr.Begin(tr.Carried(t.Context(), headers), jobs.Span{Name: "work", Kind: jobs.Answers})
	tr.Note(ctx, jobs.Span{Call: 9})
	done(&providers.Error{Class: providers.OutOfCredit, Message: "CANARY"})
	end()
	spans := c.Spans()
	if len(spans) != 2 {
		t.Fatalf("%d spans, want 2: %+v", len(spans), spans)
	}
	ring, work := spans[0], spans[1]
	want := tracetest.Span{Name: "ring", Trace: ring.Trace, ID: ring.ID, Kind: "producer", Instance: "here",
		Attributes: map[string]string{"plateq.provider": "attestr", "plateq.chunk": "7", "plateq.asks": "3"}}
	if diff := cmp.Diff(want, ring); diff != "" {
		t.Errorf("ring (-want +got):\n%s", diff)
	}
	class := providers.OutOfCredit.String()
	want = tracetest.Span{Name: "work", Trace: ring.Trace, ID: work.ID, Parent: ring.ID, Kind: "consumer", Failed: true, Instance: "here",
		Attributes: map[string]string{"plateq.call": "9", "error.type": class}}
	if diff := cmp.Diff(want, work); diff != "" {
		t.Errorf("work (-want +got):\n%s", diff)
	}
	if c.Holds("CANARY") {
		t.Error("what the provider wrote is told of")
	}
}

func TestAListIsOneTraceUnlessItIsLong(t *testing.T) {
	t.Parallel()
	c := tracetest.Start(t)
	tr, end := open(t, c, tracing.Options{Share: 1})
	for _, rows := range []int{jobs.OneTrace, jobs.OneTrace + 1} {
		_, done := tr.Begin(t.Context(), jobs.Span{Name: "ring", List: store.Trace{Parent: parent, Rows: rows}})
		done(nil)
	}
	end()
	short, long := c.Spans()[0], c.Spans()[1]
	if short.Trace != theirs || short.Parent == "" || len(short.Links) != 0 {
		t.Errorf("of a short list: %+v, want the trace of its request", short)
	}
	if long.Trace == theirs || len(long.Links) != 1 || long.Links[0] != theirs {
		t.Errorf("of a long list: %+v, want a trace with a link to the request", long)
	}
}

func TestWhatIsNoTraceparentIsPassedOver(t *testing.T) {
	t.Parallel()
	c := tracetest.Start(t)
	tr, end := open(t, c, tracing.Options{Share: 1})
	for _, bad := range []string{"", "x", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", "ff" + parent[2:], strings.Repeat("a", 1<<16)} {
		if id := tr.ID(tr.Carried(t.Context(), map[string]string{"traceparent": bad})); id != "" {
			t.Errorf("%.60q is of trace %s", bad, id)
		}
	}
	end()
}

func TestARequestIsTakenOverByItsIDsAlone(t *testing.T) {
	t.Parallel()
	c := tracetest.Start(t)
	tr, end := open(t, c, tracing.Options{Share: 1, Headers: map[string]string{"X-Key": "k1"}})
	r := httptest.NewRequest(http.MethodGet, "/v1/batches/CANARY?q=CANARY", http.NoBody)
	r.Header.Set("Traceparent", parent)
	r.Header.Set("Tracestate", "vendor=CANARY")
	r.Header.Set("Baggage", "plate=CANARY")
	r.Header.Set("User-Agent", "CANARY")
	ctx, ended := tr.Request(r, r.Method)
	if got := tr.Parent(ctx); !strings.HasPrefix(got, "00-"+theirs) {
		t.Errorf("parent %s, want one of trace %s", got, theirs)
	}
	ended("GET /v1/batches/{id}", http.StatusBadGateway)
	end()
	got := c.Spans()[0]
	want := tracetest.Span{Name: "GET /v1/batches/{id}", Trace: theirs, ID: got.ID, Parent: "00f067aa0ba902b7", Kind: "server", Failed: true, Instance: "here",
		Attributes: map[string]string{"http.request.method": "GET", "http.route": "/v1/batches/{id}", "http.response.status_code": "502"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("span (-want +got):\n%s", diff)
	}
	if c.Holds("CANARY") {
		t.Error("more than the ids of a request is told of")
	}
	if got := c.Headers().Get("X-Key"); got != "k1" {
		t.Errorf("the collector's header is %q", got)
	}
}

func TestOnlyAShareIsToldOf(t *testing.T) {
	t.Parallel()
	c := tracetest.Start(t)
	tr, end := open(t, c, tracing.Options{Share: 0})
	_, done := tr.Begin(t.Context(), jobs.Span{Name: "ours"})
	done(nil)
	ctx := tr.Carried(t.Context(), map[string]string{"traceparent": parent})
	_, done = tr.Begin(ctx, jobs.Span{Name: "theirs"})
	done(nil)
	end()
	if spans := c.Spans(); len(spans) != 1 || spans[0].Name != "theirs" {
		t.Errorf("%+v, want that which a client wants told", spans)
	}
}

func TestACollectorThatRefusesIsToldOfOnce(t *testing.T) {
	t.Parallel()
	c := tracetest.Start(t)
	c.Refuse(true)
	var lines bytes.Buffer
	tr, end := open(t, c, tracing.Options{Share: 1, Log: zerolog.New(&lines), Headers: map[string]string{"X-Key": "CANARY"}})
	for range 2000 { // several exports
		_, done := tr.Begin(t.Context(), jobs.Span{Name: "x"})
		done(errors.New("CANARY"))
	}
	end()
	if n := strings.Count(lines.String(), "takes no spans"); n != 1 {
		t.Errorf("told of %d times, want once:\n%s", n, &lines)
	}
	if strings.Contains(lines.String(), "CANARY") {
		t.Errorf("a header or an error is in the log: %s", &lines)
	}
}

func TestNothingIsTracedToWhereThereIsNone(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "://", "localhost"} {
		if _, err := tracing.New(t.Context(), tracing.Options{URL: bad}); err == nil {
			t.Errorf("%q is taken for a collector", bad)
		}
	}
}

// OpenTelemetry writes down what a span's end finds a panic was raised with.
func TestAPanicIsNotQuoted(t *testing.T) {
	t.Parallel()
	c := tracetest.Start(t)
	tr, end := open(t, c, tracing.Options{Share: 1})
	func() {
		defer func() { _ = recover() }()
		_, done := tr.Begin(t.Context(), jobs.Span{Name: "x"})
		defer done(nil)
		panic("CANARY")
	}()
	end()
	if len(c.Spans()) != 1 || c.Holds("CANARY") {
		t.Errorf("%+v, want one span that does not quote the panic", c.Spans())
	}
}
