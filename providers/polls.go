package providers

import (
	"context"
	"fmt"
)

// Poll makes one free request about t. Outcomes that belong to none of open
// are dropped, and the Plan of t is kept. An error is always an *Error, or an
// *UnknownError.
func (s *Set) Poll(ctx context.Context, name string, t Ticket, open []Request) (Progress, error) {
	return s.poll(ctx, name, t, open, func(ctx context.Context, p Poller) (Progress, error) { return p.Poll(ctx, t, open) })
}

// Parts returns the parts in which t can be read, see PartPoller. A provider
// that is not known has none.
func (s *Set) Parts(name string, t Ticket) []Part {
	p, ok := s.byName[name].Provider.(PartPoller)
	if !ok {
		return nil
	}
	return parts(p, t)
}

// PollPart is Poll for one of Parts.
func (s *Set) PollPart(ctx context.Context, name string, t Ticket, part int, open []Request) (Progress, error) {
	return s.poll(ctx, name, t, open, func(ctx context.Context, p Poller) (Progress, error) {
		inParts, ok := p.(PartPoller)
		if !ok || part < 0 || part >= len(inParts.Parts(t)) {
			return Progress{}, &Error{Class: InvalidInput, Code: "no_part", Err: fmt.Errorf("the ticket has no part %d", part)}
		}
		got, err := inParts.PollPart(ctx, t, part, open)
		got.More = false
		return got, err
	})
}

// poll asks, and keeps of the answer what belongs to open.
func (s *Set) poll(ctx context.Context, name string, t Ticket, open []Request, ask func(context.Context, Poller) (Progress, error)) (Progress, error) {
	p, err := s.get(name)
	if err != nil {
		return Progress{}, err
	}
	spec := p.spec
	poller, ok := p.Provider.(Poller)
	if !ok {
		return Progress{}, fmt.Errorf("poll %s: it answers at once and has no tickets", name)
	}
	got, err := guardPoll(func() (Progress, error) { return ask(ctx, poller) })
	if err != nil {
		return Progress{}, wrap(spec, spec.Endpoints.Poll, err)
	}
	got.Ticket.Plan = t.Plan
	known := make(map[string]bool, len(open))
	for _, r := range open {
		known[r.Ref] = true
	}
	kept := make([]Outcome, 0, len(got.Outcomes))
	for _, o := range got.Outcomes {
		if !known[o.Ref] || !exactlyOne(o) || o.Ticket != nil {
			continue
		}
		known[o.Ref] = false
		if o.Err != nil {
			o.Err = wrap(spec, spec.Endpoints.Poll, o.Err)
		}
		kept = append(kept, o)
	}
	got.Outcomes = kept
	return got, nil
}
