package providers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
)

// Set holds the providers of a deployment and keeps the rules common to them.
// It is immutable and safe for concurrent use.
type Set struct {
	byName map[string]member
	names  []string
}

// member is a provider with its Spec, which is asked for once.
type member struct {
	Provider
	spec Spec
}

// NewSet returns a set of ps, or an error that names every Spec that is
// incomplete or disagrees with the methods of its provider.
func NewSet(ps ...Provider) (*Set, error) {
	s := &Set{byName: make(map[string]member, len(ps))}
	var errs []error
	for i, p := range ps {
		if p == nil {
			errs = append(errs, fmt.Errorf("provider %d of %d: is nil", i+1, len(ps)))
			continue
		}
		spec := p.Spec()
		if err := checkSpec(p, spec); err != nil {
			errs = append(errs, err)
		}
		if _, twice := s.byName[spec.Name]; twice {
			errs = append(errs, fmt.Errorf("provider %q: named twice", spec.Name))
		}
		s.byName[spec.Name] = member{p, spec}
		s.names = append(s.names, spec.Name)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	sort.Strings(s.names)
	return s, nil
}

func checkSpec(p Provider, spec Spec) error {
	var bad []string
	_, polls := p.(Poller)
	_, inParts := p.(PartPoller)
	_, reads := p.(CallbackReader)
	for _, c := range []struct {
		wrong bool
		text  string
	}{
		{!isName(spec.Name), "name must be lower case letters, digits, - and _"},
		{spec.MaxBatch < 1, "MaxBatch must be at least 1"},
		{spec.Timeout <= 0, "Timeout must be set"},
		{spec.Endpoints.Submit == "", "Endpoints.Submit must be set"},
		{spec.Pending != polls, "Pending must say whether Poll is there"},
		{spec.Pending != (spec.Endpoints.Poll != ""), "Endpoints.Poll goes with Pending"},
		{spec.Parts != inParts, "Parts must say whether PollPart is there"},
		{spec.Callback != reads, "Callback must say whether ReadCallback is there"},
		{len(spec.Uses) == 0, "Uses must name a column"},
		{!subset(spec.Needs, spec.Uses), "Needs must be among Uses"},
		{!subset(spec.Uses, Columns()), "Uses must name known columns"},
	} {
		if c.wrong {
			bad = append(bad, c.text)
		}
	}
	if bad = append(bad, checkChoices(spec)...); len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("provider %q: spec: %s", spec.Name, strings.Join(bad, "; "))
}

func isName(s string) bool {
	fits := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' }
	return s != "" && strings.TrimFunc(s, fits) == ""
}

// subset reports whether all of of are among in.
func subset(of, in []Column) bool {
	return !slices.ContainsFunc(of, func(c Column) bool { return !slices.Contains(in, c) })
}

// Names returns the names of the providers, sorted.
func (s *Set) Names() []string { return slices.Clone(s.names) }

// UnknownError says that no provider of that name is set up.
type UnknownError struct {
	Name  string
	Known []string
}

func (e *UnknownError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("unknown provider %q: none is set up", e.Name)
	}
	return fmt.Sprintf("unknown provider %q: there is %s", e.Name, strings.Join(e.Known, ", "))
}

// Spec returns the Spec of the named provider, or an *UnknownError.
func (s *Set) Spec(name string) (Spec, error) {
	p, err := s.get(name)
	return p.spec, err
}

func (s *Set) get(name string) (member, error) {
	if p, ok := s.byName[name]; ok {
		return p, nil
	}
	return member{}, &UnknownError{Name: name, Known: s.Names()}
}

