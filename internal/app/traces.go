package app

import (
	"context"
	"errors"
	"time"

	"github.com/plateq/plateq/internal/tracing"
	"github.com/plateq/plateq/jobs"
)

// lastSpans is how long the end of a process waits for the collector.
const lastSpans = 5 * time.Second

// openTraces begins to tell a collector how things hang together, where one is
// configured.
func (a *App) openTraces(ctx context.Context) error {
	c := a.opts.Config
	if c.TracesURL == "" || a.parts == Books {
		return nil
	}
	headers, err := c.TracesHeaders()
	if err != nil {
		return Usage(errors.New("PLATEQ_TRACES_HEADERS: " + err.Error())) // it was checked
	}
	a.tracer, err = tracing.New(ctx, tracing.Options{
		URL: c.TracesURL.Reveal(), Headers: headers, Share: c.TracesShare, Version: Version(), Instance: string(a.id), Log: a.log,
	})
	if err != nil {
		return Usage(err)
	}
	a.closers = append(a.closers, func() error {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
		defer cancel()
		if err := a.tracer.Close(last); err != nil {
			a.log.Warn().Err(err).Msg("the last spans are lost")
		}
		return nil
	})
	return nil
}

// jobsTracer is the tracer as jobs take it; nil: nobody traces.
func (a *App) jobsTracer() jobs.Tracer {
	if a.tracer == nil {
		return nil
	}
	return a.tracer
}

// traced opens a span for what a command does. parent is its traceparent.
func (a *App) traced(ctx context.Context, name string) (_ context.Context, end func(error), parent string) {
	if a.tracer == nil {
		return ctx, func(error) {}, ""
	}
	ctx, end = a.tracer.Begin(ctx, jobs.Span{Name: name})
	return ctx, end, a.tracer.Parent(ctx)
}
