package jobs

import (
	"errors"
	"slices"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// After the deadline a ticket is asked about every lateInterval, lateFor long.
const (
	lateInterval = time.Hour
	lateFor      = 30 * 24 * time.Hour
)

// polled is what follows from one poll.
type polled struct {
	settlement store.TicketSettlement
	more       bool // the pass goes on
}

// judgePoll turns what a poll of a whole pass brought into what the store is to
// write. news is how many records became final earlier in the same pass, sent
// when the poll went out.
func (p *Policy) judgePoll(t store.OpenTicket, sent time.Time, got providers.Progress, err error, news int) polled {
	return p.judgeAny(t, sent, got, err, func(s *store.TicketSettlement) {
		if got.More {
			s.Hold = true
			return
		}
		s.Interval = p.pace(t, news+len(s.Verdicts))
		s.Due = p.now().Add(s.Interval)
	})
}

// judgePart does so for the poll of a part. after is how the parts stand now.
func (p *Policy) judgePart(t store.OpenTicket, sent time.Time, a *agenda, part int, after []providers.Part, got providers.Progress, err error) polled {
	return p.judgeAny(t, sent, got, err, func(s *store.TicketSettlement) {
		now := p.now()
		if s.Hold = !a.took(part, after, now); s.Hold {
			return
		}
		s.Handle.Plan = a.plan.write()
		due, _ := a.first()
		s.Hold = due <= now.UnixMilli()
		s.Due = time.UnixMilli(due)
		s.Interval = s.Due.Sub(now)
	})
}

// judgeAny leaves to plan when the next poll comes, or that it comes at once.
func (p *Policy) judgeAny(t store.OpenTicket, sent time.Time, got providers.Progress, err error, plan func(*store.TicketSettlement)) polled {
	now := p.now()
	s := store.TicketSettlement{ID: t.ID, Lease: t.Lease, Handle: t.Handle, Interval: t.Interval, Polls: 1}
	if err != nil {
		e := asError(p.spec, err)
		p.pollFailed(&s, t, sent, e, now)
		if t.Adopted && noSuchTicket(e) {
			disown(&s, t)
		} else {
			p.expire(&s, t, now)
		}
		s.Release = p.releases(&s, t)
		return polled{settlement: s}
	}
	s.Gates.Open = []string{p.spec.Name, p.spec.PollScope()}
	p.succeed(s.Gates.Open...)
	s.Handle, s.Names, s.Prompt = got.Ticket, got.Names, now.Add(p.limits.PollMin)
	s.Verdicts = p.verdicts(t, got.Outcomes, now)
	if t.Late {
		s.Verdicts = slices.DeleteFunc(s.Verdicts, givesUp) // they are given up already
	}
	s.Readings = p.readings(t.Asks, got.Outcomes)
	plan(&s)
	left := len(t.Asks) - len(s.Verdicts)
	switch {
	case left == 0 && !slices.ContainsFunc(s.Verdicts, givesUp):
		s.Close, s.Hold = true, false
	case left == 0:
		s.Expire, s.Hold, s.Interval, s.Due = true, false, lateInterval, now.Add(lateInterval)
	case s.Hold:
	default:
		if t.Late {
			s.Interval, s.Due = lateInterval, now.Add(lateInterval)
		}
		p.expire(&s, t, now)
	}
	s.Release = p.releases(&s, t)
	return polled{settlement: s, more: s.Hold}
}

// releases reports whether a ticket that answers one ask is given back by the
// ask that a person named it for, so that it may be named for another.
func (p *Policy) releases(s *store.TicketSettlement, t store.OpenTicket) bool {
	return s.Close && t.Adopted && p.spec.SingleTickets() &&
		slices.ContainsFunc(s.Verdicts, func(v store.Verdict) bool { return v.To == store.Unknown })
}

// givesUp reports whether a verdict gives an ask up whose answer still counts
// if it comes: the ticket is then asked about for a while longer.
func givesUp(v store.Verdict) bool {
	return v.To == store.Failed && v.Answer.Failure.Class.LateAnswersCount()
}

// firstPoll is when a ticket is polled first: not before the provider said it
// is worth it, but a wrong word of its delays no poll beyond the longest pause.
func (p *Policy) firstPoll(now, after time.Time) time.Time {
	first := now.Add(max(p.limits.FirstPoll, p.limits.PollMin))
	return later(first, sooner(after, now.Add(p.limits.PollMax)))
}

// pace is the pause before the next pass: shorter after one that brought
// something, longer after one that did not and came late enough. While webhooks
// arrive it is the longest: they tell of news, and the pass finds those only of
// which the webhook was lost.
func (p *Policy) pace(t store.OpenTicket, news int) time.Duration {
	last := t.Interval
	switch {
	case p.heard(t):
		last = p.limits.PollMax
	case news > 0:
		last /= 2
	case p.now().Sub(t.Created) >= p.limits.SteadyFor:
		last = last * 3 / 2
	}
	return min(max(last, p.limits.PollMin), p.limits.PollMax)
}

// heard reports whether a webhook of the provider has come lately. One that
// comes for another ticket tells as much of the way that they take.
func (p *Policy) heard(t store.OpenTicket) bool {
	return !t.Heard.IsZero() && p.now().Sub(t.Heard) < p.limits.PollMax
}

func (p *Policy) verdicts(t store.OpenTicket, outs []providers.Outcome, now time.Time) []store.Verdict {
	asks := make(map[string]store.AskID, len(t.Asks))
	for _, a := range t.Asks {
		asks[ref(a.ID)] = a.ID
	}
	vs := make([]store.Verdict, 0, len(outs))
	for _, o := range outs {
		v := store.Verdict{Ask: asks[o.Ref], To: store.Found}
		if o.Record != nil {
			v.Answer = p.answer(now, o.Record, t.KeepRaw)
		} else {
			e := p.limits.Overrides.found(asError(p.spec, o.Err))
			v.To, v.Answer = store.Failed, failure(now, e.Class, e, t.KeepRaw)
			switch {
			case e.Class == providers.NotFound:
				v.To, v.Answer = store.NotFound, nothing(now, e, t.KeepRaw)
			case e.Class == providers.Missing && t.Adopted:
				v.To, v.Answer = store.Unknown, nil // it is another call's record
			}
		}
		vs = append(vs, v)
	}
	return vs
}

// pollFailed plans the next poll after one that brought no answer. A poll is
// free, so it is repeated until the deadline whatever its error; only the pace
// and the gates tell errors apart.
func (p *Policy) pollFailed(s *store.TicketSettlement, t store.OpenTicket, sent time.Time, e *providers.Error, now time.Time) {
	_, r := p.rule(e, true)
	closes, shut := p.gate(e, r.door, asked{sent: sent, endpoint: p.spec.PollScope(), probe: t.Probe})
	s.Gates.Close = closes
	if shut && e.Class != providers.OutOfCredit { // that gate holds no poll back: see Gates.PollScopes
		s.Due = now // as soon as the gate lets it pass
		return
	}
	switch r.door {
	case strikes:
		s.Due = now // the limiter holds it back
	case circuit:
		s.Due = now.Add(max(p.limits.PollMin, grow(0)))
	default:
		s.Interval = p.pace(t, 0)
		s.Due = now.Add(s.Interval)
		if t.Hinted {
			s.Due = now.Add(p.limits.PollMin) // there is news that this poll did not bring
		}
	}
}

// noSuchTicket reports whether a provider says that it has no such ticket.
func noSuchTicket(e *providers.Error) bool {
	return errors.Is(e, providers.NotFound) || errors.Is(e, providers.InvalidInput)
}

// disown gives back what still waits on a ticket that a person named: it is
// not that of these asks, and what became of them is as unknown as it was.
func disown(s *store.TicketSettlement, t store.OpenTicket) {
	s.Close = true
	for _, a := range without(t.Asks, s.Verdicts) {
		s.Verdicts = append(s.Verdicts, store.Verdict{Ask: a.ID, To: store.Unknown})
	}
}

// expire gives up what is still open at the deadline. The ticket is asked
// about for a while longer: an answer that comes late counts.
func (p *Policy) expire(s *store.TicketSettlement, t store.OpenTicket, now time.Time) {
	if now.Before(t.Deadline) || s.Close {
		return
	}
	s.Interval, s.Due = lateInterval, later(s.Due, now.Add(lateInterval))
	if t.Late {
		s.Close = now.After(t.Deadline.Add(lateFor))
		return
	}
	if t.Adopted {
		disown(s, t)
		return
	}
	s.Expire = true
	settled := make(map[store.AskID]bool, len(s.Verdicts))
	for _, v := range s.Verdicts {
		settled[v.Ask] = true
	}
	for _, a := range t.Asks {
		if !settled[a.ID] {
			s.Verdicts = append(s.Verdicts, store.Verdict{Ask: a.ID, To: store.Failed, Answer: &store.Answer{
				At: store.Millis(now),
				Failure: &store.Failure{Class: store.ClassProviderTimeout, Code: "deadline",
					Message: "the provider had not finished by the deadline; an answer that comes later still counts"},
			}})
		}
	}
}
