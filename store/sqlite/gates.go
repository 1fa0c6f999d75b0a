package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

const gateColumns = "scope, closed, class, code, by, since, until, probe, strikes, probe_until, prober, closer"

func scanGate(stmt *sqlite.Stmt) *store.GateRecord {
	class, _ := providers.ParseClass(stmt.ColumnText(2)) // a class of a newer version shows as none
	return &store.GateRecord{
		Gate: store.Gate{
			Scope: stmt.ColumnText(0), Closed: stmt.ColumnBool(1), Class: class, Code: stmt.ColumnText(3), By: stmt.ColumnText(4),
			Since: columnTime(stmt, 5), Until: columnTime(stmt, 6), Probe: stmt.ColumnBool(7), Strikes: stmt.ColumnInt(8),
			ProbeUntil: columnTime(stmt, 9),
		},
		Prober: store.Prober(stmt.ColumnText(10)),
		Closer: store.Prober(stmt.ColumnText(11)),
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
	return write(ctx, s, func(t *tx) ([]store.GateEvent, error) { return t.changeGates(c, store.APerson, t.now) })
}

// gatehouse reads the gates of some scopes.
func (c conn) gatehouse(scopes []string) (store.Gatehouse, error) {
	h := store.Gatehouse{}
	for _, scope := range scopes {
		_, err := c.one("SELECT "+gateColumns+" FROM gates WHERE scope = ?", func(stmt *sqlite.Stmt) {
			h[scope] = scanGate(stmt)
		}, scope)
		if err != nil {
			return nil, fmt.Errorf("read gate: %w", err)
		}
	}
	return h, nil
}

// recall lets the next one probe in the place of one that has asked nothing.
func (t *tx) recall(by store.Prober) error {
	h := store.Gatehouse{}
	err := t.each("SELECT "+gateColumns+" FROM gates WHERE prober = ?", func(stmt *sqlite.Stmt) error {
		g := scanGate(stmt)
		h[g.Scope] = g
		return nil
	}, string(by))
	if err != nil {
		return fmt.Errorf("read gates: %w", err)
	}
	return t.saveGates(h.Recall(by))
}

func (t *tx) saveGates(gates []*store.GateRecord) error {
	for _, g := range gates {
		err := t.exec("INSERT OR REPLACE INTO gates ("+gateColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			g.Scope, g.Closed, g.Class.String(), g.Code, g.By, g.Since, g.Until, g.Probe, g.Strikes, g.ProbeUntil, string(g.Prober), string(g.Closer))
		if err != nil {
			return fmt.Errorf("write gate: %w", err)
		}
	}
	return nil
}

// pass returns the closed gates that let this one through, or
// *store.GateClosedError.
func (t *tx) pass(scopes []string) (store.Passage, error) {
	h, err := t.gatehouse(scopes)
	if err != nil {
		return nil, err
	}
	return h.Pass(scopes, t.now)
}

// changeGates applies what a call that was claimed at sent, or a person, says.
func (t *tx) changeGates(c store.GateChanges, by store.Prober, sent time.Time) ([]store.GateEvent, error) {
	h, err := t.gatehouse(c.Scopes())
	if err != nil {
		return nil, err
	}
	changed, events := h.Change(c, by, sent, t.now)
	if err := t.saveGates(changed); err != nil {
		return nil, err
	}
	for _, e := range events {
		if err := errors.Join(t.note(e.Entry(c)), t.tell(e.News())); err != nil {
			return nil, err
		}
	}
	return events, nil
}
