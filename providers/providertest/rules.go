package providertest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/plateq/plateq/providers"
)

func specAgrees(t testing.TB, h Harness) {
	b := newRig(t, h) // a set refuses what disagrees with the methods
	s := b.spec
	if s.Title == "" || s.Answers == "" || len(s.Countries) == 0 || len(s.Results) == 0 {
		t.Errorf("got %+v, want title, answers, countries and result fields for people to read", s)
	}
	if word := map[bool]string{true: "yes", false: "no"}[s.Repeatable(nil)]; !strings.HasPrefix(s.Repeats, word) {
		t.Errorf("got Repeats %q, want it to begin with %q as FreeRepeat answers", s.Repeats, word)
	}
	again := b.provider.Spec()
	s.FreeRepeat, again.FreeRepeat = nil, nil
	s.Service, again.Service = nil, nil
	if !reflect.DeepEqual(s, again) {
		t.Errorf("got another spec at the second call:\n%+v\n%+v", s, again)
	}
	if len(h.Requests) == 0 || len(h.Requests) > s.MaxBatch || len(h.Requests) < min(2, s.MaxBatch) {
		t.Fatalf("harness: got %d requests, want 2 up to MaxBatch", len(h.Requests))
	}
	for _, r := range h.Requests {
		if kept := r.Subject.Keep(s.Uses); !maps.Equal(kept, r.Subject) {
			t.Errorf("harness: request %q has columns that the spec does not use", r.Ref)
		}
		if kept := r.Subject.Keep(s.Needs); len(kept) != len(s.Needs) {
			t.Errorf("harness: request %q lacks a column that the spec needs", r.Ref)
		}
		if asked, unfilled := s.Asked(r.Subject); len(unfilled) > 0 || !maps.Equal(asked, r.Subject) {
			t.Errorf("harness: request %q does not fill each choice of the spec in one way", r.Ref)
		}
	}
}

func oneOutcomeEach(t testing.TB, h Harness) {
	b := newRig(t, h)
	outs, err := b.provider.Submit(t.Context(), h.Requests)
	if err != nil {
		t.Fatal(err)
	}
	if len(outs) != len(h.Requests) {
		t.Fatalf("got %d outcomes, want %d", len(outs), len(h.Requests))
	}
	for i, o := range b.submit(t.Context()) {
		if c := classOf(o); c != ticketClass && c != h.Want[o.Ref] {
			t.Errorf("outcome %d: got %v, want a ticket or how the request ends", i, o.Err)
		}
	}
}

func happyEnds(t testing.TB, h Harness) {
	b := newRig(t, h)
	b.wantHappy(b.finish(b.submit(t.Context()), same))
}

// fieldsNamed looks at the outer fields: what is inside of one may be a list.
func fieldsNamed(t testing.TB, h Harness) {
	b := newRig(t, h)
	named := map[string]bool{}
	for _, name := range b.spec.Results {
		outer, _, _ := strings.Cut(name, ".")
		named[outer] = true
	}
	records := 0
	for ref, o := range b.finish(b.submit(t.Context()), same) {
		if o.Record == nil {
			continue
		}
		records++
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(o.Record.Result, &fields); err != nil || fields == nil {
			t.Errorf("%s: got result %s, want a JSON object", ref, o.Record.Result)
		}
		if !json.Valid(o.Record.Raw) {
			t.Errorf("%s: got raw %s, want JSON", ref, o.Record.Raw)
		}
		for name := range fields {
			if !named[name] {
				t.Errorf("%s: got field %q, want those of the spec, %q", ref, name, b.spec.Results)
			}
		}
	}
	if records == 0 {
		t.Error("harness: got no record, want one to look at")
	}
}

func codesLand(t testing.TB, h Harness) {
	b := newRig(t, h)
	for _, c := range h.Codes {
		var errs []error
		answer := func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), c.Header)
			w.WriteHeader(c.Status)
			_, _ = w.Write([]byte(c.Body))
		}
		if c.Poll {
			ticket, _ := b.ticket()
			b.serveFunc(answer)
			_, err := b.poll(ticket)
			errs = append(errs, err)
		} else {
			b.serveFunc(answer)
			for _, o := range b.submit(t.Context()) {
				errs = append(errs, o.Err)
			}
		}
		for _, err := range errs {
			b.wantCode(c, err)
		}
	}
}

