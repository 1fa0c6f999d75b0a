package jobs

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// ref names an ask within a call; it is no personal data.
func ref(id store.AskID) string { return strconv.FormatInt(int64(id), 36) }

// requests writes asks as a provider takes them.
func requests(asks []store.Ask) []providers.Request {
	reqs := make([]providers.Request, len(asks))
	for i, a := range asks {
		reqs[i] = providers.Request{Ref: ref(a.ID), Subject: a.Subject, Params: a.Params, Prior: a.Prior}
	}
	return reqs
}

// repeatable reports whether a call about the ask may be repeated without
// paying again. One that has a report made anew is paid for each time.
func repeatable(spec providers.Spec, a store.Ask) bool {
	return a.Prior == nil && spec.Repeatable(a.Params)
}

// judge turns the outcomes of a submit, one for each ask in order, into what
// the store is to write. sent is when the request went out.
func (p *Policy) judge(c store.Claim, sent time.Time, outs []providers.Outcome) store.Settlement {
	j := &judgement{p: p, claim: c, sent: sent, now: p.now()}
	j.out = store.Settlement{Call: c.Call, Verdicts: make([]store.Verdict, 0, len(c.Asks))}
	outs = p.limits.Overrides.submitted(outs)
	refused := refusedAsWhole(outs)
	for i, o := range outs {
		j.add(c.Asks[i], o, refused && len(outs) > 1)
	}
	j.out.Readings = p.readings(c.Asks, outs)
	if len(j.out.Gates.Open) > 0 {
		j.out.Part = narrow(c.Part, len(c.Asks), p.spec.MaxBatch, refused)
		p.succeed(j.out.Gates.Open...)
	}
	return j.out
}

// refusedAsWhole reports whether the provider refused the call over its input,
// by one error for all asks: one of many may be to blame, so the call is
// halved until it stands alone.
func refusedAsWhole(outs []providers.Outcome) bool {
	for _, o := range outs {
		if !errors.Is(o.Err, providers.InvalidInput) || o.Err != outs[0].Err { //nolint:errorlint // the very same one
			return false
		}
	}
	return true
}

// judgement is the state of one judge.
type judgement struct {
	p       *Policy
	claim   store.Claim
	sent    time.Time
	now     time.Time
	out     store.Settlement
	tickets map[string]int  // by id, into out.Tickets; nil: none
	doors   map[string]bool // by class and scopes: whether the gate is closed by now; nil: nobody looked
}

// reached says that the provider answered an ask: the gates on its way open.
func (j *judgement) reached(a store.Ask) {
	open := &j.out.Gates.Open
	if len(*open) == 0 {
		*open = append(*open, j.p.spec.Name, j.p.spec.SubmitScope())
	}
	if scope := j.service(a); scope != "" && !slices.Contains(*open, scope) {
		*open = append(*open, scope)
	}
}

// service is the scope of the part of the service that an ask is for; empty:
// of none.
func (j *judgement) service(a store.Ask) string {
	if a.Service == "" {
		return ""
	}
	return j.p.spec.ServiceScope(a.Service)
}

func (j *judgement) add(a store.Ask, o providers.Outcome, halve bool) {
	v := store.Verdict{Ask: a.ID, Counted: true}
	switch {
	case o.Record != nil:
		j.reached(a)
		v.To, v.Answer = store.Found, j.p.answer(j.now, o.Record, j.claim.KeepRaw)
	case o.Ticket != nil:
		j.reached(a)
		v.To, v.Ticket = store.Waiting, j.ticket(*o.Ticket, o.PollAfter)
	default:
		v = j.failed(a, o.Err, halve)
	}
	v.Free = !j.p.spec.Charges.Charged(o, a.FoundBefore)
	j.out.Verdicts = append(j.out.Verdicts, v)
}

