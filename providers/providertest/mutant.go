package providertest

import (
	"context"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/plateq/plateq/providers"
)

// RunMutants puts faults into the provider of h and fails where a rule does
// not notice the one that breaks it. Rules about what the provider does not
// do are skipped.
func RunMutants(t *testing.T, h Harness) {
	t.Helper()
	broken := mutations(h)
	spec := h.New(t, "http://127.0.0.1:1").Spec()
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			t.Parallel()
			if !rule.applies(spec) {
				t.Skip("not about this provider")
			}
			if len(broken[rule.Name]) == 0 {
				t.Fatal("there is no mutation for this rule")
			}
			for name, mutate := range broken[rule.Name] {
				if !notices(t, rule, h, mutate) {
					t.Errorf("%s: the rule did not notice", name)
				}
			}
		})
	}
}

// notices reports whether rule fails for h with that fault.
func notices(t *testing.T, rule Rule, h Harness, mutate func(*mutant)) bool {
	build := h.New
	h.New = func(t testing.TB, baseURL string) providers.Provider {
		m := &mutant{real: build(t, baseURL)}
		mutate(m)
		return m.withMethods()
	}
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		rule.Check(r, h)
	}()
	<-done
	return r.failed.Load()
}

// recorder takes note of a failure instead of failing the test.
type recorder struct {
	testing.TB
	failed atomic.Bool
}

// Errorf is Error.
func (r *recorder) Errorf(string, ...any) { r.failed.Store(true) }

// Error takes note.
func (r *recorder) Error(...any) { r.failed.Store(true) }

// Fatalf is Fatal.
func (r *recorder) Fatalf(string, ...any) { r.Fatal() }

// Fatal takes note and ends the rule.
func (r *recorder) Fatal(...any) { r.failed.Store(true); runtime.Goexit() }

// Logf says nothing: a fault is expected.
func (r *recorder) Logf(string, ...any) {}

// mutant is a provider with a fault. A nil field leaves that part as it is.
type mutant struct {
	real   providers.Provider
	Leaked string
	spec   func(providers.Spec) providers.Spec
	ctx    func(context.Context) context.Context
	before func() error // each submit
	submit func([]providers.Request, []providers.Outcome, error) ([]providers.Outcome, error)
	poll   func([]providers.Request, providers.Progress, error) (providers.Progress, error)
	parts  func([]providers.Part) []providers.Part
	// headers and read are before and after the reading of a callback.
	headers func(http.Header) http.Header
	read    func([]providers.Hint, error) ([]providers.Hint, error)
}

// withMethods returns m with the optional methods that the real one has.
func (m *mutant) withMethods() providers.Provider {
	_, polls := m.real.(providers.Poller)
	_, inParts := m.real.(providers.PartPoller)
	_, reads := m.real.(providers.CallbackReader)
	switch {
	case inParts && reads:
		return &struct {
			*mutant
			mutantPoller
			mutantParts
			mutantReader
			Leaked string
		}{m, mutantPoller{m}, mutantParts{m}, mutantReader{m}, m.Leaked}
	case polls && reads:
		return &struct {
			*mutant
			mutantPoller
			mutantReader
			Leaked string // fmt prints fields of the outermost only
		}{m, mutantPoller{m}, mutantReader{m}, m.Leaked}
	case polls:
		return &struct {
			*mutant
			mutantPoller
			Leaked string
		}{m, mutantPoller{m}, m.Leaked}
	case reads:
		return &struct {
			*mutant
			mutantReader
			Leaked string
		}{m, mutantReader{m}, m.Leaked}
	}
	return m
}

// Spec returns the real one's, or what the fault makes of it.
func (m *mutant) Spec() providers.Spec {
	if m.spec == nil {
		return m.real.Spec()
	}
	return m.spec(m.real.Spec())
}

// Submit asks the real one, and lets the fault at what comes back.
func (m *mutant) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	if m.before != nil {
		if err := m.before(); err != nil {
			return nil, err
		}
	}
	if m.ctx != nil {
		ctx = m.ctx(ctx)
	}
	outs, err := m.real.Submit(ctx, reqs)
	if m.submit == nil {
		return outs, err
	}
	return m.submit(reqs, outs, err)
}

type mutantPoller struct{ m *mutant }

// Poll is Submit for polls.
func (p mutantPoller) Poll(ctx context.Context, t providers.Ticket, open []providers.Request) (providers.Progress, error) {
	got, err := p.m.real.(providers.Poller).Poll(ctx, t, open)
	if p.m.poll == nil {
		return got, err
	}
	return p.m.poll(open, got, err)
}

type mutantParts struct{ m *mutant }

// Parts lets the fault at what the real one says.
func (p mutantParts) Parts(t providers.Ticket) []providers.Part {
	all := p.m.real.(providers.PartPoller).Parts(t)
	if p.m.parts != nil {
		all = p.m.parts(all)
	}
	return all
}

// PollPart is Poll for parts.
func (p mutantParts) PollPart(ctx context.Context, t providers.Ticket, part int, open []providers.Request) (providers.Progress, error) {
	got, err := p.m.real.(providers.PartPoller).PollPart(ctx, t, part, open)
	if p.m.poll == nil {
		return got, err
	}
	return p.m.poll(open, got, err)
}

type mutantReader struct{ m *mutant }

// ReadCallback is Submit for callbacks.
func (r mutantReader) ReadCallback(h http.Header, body []byte) ([]providers.Hint, error) {
	if r.m.headers != nil {
		h = r.m.headers(h)
	}
	hints, err := r.m.real.(providers.CallbackReader).ReadCallback(h, body)
	if r.m.read == nil {
		return hints, err
	}
	return r.m.read(hints, err)
}
