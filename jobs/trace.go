package jobs

import (
	"context"

	"github.com/plateq/plateq/store"
)

// Tracer is told how what is done hangs together. Its methods are safe for
// concurrent use, and must not wait.
type Tracer interface {
	// Begin opens a span within the one of ctx and returns ctx with it. end
	// closes it, with the error that it ended by; of that only the class is told.
	Begin(ctx context.Context, s Span) (_ context.Context, end func(error))
	// Note adds to the span of ctx what is known by now.
	Note(ctx context.Context, s Span)
	// Carry returns the span of ctx as headers of a task; nil: there is none.
	Carry(ctx context.Context) map[string]string
	// Carried returns ctx within the span that the headers of a task name.
	Carried(ctx context.Context, headers map[string]string) context.Context
	// ID returns the id of the trace of ctx; empty: there is none.
	ID(ctx context.Context) string
}

// Span says what is done. What is zero is not known.
type Span struct {
	Name string
	Kind SpanKind
	// List makes the span one of the trace of a list, if that has at most
	// OneTrace rows. Of a longer one it has a link to that trace.
	List     store.Trace
	Provider string
	Chunk    store.ChunkID
	Call     store.CallID
	Ticket   store.TicketID
	Asks     int
}

// SpanKind says which part a span has in the way of a task or a request.
type SpanKind int

// The kinds of spans.
const (
	Internal SpanKind = iota
	Rings             // hangs a task
	Answers           // works a task off
	Asks              // makes a request to a provider
)

// OneTrace is how long a list may be that has all its work in the trace of the
// request that brought it. That of a longer one would be of no use to anybody.
const OneTrace = 1000

// noTracer is a Tracer of which nobody wants to know.
type noTracer struct{}

func nothingEnds(error) {}

// Begin implements Tracer.
func (noTracer) Begin(ctx context.Context, _ Span) (context.Context, func(error)) {
	return ctx, nothingEnds
}

// Note implements Tracer.
func (noTracer) Note(context.Context, Span) {}

// Carry implements Tracer.
func (noTracer) Carry(context.Context) map[string]string { return nil }

// Carried implements Tracer.
func (noTracer) Carried(ctx context.Context, _ map[string]string) context.Context { return ctx }

// ID implements Tracer.
func (noTracer) ID(context.Context) string { return "" }
