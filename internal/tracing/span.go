package tracing

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
)

// header is where W3C Trace Context keeps the ids of a span. Its tracestate is
// text of others and is not taken over.
const header = "traceparent"

var kinds = map[jobs.SpanKind]trace.SpanKind{
	jobs.Internal: trace.SpanKindInternal, jobs.Rings: trace.SpanKindProducer,
	jobs.Answers: trace.SpanKindConsumer, jobs.Asks: trace.SpanKindClient,
}

// Begin implements jobs.Tracer.
func (t *Tracer) Begin(ctx context.Context, s jobs.Span) (context.Context, func(error)) {
	opts := []trace.SpanStartOption{trace.WithSpanKind(kinds[s.Kind]), trace.WithAttributes(attributes(s)...)}
	if list := parsed(s.List.Parent); list.IsValid() {
		link := list
		if s.List.Rows <= jobs.OneTrace {
			link = trace.SpanContextFromContext(ctx)
			ctx = trace.ContextWithRemoteSpanContext(ctx, list)
		}
		if link.IsValid() {
			opts = append(opts, trace.WithLinks(trace.Link{SpanContext: link}))
		}
	}
	ctx, span := t.tracer.Start(ctx, s.Name, opts...)
	return ctx, func(err error) {
		if err != nil {
			class := "error" // what it says may quote anything
			if e, ok := errors.AsType[*providers.Error](err); ok {
				class = e.Class.String()
			}
			span.SetStatus(codes.Error, class)
			span.SetAttributes(attribute.String("error.type", class))
		}
		span.End()
	}
}

func attributes(s jobs.Span) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, 5)
	text := func(k, v string) {
		if v != "" {
			all = append(all, attribute.String(k, v))
		}
	}
	number := func(k string, v int64) {
		if v != 0 {
			all = append(all, attribute.Int64(k, v))
		}
	}
	text("plateq.provider", s.Provider)
	number("plateq.chunk", int64(s.Chunk))
	number("plateq.call", int64(s.Call))
	number("plateq.ticket", int64(s.Ticket))
	number("plateq.asks", int64(s.Asks))
	return all
}

// Note implements jobs.Tracer.
func (t *Tracer) Note(ctx context.Context, s jobs.Span) {
	trace.SpanFromContext(ctx).SetAttributes(attributes(s)...)
}

// Carry implements jobs.Tracer.
func (t *Tracer) Carry(ctx context.Context) map[string]string {
	if parent := t.Parent(ctx); parent != "" {
		return map[string]string{header: parent}
	}
	return nil
}

// Carried implements jobs.Tracer.
func (t *Tracer) Carried(ctx context.Context, headers map[string]string) context.Context {
	if parent := parsed(headers[header]); parent.IsValid() {
		return trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	return ctx
}

// Parent returns the span of ctx as a traceparent; empty: it has none.
func (t *Tracer) Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[header]
}

// ID implements jobs.Tracer and api.Tracer.
func (t *Tracer) ID(ctx context.Context) string {
	if s := trace.SpanContextFromContext(ctx); s.HasTraceID() {
		return s.TraceID().String()
	}
	return ""
}

// parsed reads a traceparent; one that is none makes an invalid span.
func parsed(parent string) trace.SpanContext {
	if parent == "" {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{header: parent})
	return trace.SpanContextFromContext(ctx)
}

// Request implements api.Tracer.
func (t *Tracer) Request(r *http.Request, method string) (context.Context, func(route string, status int)) {
	ctx := t.Carried(r.Context(), map[string]string{header: r.Header.Get(header)})
	ctx, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.request.method", method)))
	return ctx, func(route string, status int) {
		if route != "" {
			span.SetName(route)
			_, path, _ := strings.Cut(route, " ")
			span.SetAttributes(attribute.String("http.route", path))
		}
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
