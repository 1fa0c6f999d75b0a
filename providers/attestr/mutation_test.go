package attestr_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/providers/providertest"
)

// mutant is Attestr with a fault. A nil field leaves that part as it is.
type mutant struct {
	real   *attestr.Provider
	Leaked string
	spec   func(providers.Spec) providers.Spec
	ctx    func(context.Context) context.Context
	before func() error
	submit func([]providers.Request, []providers.Outcome, error) ([]providers.Outcome, error)
	poll   func([]providers.Request, providers.Progress, error) (providers.Progress, error)
}

func (m *mutant) Spec() providers.Spec {
	if m.spec == nil {
		return m.real.Spec()
	}
	return m.spec(m.real.Spec())
}

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

func (m *mutant) Poll(ctx context.Context, t providers.Ticket, open []providers.Request) (providers.Progress, error) {
	got, err := m.real.Poll(ctx, t, open)
	if m.poll == nil {
		return got, err
	}
	return m.poll(open, got, err)
}

// judging returns a submit that changes the class of every error.
func judging(change func(providers.Class) providers.Class) func([]providers.Request, []providers.Outcome, error) ([]providers.Outcome, error) {
	return func(_ []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
		if e, ok := errors.AsType[*providers.Error](err); ok {
			e.Class = change(e.Class)
			return nil, e
		}
		return outs, err
	}
}

func always(c providers.Class) func(providers.Class) providers.Class {
	return func(providers.Class) providers.Class { return c }
}

// mutations break the subject of each rule.
func mutations() map[string]func(*mutant) {
	return map[string]func(*mutant){
		"spec agrees with methods": func(m *mutant) {
			m.spec = func(s providers.Spec) providers.Spec { s.Pending = false; return s }
		},
		"one outcome per request in order": func(m *mutant) {
			m.submit = func(_ []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
				return outs[:max(0, len(outs)-1)], err
			}
		},
		"documented answers end as documented": func(m *mutant) {
			m.poll = func(_ []providers.Request, got providers.Progress, err error) (providers.Progress, error) {
				for i, o := range got.Outcomes {
					if errors.Is(o.Err, providers.ProviderError) {
						got.Outcomes[i].Err = &providers.Error{Class: providers.NotFound}
					}
				}
				return got, err
			}
		},
		"documented codes land in their class": func(m *mutant) {
			m.submit = judging(func(c providers.Class) providers.Class {
				if c == providers.DailyLimited {
					return providers.RateLimited
				}
				return c
			})
		},
		"status without envelope is not believed":      func(m *mutant) { m.submit = judging(always(providers.NotFound)) },
		"truncated answer is not believed":             func(m *mutant) { m.submit = judging(always(providers.ProviderError)) },
		"oversized answer is not read on":              func(m *mutant) { m.submit = judging(always(providers.Unavailable)) },
		"web page is not believed":                     func(m *mutant) { m.submit = judging(always(providers.InvalidInput)) },
		"other encoding is read right or not believed": func(m *mutant) { m.submit = judging(always(providers.NotFound)) },
		"slow body ends with the context":              func(m *mutant) { m.submit = judging(always(providers.Unavailable)) },
		"cancelled before sending is unavailable":      func(m *mutant) { m.ctx = context.WithoutCancel },
		"cancelled after sending is ambiguous":         func(m *mutant) { m.submit = judging(always(providers.Unavailable)) },
		"nobody listening is unavailable":              func(m *mutant) { m.submit = judging(always(providers.Ambiguous)) },
		"no secret and no subject in errors": func(m *mutant) {
			m.submit = func(reqs []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
				if e, ok := errors.AsType[*providers.Error](err); ok {
					e.Err = errors.New("ask about " + reqs[0].Subject[providers.Plate])
				}
				return outs, err
			}
		},
		"no secret in a print of the provider": func(m *mutant) { m.Leaked = token },
		"one request per submit": func(m *mutant) {
			m.before = func() error {
				_, _ = m.real.Submit(context.Background(), requests("DL01AA1000"))
				return nil
			}
		},
		"redirect is not followed": func(m *mutant) {
			m.submit = func(reqs []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
				if errors.Is(err, providers.Ambiguous) {
					return m.real.Submit(context.Background(), reqs)
				}
				return outs, err
			}
		},
		"poll goes on from the stored ticket alone": func(m *mutant) {
			var mine bool
			m.before = func() error { mine = true; return nil }
			m.poll = func(_ []providers.Request, got providers.Progress, err error) (providers.Progress, error) {
				if !mine {
					return providers.Progress{}, errors.New("not a ticket of this process")
				}
				return got, err
			}
		},
		"failed poll settles nothing": func(m *mutant) {
			m.poll = func(open []providers.Request, got providers.Progress, err error) (providers.Progress, error) {
				if err == nil {
					return got, nil
				}
				for _, r := range open {
					got.Outcomes = append(got.Outcomes, providers.Outcome{Ref: r.Ref, Err: err})
				}
				return got, nil
			}
		},
		"two goroutines at once": func(m *mutant) {
			var calls atomic.Int32
			m.before = func() error {
				if calls.Add(1) > 1 {
					return errors.New("one at a time, please")
				}
				return nil
			}
		},
	}
}

// recorder takes note of a failure instead of failing the test.
type recorder struct {
	testing.TB
	failed atomic.Bool
}

func (r *recorder) Errorf(string, ...any) { r.failed.Store(true) }
func (r *recorder) Error(...any)          { r.failed.Store(true) }
func (r *recorder) Fatalf(string, ...any) { r.Fatal() }
func (r *recorder) Fatal(...any)          { r.failed.Store(true); runtime.Goexit() }
func (r *recorder) Logf(string, ...any)   {}

// TestRulesNotice runs each rule against a provider that breaks it.
func TestRulesNotice(t *testing.T) {
	t.Parallel()
	broken := mutations()
	for _, rule := range providertest.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			t.Parallel()
			mutate := broken[rule.Name]
			if mutate == nil {
				t.Fatal("there is no mutation for this rule")
			}
			h := harness()
			build := h.New
			h.New = func(t testing.TB, baseURL string) providers.Provider {
				m := &mutant{real: build(t, baseURL).(*attestr.Provider)}
				mutate(m)
				return m
			}
			r := &recorder{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				rule.Check(r, h)
			}()
			<-done
			if !r.failed.Load() {
				t.Error("the rule did not notice that it was broken")
			}
		})
	}
}
