package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
)

// GateRecord is a gate as stores keep it: with the one who is out to probe it,
// and the one who closed it last.
type GateRecord struct {
	Gate
	Prober Prober
	Closer Prober
}

// Prober names a call, or a pass over a ticket. Only the verdict of the one
// that a gate let through as its probe opens the gate again, or extends it.
type Prober string

// CallProber names a call.
func CallProber(id CallID) Prober { return Prober(fmt.Sprintf("call %d", id)) }

// TicketProber names a pass over a ticket.
func TicketProber(id TicketID, lease int64) Prober {
	return Prober(fmt.Sprintf("%s%d pass %d", ticketPrefix, id, lease))
}

const ticketPrefix = "ticket "

func (p Prober) isPass() bool { return strings.HasPrefix(string(p), ticketPrefix) }

// APerson may open any gate.
const APerson Prober = "person"

// Gatehouse holds the gates that one transaction is about, by scope, and all
// rules of how they move. Scopes without a record were never closed.
type Gatehouse map[string]*GateRecord

// Pass returns the closed gates on the way that let this one through, or
// *GateClosedError. It changes nothing: what is let through may still have
// nothing to send.
func (h Gatehouse) Pass(scopes []string, now time.Time) (Passage, error) {
	var p Passage
	for _, scope := range scopes {
		g := h[scope]
		if g == nil || !g.Closed {
			continue
		}
		if g.Shut(now) {
			return nil, &GateClosedError{Gate: g.Gate}
		}
		p = append(p, g)
	}
	return p, nil
}

// Passage is what the gates on the way of a call have come to.
type Passage []*GateRecord

// Probe reports whether the one who passes does so to find out.
func (p Passage) Probe() bool {
	return slices.ContainsFunc(p, func(g *GateRecord) bool { return g.Probe })
}

// Probes lists the scopes of the gates that the one who passes probes.
func (p Passage) Probes() []string {
	var scopes []string
	for _, g := range p {
		if g.Probe {
			scopes = append(scopes, g.Scope)
		}
	}
	return scopes
}

// Max is how many asks one who passes may carry, of a limit of his own; 0: no
// limit. What probes a provider of whom nothing came back, or nothing that
// was understood, is one ask: no more than that is at risk.
func (p Passage) Max(limit int) int {
	circuit := slices.ContainsFunc(p, func(g *GateRecord) bool {
		return g.Probe && (g.Class == providers.Unavailable || g.Class == providers.Ambiguous)
	})
	if circuit {
		return 1
	}
	return limit
}

// Most is Max for a claim: one request finds out whether a gate may open, not
// all that would go out together.
func (p Passage) Most(r ClaimRequest) int {
	if r.Lookups && p.Probe() {
		return 1
	}
	return p.Max(r.Max)
}

// Take sends this one out as the probe of the gates that want one, until the
// given time, and returns the gates to be written. A gate that opens by time
// lets everyone pass from then on; it counts as closed until one of them has
// come through.
func (p Passage) Take(by Prober, until time.Time) []*GateRecord {
	var changed []*GateRecord
	for _, g := range p {
		if g.Probe {
			g.ProbeUntil, g.Prober = Millis(until), by
			changed = append(changed, g)
		}
	}
	return changed
}

// Recall takes back the one who was sent out to probe and has asked nothing:
// the next who comes is the probe. It returns the gates to be written.
func (h Gatehouse) Recall(by Prober) []*GateRecord {
	var changed []*GateRecord
	for _, scope := range slices.Sorted(maps.Keys(h)) {
		if g := h[scope]; g.Prober == by {
			g.ProbeUntil, g.Prober = time.Time{}, ""
			changed = append(changed, g)
		}
	}
	return changed
}