// Submit makes one paid request. It returns one Outcome for each of reqs, in
// their order; a failure of the whole call is the Err of each. Every Err is
// an *Error. A panic of the provider after the request was begun is Ambiguous.
//
// The error is not nil only if nothing was attempted: an unknown provider,
// no requests or too many, two with one Ref.
func (s *Set) Submit(ctx context.Context, name string, reqs []Request) ([]Outcome, error) {
	p, err := s.get(name)
	if err != nil {
		return nil, err
	}
	spec := p.spec
	if len(reqs) == 0 || len(reqs) > spec.MaxBatch {
		return nil, fmt.Errorf("submit to %s: %d requests in a call, allowed are 1 to %d", name, len(reqs), spec.MaxBatch)
	}
	at := make(map[string]int, len(reqs))
	for i, r := range reqs {
		if _, twice := at[r.Ref]; twice {
			return nil, fmt.Errorf("submit to %s: two requests with one ref", name)
		}
		at[r.Ref] = i
	}
	got, err := submit(ctx, p.Provider, reqs)
	if err != nil {
		return failAll(reqs, wrap(spec, spec.Endpoints.Submit, err)), nil
	}
	return inOrder(spec, reqs, at, got), nil
}

func failAll(reqs []Request, err *Error) []Outcome {
	outs := make([]Outcome, len(reqs))
	for i, r := range reqs {
		outs[i] = Outcome{Ref: r.Ref, Err: err}
	}
	return outs
}

// inOrder gives each request its outcome. A request that the provider left
// out, or answered twice, was sent all the same: nobody knows what became of
// it. Outcomes that are nobody's are dropped.
func inOrder(spec Spec, reqs []Request, at map[string]int, got []Outcome) []Outcome {
	op := spec.Endpoints.Submit
	outs, times := make([]Outcome, len(reqs)), make([]int, len(reqs))
	for _, o := range got {
		if i, ours := at[o.Ref]; ours {
			outs[i] = o
			times[i]++
		}
	}
	var missing *Error
	for i := range outs {
		switch o := &outs[i]; {
		case times[i] != 1 || !exactlyOne(*o):
			if missing == nil {
				missing = &Error{Provider: spec.Name, Op: op, Class: Ambiguous, Scope: spec.Name,
					Code: "no_outcome", Err: errors.New("the answer does not say what became of this request")}
			}
			*o = Outcome{Ref: reqs[i].Ref, Err: missing}
		case o.Err != nil:
			o.Err = wrap(spec, op, o.Err)
		}
	}
	return outs
}

func exactlyOne(o Outcome) bool {
	n := 0
	for _, set := range [...]bool{o.Record != nil, o.Ticket != nil, o.Err != nil} {
		if set {
			n++
		}
	}
	return n == 1
}

// opCallback names the reading of webhooks in errors.
const opCallback = "callback"

// ReadCallback verifies and reads a webhook of the named provider, as
// CallbackReader says. An error is always an *Error, or an *UnknownError where
// the provider is not set up or sends none.
func (s *Set) ReadCallback(name string, h http.Header, body []byte) ([]Hint, error) {
	p, err := s.get(name)
	if err != nil {
		return nil, err
	}
	reader, ok := p.Provider.(CallbackReader)
	if !ok {
		return nil, &UnknownError{Name: name, Known: s.readers()}
	}
	hints, err := readCallback(reader, h, body)
	if err != nil {
		return nil, wrap(p.spec, opCallback, err)
	}
	return hints, nil
}

// readers names the providers that send webhooks.
func (s *Set) readers() []string {
	return slices.DeleteFunc(s.Names(), func(name string) bool { return !s.byName[name].spec.Callback })
}

// wrap makes an *Error of whatever a provider returned. An error without a
// class came from code that did not judge it, so nothing is known.
func wrap(spec Spec, op string, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e.Class != 0 {
		c := *e
		if c.Provider == "" {
			c.Provider = spec.Name
		}
		if c.Op == "" {
			c.Op = op
		}
		if c.Scope == "" {
			c.Scope = spec.Name
		}
		return &c
	}
	return &Error{Provider: spec.Name, Op: op, Class: Ambiguous, Scope: spec.Name, Code: "unjudged", Err: Redact(err)}
}
