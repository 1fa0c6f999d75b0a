package providers

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
)

// sent watches whether a request made under its context may have begun to
// leave: that is so from just before its first byte is written.
type sent struct {
	around *sent // who watches all requests of a call; may be nil
	begun  atomic.Bool
	again  atomic.Bool // on a connection that has carried another request
}

type sentKey struct{}

// within returns a context whose requests that go through a Client are seen by
// s.
func (s *sent) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, sentKey{}, s)
}

// watch returns what sees one request under ctx, and tells who is around it.
func watch(ctx context.Context) *sent {
	around, _ := ctx.Value(sentKey{}).(*sent)
	return &sent{around: around}
}

// begin notes that the request is about to be written.
func (s *sent) begin(again bool) {
	s.begun.Store(true)
	s.again.Store(again)
	if s.around != nil {
		s.around.begun.Store(true)
	}
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
