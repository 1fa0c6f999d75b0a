package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/plateq/plateq/providers"
)

// faults are ways to break a provider, by name.
type faults map[string]func(*mutant)

// mutations break what each rule is about.
func mutations(h Harness) map[string]faults {
	return map[string]faults{
		"spec agrees with methods": {
			"says Pending where it is not":  changedSpec(func(s *providers.Spec) { s.Pending = !s.Pending }),
			"says Parts where they are not": changedSpec(func(s *providers.Spec) { s.Parts = !s.Parts }),
			"says Callback where it is not": changedSpec(func(s *providers.Spec) { s.Callback = !s.Callback }),
			"nothing said of repeats":       changedSpec(func(s *providers.Spec) { s.Repeats = "" }),
			"repeats belied":                changedSpec(func(s *providers.Spec) { s.FreeRepeat = func(providers.Params) bool { return s.Repeats == "no" } }),
		},
		"one outcome per request in order": {"drops the last": func(m *mutant) {
			m.submit = func(_ []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
				return outs[:max(0, len(outs)-1)], err
			}
		}},
		"documented answers end as documented": {"found for not found": turned, "a figure without a name": func(m *mutant) {
			m.submit = func(_ []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
				for i := range outs {
					outs[i].Readings = []providers.Reading{{Value: 1}}
				}
				return outs, err
			}
		}},
		"fields of a record are the spec's": {
			"one more":      results(func(map[string]any) any { return map[string]any{"of_ours": 1} }),
			"not an object": results(func(map[string]any) any { return "found" }),
		},
		"documented codes land in their class":         {"poison": judged(always(providers.Poison))},
		"status without envelope is not believed":      {"not found": judged(always(providers.NotFound)), "all is busy": judged(always(providers.RateLimited))},
		"truncated answer is not believed":             {"failed": judged(always(providers.ProviderError))},
		"oversized answer is not read on":              {"unavailable": judged(always(providers.Unavailable))},
		"web page is not believed":                     {"invalid": judged(always(providers.InvalidInput))},
		"other encoding is read right or not believed": {"not found": judged(always(providers.NotFound))},
		"slow body ends with the context":              {"unavailable": judged(always(providers.Unavailable))},
		"cancelled before sending is unavailable":      {"sends": func(m *mutant) { m.ctx = context.WithoutCancel }},
		"cancelled after sending is ambiguous":         {"unavailable": judged(always(providers.Unavailable))},
		"nobody listening is unavailable":              {"ambiguous": judged(always(providers.Ambiguous))},
		"no secret and no subject in errors": {
			"the subject": failing(func(e *providers.Error) { e.Err = errors.New("ask about " + anySubject(h)) }),
			"a secret":    failing(func(e *providers.Error) { e.Err = errors.New("with " + h.Secrets[0]) }),
		},
		"no secret in the provider's words":    {"kept": failing(func(e *providers.Error) { e.Message = "who is " + h.Secrets[0] })},
		"no secret in a print of the provider": {"kept": func(m *mutant) { m.Leaked = h.Secrets[0] }},
		"one request per submit":               {"two": again(h, func(error) bool { return true })},
		"redirect is not followed":             {"asks again": again(h, func(err error) bool { return errors.Is(err, providers.Ambiguous) })},
		"poll goes on from the stored ticket alone": {"remembers": func(m *mutant) {
			var mine bool
			m.before = func() error { mine = true; return nil }
			m.poll = func(_ []providers.Request, got providers.Progress, err error) (providers.Progress, error) {
				if !mine {
					return providers.Progress{}, errors.New("not a ticket of this process")
				}
				return got, err
			}
		}},
		"failed poll settles nothing": {
			"fails them all": func(m *mutant) {
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
			"not found": judged(always(providers.NotFound)),
		},
		"parts bring all, in any order": {
			"drops the last": func(m *mutant) {
				m.poll = func(_ []providers.Request, got providers.Progress, err error) (providers.Progress, error) {
					got.Outcomes = got.Outcomes[:max(0, len(got.Outcomes)-1)]
					return got, err
				}
			},
			"has none": func(m *mutant) { m.parts = func([]providers.Part) []providers.Part { return nil } },
		},
		"parts tell what is open in them": {"says too many": func(m *mutant) {
			m.parts = func(all []providers.Part) []providers.Part {
				if len(all) > 0 {
					all[0].Size, all[0].Open = all[0].Size+1, all[0].Size+1
				}
				return all
			}
		}},
		"two goroutines at once": {"one at a time": func(m *mutant) {
			var calls atomic.Int32
			m.before = func() error {
				if calls.Add(1) > 1 {
					return errors.New("one at a time, please")
				}
				return nil
			}
		}},
		"callback is read as documented": {
			"deaf": func(m *mutant) { m.read = func([]providers.Hint, error) ([]providers.Hint, error) { return nil, nil } },
			"refuses": func(m *mutant) {
				m.read = func([]providers.Hint, error) ([]providers.Hint, error) { return nil, refusal() }
			},
		},
		"callback without proof is refused": {"takes any": func(m *mutant) {
			m.headers = func(http.Header) http.Header { return h.Callbacks[0].Header }
		}},
		"callback that makes no sense is refused": {
			"a hint of nothing": func(m *mutant) {
				m.read = func([]providers.Hint, error) ([]providers.Hint, error) { return []providers.Hint{{}}, nil }
			},
			"errors of its own": func(m *mutant) {
				m.read = func([]providers.Hint, error) ([]providers.Hint, error) { return nil, errors.New("no") }
			},
		},
	}
}

func changedSpec(change func(*providers.Spec)) func(*mutant) {
	return func(m *mutant) {
		m.spec = func(s providers.Spec) providers.Spec { change(&s); return s }
	}
}

// turned makes records of failures and failures of records.
func turned(m *mutant) {
	turn := func(outs []providers.Outcome) {
		for i, o := range outs {
			switch {
			case o.Record != nil:
				outs[i].Record, outs[i].Err = nil, &providers.Error{Class: providers.NotFound}
			case o.Err != nil:
				outs[i].Record, outs[i].Err = &providers.Record{Result: json.RawMessage(`{}`)}, nil
			}
		}
	}
	m.submit = func(_ []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
		turn(outs)
		return outs, err
	}
	m.poll = func(_ []providers.Request, got providers.Progress, err error) (providers.Progress, error) {
		turn(got.Outcomes)
		return got, err
	}
}

// results replaces the result of every record.
func results(change func(map[string]any) any) func(*mutant) {
	redo := func(outs []providers.Outcome) {
		for _, o := range outs {
			if o.Record == nil {
				continue
			}
			var was map[string]any
			_ = json.Unmarshal(o.Record.Result, &was)
			o.Record.Result, _ = json.Marshal(change(was))
		}
	}
	return func(m *mutant) {
		m.submit = func(_ []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
			redo(outs)
			return outs, err
		}
		m.poll = func(_ []providers.Request, got providers.Progress, err error) (providers.Progress, error) {
			redo(got.Outcomes)
			return got, err
		}
	}
}

// judged changes the class of every error.
func judged(change func(providers.Class) providers.Class) func(*mutant) {
	return failing(func(e *providers.Error) { e.Class = change(e.Class) })
}

func always(c providers.Class) func(providers.Class) providers.Class {
	return func(providers.Class) providers.Class { return c }
}

// failing changes every error.
func failing(change func(*providers.Error)) func(*mutant) {
	redo := func(outs []providers.Outcome, err error) {
		for _, o := range append(outs, providers.Outcome{Err: err}) {
			if e, ok := errors.AsType[*providers.Error](o.Err); ok {
				change(e)
			}
		}
	}
	return func(m *mutant) {
		m.submit = func(_ []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
			redo(outs, err)
			return outs, err
		}
		m.poll = func(_ []providers.Request, got providers.Progress, err error) (providers.Progress, error) {
			redo(got.Outcomes, err)
			return got, err
		}
	}
}

// again submits once more where when says so.
func again(h Harness, when func(error) bool) func(*mutant) {
	return func(m *mutant) {
		m.submit = func(_ []providers.Request, outs []providers.Outcome, err error) ([]providers.Outcome, error) {
			failed := err
			for _, o := range outs {
				failed = errors.Join(failed, o.Err)
			}
			if when(failed) {
				return m.real.Submit(context.Background(), h.Requests)
			}
			return outs, err
		}
	}
}

func anySubject(h Harness) string {
	for _, v := range h.Requests[0].Subject {
		return v
	}
	return ""
}

func refusal() error {
	return &providers.Error{Class: providers.Unauthorised, Op: "callback", Err: errors.New("no proof")}
}
