package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

const gateColumns = "scope, closed, class, code, by_whom, since, until, probe, strikes, probe_until, prober, closer"

const gatesQuery = "SELECT " + gateColumns + " FROM gates WHERE scope = ANY($1) ORDER BY scope"

func scanGate(r pgx.Row) (*store.GateRecord, error) {
	g := &store.GateRecord{}
	var class string
	var since, until, probeUntil int64
	err := r.Scan(&g.Scope, &g.Closed, &class, &g.Code, &g.By, &since, &until, &g.Probe, &g.Strikes, &probeUntil, &g.Prober, &g.Closer)
	g.Class, _ = providers.ParseClass(class) // a class of a newer version shows as none
	g.Since, g.Until, g.ProbeUntil = fromMillis(since), fromMillis(until), fromMillis(probeUntil)
	return g, err
}

// Gates implements store.Store. A record without a class was made to be
// locked, by somebody who then closed no gate.
func (s *Store) Gates(ctx context.Context) ([]store.Gate, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Gate, error) {
		var gates []store.Gate
		err := c.each(ctx, "SELECT "+gateColumns+" FROM gates WHERE class <> '' ORDER BY scope", func(r pgx.Rows) error {
			g, err := scanGate(r)
			gates = append(gates, g.Gate)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read gates: %w", err)
		}
		return gates, nil
	})
}

// SetGates implements store.Store.
func (s *Store) SetGates(ctx context.Context, c store.GateChanges) ([]store.GateEvent, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) ([]store.GateEvent, error) {
		h, err := t.gates(ctx, c.Scopes(), "")
		if err != nil {
			return nil, err
		}
		return t.changeGates(ctx, h, c, store.APerson, t.now)
	})
}

// queueGates adds the reading of gates to a batch of statements.
func queueGates(b *pgx.Batch, into *store.Gatehouse, scopes []string) {
	b.Queue(gatesQuery, scopes).Query(func(rows pgx.Rows) error {
		*into = store.Gatehouse{}
		return eachOf(rows, func(r pgx.Rows) error { return scanInto(*into, r) })
	})
}

func (t *tx) gates(ctx context.Context, scopes []string, lock string) (store.Gatehouse, error) {
	h := store.Gatehouse{}
	rows, err := t.Query(ctx, gatesQuery+lock, scopes)
	if err == nil {
		err = eachOf(rows, func(r pgx.Rows) error { return scanInto(h, r) })
	}
	if err != nil {
		return nil, fmt.Errorf("read gates: %w", err)
	}
	return h, nil
}

func scanInto(h store.Gatehouse, r pgx.Row) error {
	g, err := scanGate(r)
	h[g.Scope] = g
	return err
}

// pass returns the closed gates that let this one through, or
// *store.GateClosedError. Where it would go as a probe the gates are locked:
// of several who come at once one is the probe.
func (t *tx) pass(ctx context.Context, h store.Gatehouse, scopes []string) (store.Passage, error) {
	p, err := h.Pass(scopes, t.now)
	if err != nil || !p.Probe() {
		return p, err
	}
	if h, err = t.gates(ctx, scopes, " FOR UPDATE"); err != nil {
		return nil, err
	}
	return h.Pass(scopes, t.now)
}

// changeGates applies what a call that was claimed at sent, or a person, says
// to gates that were read. Nearly always that changes nothing, and then no gate
// is locked.
func (t *tx) changeGates(ctx context.Context, h store.Gatehouse, c store.GateChanges, by store.Prober, sent time.Time) ([]store.GateEvent, error) {
	if h == nil {
		return nil, nil
	}
	if changed, _ := h.Change(c, by, sent, t.now); len(changed) == 0 {
		return nil, nil
	}
	if err := t.makeGates(ctx, c.Close); err != nil {
		return nil, err
	}
	h, err := t.gates(ctx, c.Scopes(), " FOR UPDATE")
	if err != nil {
		return nil, err
	}
	changed, events := h.Change(c, by, sent, t.now)
	var told bool
	b := &pgx.Batch{}
	queueSave(b, changed)
	b.Queue("SELECT " + listened).QueryRow(func(r pgx.Row) error { return r.Scan(&told) })
	if err := t.send(ctx, b); err != nil {
		return nil, fmt.Errorf("write gate: %w", err)
	}
	for _, e := range events {
		err := t.note(ctx, e.Entry(c))
		if err == nil && told {
			err = t.tell(ctx, e.News())
		}
		if err != nil {
			return nil, err
		}
	}
	return events, nil
}

// recall lets the next one probe in the place of one that has asked nothing.
func (t *tx) recall(ctx context.Context, by store.Prober) error {
	h := store.Gatehouse{}
	err := t.each(ctx, "SELECT "+gateColumns+" FROM gates WHERE prober = $1 ORDER BY scope FOR UPDATE",
		func(r pgx.Rows) error { return scanInto(h, r) }, by)
	if err != nil {
		return fmt.Errorf("read gates: %w", err)
	}
	return t.saveGates(ctx, h.Recall(by))
}

// makeGates makes records, open ones, of gates that are closed for the first
// time: what is not there cannot be locked.
func (t *tx) makeGates(ctx context.Context, closes []store.GateClose) error {
	scopes := make([]string, len(closes))
	for i, c := range closes {
		scopes[i] = c.Scope
	}
	slices.Sort(scopes)
	err := t.exec(ctx, `INSERT INTO gates (`+gateColumns+`)
		SELECT scope, false, '', '', '', 0, 0, false, 0, 0, '', '' FROM unnest($1::text[]) AS scope ORDER BY scope
		ON CONFLICT DO NOTHING`, slices.Compact(scopes))
	if err != nil {
		return fmt.Errorf("write gate: %w", err)
	}
	return nil
}

// saveGates writes gates that are locked.
func (t *tx) saveGates(ctx context.Context, gates []*store.GateRecord) error {
	b := &pgx.Batch{}
	queueSave(b, gates)
	if err := t.send(ctx, b); err != nil {
		return fmt.Errorf("write gate: %w", err)
	}
	return nil
}

// queueSave adds the writing of gates that are locked to a batch of statements.
func queueSave(b *pgx.Batch, gates []*store.GateRecord) {
	for _, g := range gates {
		b.Queue(`UPDATE gates SET closed = $2, class = $3, code = $4, by_whom = $5, since = $6, until = $7, probe = $8, strikes = $9,
			probe_until = $10, prober = $11, closer = $12 WHERE scope = $1`,
			g.Scope, g.Closed, g.Class.String(), g.Code, g.By, millis(g.Since), millis(g.Until), g.Probe, g.Strikes,
			millis(g.ProbeUntil), g.Prober, g.Closer)
	}
}
