package providers

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"
)

// sent watches whether a request made under its context has begun to leave:
// headers on a connection that stands. Before that the provider cannot have
// accepted anything.
type sent struct{ begun atomic.Bool }

// watch returns a context whose requests are seen by s.
func (s *sent) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { s.begun.Store(true) },
	})
}

// submit calls p.Submit and holds its verdict against what was seen on the
// wire: what never left is not Ambiguous, and a panic is an error.
func submit(ctx context.Context, p Provider, reqs []Request) (outs []Outcome, err error) {
	var s sent
	defer func() {
		if r := recover(); r != nil {
			outs, err = nil, panicError(r, s.begun.Load())
		}
	}()
	outs, err = p.Submit(s.watch(ctx), reqs)
	if err != nil && !s.begun.Load() {
		err = notSent(err)
	}
	return outs, err
}

func poll(ctx context.Context, p Poller, t Ticket, open []Request) (got Progress, err error) {
	var s sent
	defer func() {
		if r := recover(); r != nil {
			got, err = Progress{}, panicError(r, true)
		}
	}()
	return p.Poll(s.watch(ctx), t, open)
}

// panicError judges a panic. The value is left out of the text: it may quote
// the plate or the body that our code fell over.
func panicError(r any, begun bool) *Error {
	cause := fmt.Errorf("panic of type %T", r)
	if begun {
		return &Error{Class: Ambiguous, Code: "panic", Err: cause}
	}
	return &Error{Class: Poison, Code: "panic", Err: cause}
}

func notSent(err error) error {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok || e.Class == 0:
		return &Error{Class: Unavailable, Code: "not_sent", Err: Redact(err)}
	case e.Class == Ambiguous:
		c := *e
		c.Class = Unavailable
		return &c
	default:
		return err
	}
}
