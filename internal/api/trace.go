package api

import (
	"context"
	"net/http"
)

// Tracer is told how what is done hangs together. Its methods are safe for
// concurrent use, and must not wait.
type Tracer interface {
	// Request opens the span of a request, within the one that its client names.
	// method is that of the request, or a word that stands for one that HTTP has
	// not. end closes it, with the pattern of the route, or "", and the status.
	Request(r *http.Request, method string) (_ context.Context, end func(route string, status int))
	// Parent returns the span of ctx as a traceparent; empty: there is none.
	Parent(ctx context.Context) string
	// ID returns the id of the trace of ctx; empty: there is none.
	ID(ctx context.Context) string
}

// noTracer is a Tracer of which nobody wants to know.
type noTracer struct{}

// Request implements Tracer.
func (noTracer) Request(r *http.Request, _ string) (context.Context, func(string, int)) {
	return r.Context(), func(string, int) {}
}

// Parent implements Tracer.
func (noTracer) Parent(context.Context) string { return "" }

// ID implements Tracer.
func (noTracer) ID(context.Context) string { return "" }

// traced opens the span of a request. Those that only ask whether the process
// is there come all the time, and have none.
func (s *server) traced(r *http.Request) (context.Context, func(route string, status int)) {
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return noTracer{}.Request(r, "")
	}
	return s.Tracer.Request(r, MethodOf(r))
}