func (j *judgement) ticket(t providers.Ticket, after time.Time) int {
	i, known := j.tickets[t.ID]
	if !known {
		i = len(j.out.Tickets)
		if j.tickets == nil {
			j.tickets = map[string]int{}
		}
		j.tickets[t.ID] = i
		j.out.Tickets = append(j.out.Tickets, store.NewTicket{
			Handle: t, Shared: j.p.spec.SharedTickets,
			Due: j.p.firstPoll(j.now, after), Deadline: j.now.Add(j.p.limits.Deadline), Interval: j.p.limits.PollMin,
		})
	}
	return i
}

func (j *judgement) failed(a store.Ask, err error, halve bool) store.Verdict {
	e := asError(j.p.spec, err)
	class, r := j.p.rule(e, repeatable(j.p.spec, a))
	v := store.Verdict{Ask: a.ID, To: r.to, Counted: r.counted}
	shut := j.close(a, e, class, r)
	switch {
	case class == providers.Poison:
		v.Died = true
	case halve:
		j.reached(a)
		v.To, v.Counted = store.Queued, false
	case class == providers.Unavailable:
		// While a circuit is open nobody's attempts are used up.
		v.Counted = !j.claim.Probe && !shut
		switch {
		case !v.Counted: // the gate holds it
		case a.Attempts+1 >= maxAttempts:
			v.To = store.Failed
		default:
			j.ready(j.now.Add(grow(a.Attempts)))
		}
	case class == providers.NotFound, class == providers.ProviderError, class == providers.InvalidInput:
		j.reached(a)
	}
	switch v.To {
	case store.NotFound:
		v.Answer = nothing(j.now, e, j.claim.KeepRaw)
	case store.Failed:
		v.Answer = failure(j.now, class, e, j.claim.KeepRaw)
	case store.Unknown:
		j.out.Note, j.out.Class, j.out.Code = e.Head, class.String(), e.Code
	}
	return v
}

// close moves the gate of an error, once for a call, and reports whether it is
// closed by now.
func (j *judgement) close(a store.Ask, e *providers.Error, class providers.Class, r ruling) bool {
	service := j.service(a)
	key := class.String() + " " + e.Scope + " " + service
	if shut, decided := j.doors[key]; decided || r.door == stays {
		return shut
	}
	if j.out.Class == "" {
		j.out.Class, j.out.Code = class.String(), e.Code
	}
	closes, shut := j.p.gate(e, r.door, asked{
		sent: j.sent, endpoint: j.p.spec.SubmitScope(), service: service, probe: j.claim.Probe, probes: j.claim.Probes,
	})
	if j.doors == nil {
		j.doors = map[string]bool{}
	}
	j.doors[key] = shut
	j.out.Gates.Close = append(j.out.Gates.Close, closes...)
	return shut
}

func (j *judgement) ready(at time.Time) { j.out.Ready = later(j.out.Ready, at) }

func (p *Policy) answer(now time.Time, r *providers.Record, keepRaw bool) *store.Answer {
	a := &store.Answer{At: store.Millis(now), Result: r.Result}
	if keepRaw {
		a.Raw = r.Raw
	}
	return a
}

// nothing is the answer that the provider holds nothing.
func nothing(now time.Time, e *providers.Error, keepRaw bool) *store.Answer {
	a := &store.Answer{At: store.Millis(now)}
	if keepRaw && json.Valid(e.Head) {
		a.Raw = e.Head
	}
	return a
}

// failure is the answer that there is none, in the provider's words or, where
// it had none, in ours.
func failure(now time.Time, class providers.Class, e *providers.Error, keepRaw bool) *store.Answer {
	c, ok := failureClass[class]
	if !ok {
		c = store.ClassProviderError
	}
	a := nothing(now, e, keepRaw)
	a.Failure = &store.Failure{Class: c, Code: e.Code, Message: e.Message}
	switch {
	case e.Message != "":
	case e.Err != nil:
		a.Failure.Message = e.Err.Error()
	default:
		a.Failure.Message = e.Class.String()
	}
	return a
}

func asError(spec providers.Spec, err error) *providers.Error {
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return e
	}
	return &providers.Error{Provider: spec.Name, Scope: spec.Name, Class: providers.Ambiguous, Code: "unjudged"}
}
