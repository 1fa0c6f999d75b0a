package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// exportTimeout bounds one export, and how long the last one may keep a process
// from its end.
const exportTimeout = 5 * time.Second

// Options say where spans go.
type Options struct {
	// URL is the collector's, as http://127.0.0.1:4318, and may be in the log.
	// Without a path it is that of the protocol, /v1/traces.
	URL string
	// Headers go with each export; they may be secret.
	Headers map[string]string
	// Share is which part of the traces that begin here is told of, 0 to 1.
	// Those that a client began are told of where the client says so.
	Share float64
	// Version and Instance describe the process.
	Version, Instance string
	Log               zerolog.Logger
}

// Tracer opens spans. It implements jobs.Tracer and api.Tracer. Methods are safe
// for concurrent use and never wait: where the collector is slow, spans are
// dropped.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// New returns a Tracer. It does not look for the collector. Close it.
func New(ctx context.Context, o Options) (*Tracer, error) {
	at, err := endpoint(o.URL)
	if err != nil {
		return nil, err
	}
	out, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(at), otlptracehttp.WithHeaders(o.Headers), otlptracehttp.WithTimeout(exportTimeout))
	if err != nil {
		return nil, fmt.Errorf("trace to %s: %w", at, err)
	}
	about := resource.NewSchemaless(attribute.String("service.name", "plateq"),
		attribute.String("service.version", o.Version), attribute.String("service.instance.id", o.Instance))
	p := sdk.NewTracerProvider(
		sdk.WithBatcher(&told{SpanExporter: out, log: o.Log}),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.Share))),
		sdk.WithResource(about),
	)
	return &Tracer{provider: p, tracer: p.Tracer("plateq")}, nil
}

// endpoint completes the collector's URL.
func endpoint(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", errors.New("trace: the collector's URL cannot be read")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}

// Close sends what is left, as long as ctx lasts.
func (t *Tracer) Close(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last spans: %w", err)
	}
	return nil
}

// told is an exporter whose failures are ours to tell of, once until it works
// again: OpenTelemetry would write them to standard error.
type told struct {
	sdk.SpanExporter
	log    zerolog.Logger
	failed bool // exports come one after the other
}

// ExportSpans implements sdk.SpanExporter.
func (e *told) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err != nil && !e.failed {
		e.log.Warn().Err(err).Msg("the collector takes no spans: they are dropped until it does")
	}
	e.failed = err != nil
	return nil
}