func (b *rig) wantCode(c Code, err error) {
	b.Helper()
	e, ok := err.(*providers.Error) //nolint:errorlint // a set gives nothing else
	scope := c.Scope
	if scope == "" {
		scope = b.spec.Name
	}
	if !ok || e.Class != c.Class || e.Scope != scope || c.Code != "" && e.Code != c.Code {
		b.Errorf("%s: got %+v, want class %v, scope %q, code %q", c.Name, err, c.Class, scope, c.Code)
	}
}

// statusFloor: a status by itself may be a proxy's word.
func statusFloor(t testing.TB, h Harness) {
	b := newRig(t, h)
	for _, body := range []string{"", "{}", "null", "[]", "<html>sorry</html>"} {
		for status := 100; status < 600; status++ {
			if body != "" && status%100 != 0 && status != 404 && status != 429 {
				continue // every status once, and each kind of body with some
			}
			b.serveFunc(plainly(status, body))
			b.wantAll(t.Context(), fmt.Sprintf("status %d, body %q", status, body), h.bare(status))
		}
	}
	if len(h.Bare) > 0 && !b.spec.Repeatable(nil) {
		t.Errorf("harness: got statuses %v to be believed, want none where a repeat may cost money", h.Bare)
	}
}

// bare is what a status means without the provider's envelope.
func (h Harness) bare(status int) providers.Class {
	if c, believed := h.Bare[status]; believed {
		return c
	}
	if status == http.StatusTooManyRequests {
		return providers.RateLimited
	}
	return providers.Ambiguous
}

func webPage(t testing.TB, h Harness) {
	b := newRig(t, h)
	for _, status := range []int{200, 400, 404, 502} {
		b.serveFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<!DOCTYPE html><title>Sorry</title>"))
		})
		b.wantAll(t.Context(), fmt.Sprintf("web page with %d", status), h.bare(status))
	}
}

func cancelledBefore(t testing.TB, h Harness) {
	b := newRig(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.wantAll(ctx, "cancelled context", providers.Unavailable)
	if n := b.requests.Load(); n != 0 {
		t.Errorf("got %d requests, want none", n)
	}
}

func cancelledAfter(t testing.TB, h Harness) {
	b := newRig(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	b.serveFunc(func(w http.ResponseWriter, r *http.Request) { stall(w, r, "", cancel) })
	b.wantAll(ctx, "cancelled while waiting", providers.Ambiguous)
	if n := b.requests.Load(); n != 1 {
		t.Errorf("got %d requests, want 1", n)
	}
}

func nobodyListening(t testing.TB, h Harness) {
	b := newRig(t, h)
	b.url = closedURL(t)
	b.renew()
	b.wantAll(t.Context(), "refused connection", providers.Unavailable)
}

func oneRequest(t testing.TB, h Harness) {
	b := newRig(t, h)
	b.submit(t.Context())
	if n := b.requests.Load(); n != 1 {
		t.Errorf("answered: got %d requests for one submit, want 1", n)
	}
	for i := range int64(3) { // a second and a third may find a kept connection
		b.serveFunc(func(w http.ResponseWriter, r *http.Request) {
			drain(r)
			hangUp(w)
		})
		b.wantAll(t.Context(), "charged and closed", providers.Ambiguous)
		if n := b.requests.Load(); n != 2*i+2 {
			t.Errorf("charged and closed: got %d requests, want %d", n, 2*i+2)
		}
		b.serve(h.Happy())
		b.submit(t.Context())
	}
}

func noRedirect(t testing.TB, h Harness) {
	b := newRig(t, h)
	for i, status := range []int{301, 302, 303, 307, 308} {
		b.serveFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.Path)
			w.WriteHeader(status)
		})
		b.wantAll(t.Context(), fmt.Sprintf("redirect %d", status), providers.Ambiguous)
		if n := b.requests.Load(); n != int64(i+1) {
			t.Fatalf("redirect %d: got %d requests, want %d", status, n, i+1)
		}
	}
}

func twoAtOnce(t testing.TB, h Harness) {
	b := newRig(t, h)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			outs, err := b.set.Submit(t.Context(), b.spec.Name, h.Requests)
			if err != nil {
				t.Errorf("submit: %v", err)
				return
			}
			b.wantHappy(b.finish(outs, same))
		})
	}
	wg.Wait()
	if n := b.requests.Load(); n < 2 {
		t.Errorf("got %d requests, want one of each at least", n)
	}
}
