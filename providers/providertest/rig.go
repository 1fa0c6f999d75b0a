package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/plateq/plateq/providers"
)

// rig is a provider in front of an upstream whose answers can be changed.
type rig struct {
	testing.TB
	h        Harness
	provider providers.Provider
	set      *providers.Set
	spec     providers.Spec
	url      string
	handler  atomic.Pointer[http.Handler]
	requests atomic.Int64
}

func newRig(t testing.TB, h Harness) *rig {
	t.Helper()
	b := &rig{TB: t, h: h}
	b.serve(h.Happy())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.requests.Add(1)
		(*b.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	b.url = srv.URL
	b.renew()
	return b
}

// renew puts a new provider, which knows nothing of the last, in its place.
func (b *rig) renew() {
	b.Helper()
	b.provider = b.h.New(b.TB, b.url)
	b.spec = b.provider.Spec()
	var err error
	if b.set, err = providers.NewSet(b.provider); err != nil {
		b.Fatalf("got %v, want a spec that a set takes", err)
	}
}

func (b *rig) serve(h http.Handler) { b.handler.Store(&h) }

func (b *rig) serveFunc(f http.HandlerFunc) { b.serve(f) }

// submit sends all requests and checks the form of what comes back.
func (b *rig) submit(ctx context.Context) []providers.Outcome {
	b.Helper()
	outs, err := b.set.Submit(ctx, b.spec.Name, b.h.Requests)
	if err != nil {
		b.Fatalf("submit: got %v, want outcomes", err)
	}
	for i, o := range outs {
		if o.Ref != b.h.Requests[i].Ref {
			b.Errorf("outcome %d: got ref %q, want %q", i, o.Ref, b.h.Requests[i].Ref)
		}
		b.checkText(o.Err)
		b.checkReadings(o)
	}
	return outs
}

// wantAll submits and wants every outcome to be of that class.
func (b *rig) wantAll(ctx context.Context, what string, want providers.Class) {
	b.Helper()
	for _, o := range b.submit(ctx) {
		if got := classOf(o); got != want {
			b.Errorf("%s: got %v for %q (%v), want %v", what, got, o.Ref, o.Err, want)
		}
	}
}

// ticket submits against Happy and returns the ticket of the first request.
// False: the provider answers at once.
func (b *rig) ticket() (providers.Ticket, bool) {
	b.Helper()
	if !b.spec.Pending {
		return providers.Ticket{}, false
	}
	b.serve(b.h.Happy())
	for _, o := range b.submit(b.Context()) {
		if o.Ticket != nil {
			return *o.Ticket, true
		}
	}
	b.Fatal("submit: got no ticket, want one of a provider whose spec says Pending")
	return providers.Ticket{}, false
}

func (b *rig) poll(t providers.Ticket) (providers.Progress, error) {
	b.Helper()
	return b.pollUnder(b.Context(), t)
}

func (b *rig) pollUnder(ctx context.Context, t providers.Ticket) (providers.Progress, error) {
	b.Helper()
	got, err := b.set.Poll(ctx, b.spec.Name, t, b.h.Requests)
	b.checkText(err)
	return got, err
}

// checkReadings wants figures that can be told apart and added up.
func (b *rig) checkReadings(o providers.Outcome) {
	b.Helper()
	fits := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' }
	seen := map[string]bool{}
	for _, r := range o.Readings {
		if r.Name == "" || strings.TrimFunc(r.Name, fits) != "" || seen[r.Name] || !r.Gauge && r.Value < 0 {
			b.Errorf("%s: got reading %+v, want each name once, in lower case, and no count below 0", o.Ref, r)
		}
		seen[r.Name] = true
	}
}

// maxPolls is after how many polls Happy must have answered everything.
const maxPolls = 100

// finish polls until all requests of outs are final, and returns what became
// of each Ref; between is called after each poll with the ticket that it
// brought, and returns the one to go on with.
func (b *rig) finish(outs []providers.Outcome, between func(providers.Ticket) providers.Ticket) map[string]providers.Outcome {
	b.Helper()
	ended := map[string]providers.Outcome{}
	waiting := map[string][]providers.Request{} // by ticket
	tickets := map[string]providers.Ticket{}
	for i, o := range outs {
		if o.Ticket == nil {
			ended[o.Ref] = o
			continue
		}
		tickets[o.Ticket.ID] = *o.Ticket
		waiting[o.Ticket.ID] = append(waiting[o.Ticket.ID], b.h.Requests[i])
	}
	for id, open := range waiting {
		for range maxPolls {
			got, err := b.set.Poll(b.Context(), b.spec.Name, tickets[id], open)
			if err != nil {
				b.Errorf("poll: got %v, want progress", err)
				return ended
			}
			for _, o := range got.Outcomes {
				b.checkReadings(o)
				ended[o.Ref] = o
			}
			open = without(open, got.Outcomes)
			if len(open) == 0 {
				break
			}
			tickets[id] = between(got.Ticket)
		}
	}
	return ended
}

// wantHappy wants the requests to have ended as the harness says.
func (b *rig) wantHappy(ended map[string]providers.Outcome) {
	b.Helper()
	got := make(map[string]providers.Class, len(ended))
	for ref, o := range ended {
		got[ref] = classOf(o)
	}
	if !maps.Equal(got, b.h.Want) {
		b.Errorf("got %v, want %v", got, b.h.Want)
	}
}

// same leaves a ticket as it is.
func same(t providers.Ticket) providers.Ticket { return t }

func without(open []providers.Request, outs []providers.Outcome) []providers.Request {
	done := map[string]bool{}
	for _, o := range outs {
		done[o.Ref] = true
	}
	var left []providers.Request
	for _, r := range open {
		if !done[r.Ref] {
			left = append(left, r)
		}
	}
	return left
}

// ticketClass stands for an outcome that is a ticket.
const ticketClass = providers.Class(255)

func classOf(o providers.Outcome) providers.Class {
	if o.Ticket != nil {
		return ticketClass
	}
	return errorClass(o.Err)
}

func errorClass(err error) providers.Class {
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return e.Class
	}
	return 0
}

// checkText wants err, and all that it wraps, to be safe to log.
func (b *rig) checkText(err error) {
	b.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err)} {
			for _, secret := range b.secrets() {
				if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
					b.Errorf("text of the error holds %q: %s", secret, text)
				}
			}
		}
	}
}

func (b *rig) secrets() []string {
	all := append([]string{b.url}, b.h.Secrets...)
	for _, r := range b.h.Requests {
		for _, v := range r.Subject {
			all = append(all, v)
		}
	}
	return all
}

// roundTrip returns t as it comes back from bytes.
func roundTrip(t testing.TB, ticket providers.Ticket) providers.Ticket {
	t.Helper()
	b, err := json.Marshal(ticket)
	if err != nil {
		t.Fatal(err)
	}
	var back providers.Ticket
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	return back
}
