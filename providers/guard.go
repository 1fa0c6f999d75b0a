package providers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// sent watches whether a request made under its context may have begun to
// leave. It errs on the safe side: from the moment at which a connection
// stands (TLS included) and is given to the request, net/http may write to it
// at any time, even while a cancelled call returns.
type sent struct {
	begun atomic.Bool
	again atomic.Bool // on a connection that has carried another request
}

type sentKey struct{}

// within returns a context whose requests that go through a Client are seen by
// s.
func (s *sent) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, sentKey{}, s)
}

// watch returns the context of one request, which s sees, and so does who is
// around it. It traces the request once: net/http puts traces on top of each
// other by reflection.
func (s *sent) watch(ctx context.Context) context.Context {
	around, _ := ctx.Value(sentKey{}).(*sent)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) {
			s.begun.Store(true)
			s.again.Store(c.Reused)
			if around != nil {
				around.begun.Store(true)
			}
		},
	})
}

// submit calls p.Submit and turns a panic into an error. An error that p did
// not judge stays without a class: that nothing was seen on the wire proves
// nothing about code that did not use a Client.
func submit(ctx context.Context, p Provider, reqs []Request) (outs []Outcome, err error) {
	var s sent
	defer func() {
		if r := recover(); r != nil {
			outs, err = nil, panicError(r, s.begun.Load())
		}
	}()
	return p.Submit(s.within(ctx), reqs)
}

// guardPoll is submit for polls; a panic there is Ambiguous, as it settles
// nothing.
func guardPoll(poll func() (Progress, error)) (got Progress, err error) {
	defer func() {
		if r := recover(); r != nil {
			got, err = Progress{}, panicError(r, true)
		}
	}()
	return poll()
}

// parts is submit for a look at the parts of a ticket; where that panics the
// ticket is read as a whole.
func parts(p PartPoller, t Ticket) (all []Part) {
	defer func() {
		if r := recover(); r != nil {
			all = nil
		}
	}()
	return p.Parts(t)
}

// readCallback is submit for webhooks, which send nothing.
func readCallback(r CallbackReader, h http.Header, body []byte) (hints []Hint, err error) {
	defer func() {
		if v := recover(); v != nil {
			hints, err = nil, panicError(v, false)
		}
	}()
	return r.ReadCallback(h, body)
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
