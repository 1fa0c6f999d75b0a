package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// gate is a gate with the one who is out to probe it, and the one who closed
// it last.
type gate struct {
	store.Gate
	prober prober
	closer prober
}

// prober names a call, or a pass over a ticket. Only the verdict of the one
// that a gate let through as its probe opens the gate again, or extends it.
type prober string

func callProber(id store.CallID) prober { return prober(fmt.Sprintf("call %d", id)) }

func ticketProber(id store.TicketID, lease int64) prober {
	return prober(fmt.Sprintf("%s%d pass %d", ticketPrefix, id, lease))
}

const ticketPrefix = "ticket "

func (p prober) isPass() bool { return strings.HasPrefix(string(p), ticketPrefix) }

// aPerson may open any gate.
const aPerson prober = "person"

const gateColumns = "scope, closed, class, code, by, since, until, probe, strikes, probe_until, prober, closer"

func scanGate(stmt *sqlite.Stmt) gate {
	class, _ := providers.ParseClass(stmt.ColumnText(2)) // a class of a newer version shows as none
	return gate{
		Gate: store.Gate{
			Scope: stmt.ColumnText(0), Closed: stmt.ColumnBool(1), Class: class, Code: stmt.ColumnText(3), By: stmt.ColumnText(4),
			Since: columnTime(stmt, 5), Until: columnTime(stmt, 6), Probe: stmt.ColumnBool(7), Strikes: stmt.ColumnInt(8),
			ProbeUntil: columnTime(stmt, 9),
		},
		prober: prober(stmt.ColumnText(10)),
		closer: prober(stmt.ColumnText(11)),
	}
}