// Scopes lists the gates that the changes are about, sorted, each once.
func (c GateChanges) Scopes() []string {
	scopes := slices.Concat(c.Open, c.Due)
	for _, change := range c.Close {
		scopes = append(scopes, change.Scope)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// Closes reports whether the gate of the scope itself is closed by the changes.
func (c GateChanges) Closes(scope string) bool {
	return slices.ContainsFunc(c.Close, func(g GateClose) bool { return g.Scope == scope })
}

// Change applies what a call or a person says about gates. sent is when the
// call was claimed: a success that is older than the last closing says nothing
// about it, and neither does a refusal that was on its way then. Of a success
// and a refusal that come together the refusal counts: nobody tells which was
// first, and a gate that stays closed for too long costs time only. It returns
// the gates to be written, and what is news.
func (h Gatehouse) Change(c GateChanges, by Prober, sent, now time.Time) (changed []*GateRecord, events []GateEvent) {
	touched := map[string]bool{}
	for _, change := range c.Close {
		closed, event := closeGate(h[change.Scope], change, by, sent, now)
		if closed == nil {
			continue
		}
		h[change.Scope] = closed
		touched[change.Scope] = true
		if event {
			events = append(events, GateEvent{Gate: closed.Gate})
		}
	}
	for _, scope := range c.Open {
		g := h[scope]
		if g == nil || c.Closes(scope) || !g.opens(by, sent) {
			continue
		}
		opened := g.Closed
		g.Closed, g.Strikes, g.ProbeUntil, g.Prober = false, 0, time.Time{}, ""
		touched[scope] = true
		if opened {
			events = append(events, GateEvent{Gate: g.Gate, Opened: true})
		}
	}
	for _, scope := range c.Due {
		if g := h[scope]; g != nil && g.Closed && g.Probe && (g.Until.IsZero() || g.Until.After(now)) {
			g.Until = now // the next one who comes is the probe
			touched[scope] = true
		}
	}
	for _, scope := range c.Scopes() {
		if touched[scope] {
			changed = append(changed, h[scope])
		}
	}
	return changed, events
}

// closeGate returns the gate as the change leaves it, nil if it leaves it as
// it was, and whether that is news to a person.
func closeGate(g *GateRecord, c GateClose, by Prober, sent, now time.Time) (closed *GateRecord, event bool) {
	next := &GateRecord{Gate: Gate{
		Scope: c.Scope, Closed: true, Class: c.Class, Code: c.Code, By: c.By,
		Since: now, Until: Millis(c.Until), Probe: c.Probe, Strikes: c.Strikes,
	}, Closer: by}
	if c.Until.IsZero() {
		next.Until = time.Time{} // until a person opens it
	}
	if g == nil || !g.Closed {
		return next, true
	}
	switch {
	case g.ByHand():
		return nil, false // whatever else is the matter: a person opens it
	case next.ByHand():
		next.Since = g.Since
		return next, true
	}
	verdict := g.Prober != "" && g.Prober == by
	sameBurst := sent.Before(g.Since) && g.Class == c.Class && !c.Told
	if !verdict && (sameBurst || !later(next.Until, g.Until)) {
		return nil, false
	}
	next.Since = g.Since // for whatever reason it is closed by now
	if !verdict {
		next.ProbeUntil, next.Prober = g.ProbeUntil, g.Prober
	}
	return next, g.Class != next.Class
}

// later compares times until which a gate is closed; the zero time is never.
func later(a, b time.Time) bool { return !b.IsZero() && (a.IsZero() || a.After(b)) }

// opens reports whether a success changes the gate. It opens one that waits
// for a probe where it is the word of the probe or of a person, and one that
// opens by time where it comes from a request that was sent after it closed: a
// pass of polls knows the order of its own. One that was closed by hand only a
// person opens. At an open gate it ends a row of strikes.
func (g *GateRecord) opens(by Prober, sent time.Time) bool {
	switch {
	case g.Closed && g.ByHand():
		return by == APerson
	case g.Closed && g.Probe:
		return by == APerson || g.Prober != "" && g.Prober == by
	case g.Closed:
		return by == APerson || by.isPass() && g.Closer == by || !sent.Before(g.Since)
	default:
		return g.Strikes > 0 && !sent.Before(g.Since)
	}
}
