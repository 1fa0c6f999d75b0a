// Package tracetest is a collector of OpenTelemetry for tests: it takes spans
// over HTTP as any does, and keeps them.
package tracetest

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is one as it was told of. Ids are in hex.
type Span struct {
	Name, Trace, ID, Parent string
	Kind                    string // "server", "producer", "consumer", "client" or "internal"
	Links                   []string
	Failed                  bool
	Attributes              map[string]string
	Instance                string // that told of it
}

// Collector takes spans. Its methods are safe for concurrent use.
type Collector struct {
	// URL is what processes are to be given.
	URL string

	mu      sync.Mutex
	spans   []Span
	raw     []byte
	headers http.Header
	refuse  bool
	came    chan struct{} // closed with the next export
}

// Start returns a collector that ends with the test.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{came: make(chan struct{})}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	c.URL = srv.URL
	return c
}

// ServeHTTP takes an export.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var export collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &export)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() {
		close(c.came)
		c.came = make(chan struct{})
	}()
	switch {
	case c.refuse:
		w.WriteHeader(http.StatusForbidden)
		return
	case err != nil || r.URL.Path != "/v1/traces":
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.raw, c.headers = append(c.raw, body...), r.Header.Clone()
	for _, of := range export.GetResourceSpans() {
		instance := texts(of.GetResource().GetAttributes())["service.instance.id"]
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, read(s, instance))
			}
		}
	}
}

var kinds = map[otlp.Span_SpanKind]string{
	otlp.Span_SPAN_KIND_SERVER: "server", otlp.Span_SPAN_KIND_PRODUCER: "producer",
	otlp.Span_SPAN_KIND_CONSUMER: "consumer", otlp.Span_SPAN_KIND_CLIENT: "client", otlp.Span_SPAN_KIND_INTERNAL: "internal",
}

func read(s *otlp.Span, instance string) Span {
	got := Span{
		Name: s.GetName(), Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		Kind: kinds[s.GetKind()], Failed: s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR, Attributes: texts(s.GetAttributes()), Instance: instance,
	}
	for _, l := range s.GetLinks() {
		got.Links = append(got.Links, hex.EncodeToString(l.GetTraceId()))
	}
	return got
}

func texts(all []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range all {
		m[kv.GetKey()] = value(kv.GetValue())
	}
	return m
}

// Refuse makes the collector take nothing, or take everything again.
func (c *Collector) Refuse(refuse bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = refuse
}

// Spans returns what came.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Headers returns those of the last export.
func (c *Collector) Headers() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers
}

// Holds reports whether text is anywhere in what came.
func (c *Collector) Holds(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Contains(c.raw, []byte(text))
}

// Await waits until enough is true of the spans that came, and returns these.
func (c *Collector) Await(t testing.TB, what string, enough func([]Span) bool) []Span {
	t.Helper()
	late := time.After(time.Minute)
	for {
		c.mu.Lock()
		spans, came := append([]Span(nil), c.spans...), c.came
		c.mu.Unlock()
		if enough(spans) {
			return spans
		}
		select {
		case <-came:
		case <-late:
			for _, s := range spans {
				t.Logf("%s %s of %s by %s", s.Trace, s.Name, s.Parent, s.Instance)
			}
			t.Fatalf("waited for %s in vain", what)
		}
	}
}