// Gates implements store.Store.
func (s *Store) Gates(ctx context.Context) ([]store.Gate, error) {
	return read(ctx, s, func(c conn) ([]store.Gate, error) {
		var gates []store.Gate
		err := c.each("SELECT "+gateColumns+" FROM gates ORDER BY scope", func(stmt *sqlite.Stmt) error {
			gates = append(gates, scanGate(stmt).Gate)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read gates: %w", err)
		}
		return gates, nil
	})
}

// SetGates implements store.Store.
func (s *Store) SetGates(ctx context.Context, c store.GateChanges) ([]store.GateEvent, error) {
	return write(ctx, s, func(t *tx) ([]store.GateEvent, error) { return t.changeGates(c, aPerson, t.now) })
}

func (c conn) gate(scope string) (*gate, error) {
	var g *gate
	_, err := c.one("SELECT "+gateColumns+" FROM gates WHERE scope = ?", func(stmt *sqlite.Stmt) {
		found := scanGate(stmt)
		g = &found
	}, scope)
	if err != nil {
		return nil, fmt.Errorf("read gate: %w", err)
	}
	return g, nil
}

func (t *tx) saveGate(g *gate) error {
	err := t.exec("INSERT OR REPLACE INTO gates ("+gateColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		g.Scope, g.Closed, g.Class.String(), g.Code, g.By, g.Since, g.Until, g.Probe, g.Strikes, g.ProbeUntil, string(g.prober), string(g.closer))
	if err != nil {
		return fmt.Errorf("write gate: %w", err)
	}
	return nil
}

// passage is what the gates on the way of a call have come to.
type passage []*gate

// probe reports whether the one who passes does so to find out.
func (p passage) probe() bool {
	for _, g := range p {
		if g.Probe {
			return true
		}
	}
	return false
}

// passGates returns the closed gates on the way that let this one through, or
// *store.GateClosedError. It writes nothing: what is let through may still
// have nothing to send.
func (t *tx) passGates(scopes []string) (passage, error) {
	var p passage
	for _, scope := range scopes {
		g, err := t.gate(scope)
		if err != nil {
			return nil, err
		}
		if g == nil || !g.Closed {
			continue
		}
		if g.Shut(t.now) {
			return nil, &store.GateClosedError{Gate: g.Gate}
		}
		p = append(p, g)
	}
	return p, nil
}

// takeProbes sends this one out as the probe of the gates that want one, until
// the given time. A gate that opens by time lets everyone pass from then on;
// it counts as closed until one of them has come through.
func (t *tx) takeProbes(p passage, by prober, until time.Time) error {
	for _, g := range p {
		if !g.Probe {
			continue
		}
		g.ProbeUntil, g.prober = store.Millis(until), by
		if err := t.saveGate(g); err != nil {
			return err
		}
	}
	return nil
}

// changeGates applies what a call or a person says about gates. sent is when
// the call was claimed: a success that is older than the last closing says
// nothing about it.
func (t *tx) changeGates(c store.GateChanges, by prober, sent time.Time) ([]store.GateEvent, error) {
	var events []store.GateEvent
	for _, change := range c.Close {
		g, err := t.gate(change.Scope)
		if err != nil {
			return nil, err
		}
		closed, event := t.closeGate(g, change, by)
		if closed == nil {
			continue
		}
		if err := t.saveGate(closed); err != nil {
			return nil, err
		}
		if event {
			events = append(events, store.GateEvent{Gate: closed.Gate})
		}
	}
	for _, scope := range c.Open {
		g, err := t.gate(scope)
		if err != nil {
			return nil, err
		}
		if g == nil || !openGate(g, by, sent) {
			continue
		}
		opened := g.Closed
		g.Closed, g.Strikes, g.ProbeUntil, g.prober = false, 0, time.Time{}, ""
		if err := t.saveGate(g); err != nil {
			return nil, err
		}
		if opened {
			events = append(events, store.GateEvent{Gate: g.Gate, Opened: true})
		}
	}
	return events, t.letProbes(c.Due)
}

// letProbes lets the next one who comes to a gate that waits for a probe be
// that probe.
func (t *tx) letProbes(scopes []string) error {
	for _, scope := range scopes {
		g, err := t.gate(scope)
		if err != nil {
			return err
		}
		if g == nil || !g.Closed || !g.Probe || !g.Until.IsZero() && !g.Until.After(t.now) {
			continue
		}
		g.Until = t.now
		if err := t.saveGate(g); err != nil {
			return err
		}
	}
	return nil
}

// closeGate returns the gate as the change leaves it, nil if it leaves it as
// it was, and whether that is news to a person.
func (t *tx) closeGate(g *gate, c store.GateClose, by prober) (closed *gate, event bool) {
	next := &gate{Gate: store.Gate{
		Scope: c.Scope, Closed: true, Class: c.Class, Code: c.Code, By: c.By,
		Since: t.now, Until: store.Millis(c.Until), Probe: c.Probe, Strikes: c.Strikes,
	}, closer: by}
	if c.Until.IsZero() {
		next.Until = time.Time{} // until a person opens it
	}
	if g == nil || !g.Closed {
		return next, true
	}
	verdict := g.prober != "" && g.prober == by
	if !verdict && !later(next.Until, g.Until) {
		return nil, false
	}
	next.Since = g.Since
	if g.Class != c.Class || g.Probe != c.Probe {
		next.Since = t.now
	}
	if !verdict {
		next.ProbeUntil, next.prober = g.ProbeUntil, g.prober
	}
	return next, g.Class != next.Class
}

// later compares times until which a gate is closed; the zero time is never.
func later(a, b time.Time) bool { return !b.IsZero() && (a.IsZero() || a.After(b)) }

// openGate reports whether a success changes the gate. It opens one that waits
// for a probe where it is the word of the probe or of a person, and one that
// opens by time where it comes from a request that was sent after it closed: a
// pass of polls knows the order of its own. At an open gate it ends a row of
// strikes.
func openGate(g *gate, by prober, sent time.Time) bool {
	switch {
	case g.Closed && g.Probe:
		return by == aPerson || g.prober != "" && g.prober == by
	case g.Closed:
		return by == aPerson || by.isPass() && g.closer == by || !sent.Before(g.Since)
	default:
		return g.Strikes > 0 && !sent.Before(g.Since)
	}
}
