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

// ticket is a ticket as it stands. Its handle stays sealed.
type ticket struct {
	id         store.TicketID
	call       store.CallID
	chunk      store.ChunkID
	provider   string
	open       store.Offsets
	handle     []byte
	due        time.Time
	deadline   time.Time
	interval   time.Duration
	lease      int64
	leaseUntil time.Time
	claimed    time.Time // when the lease was taken
	hinted     time.Time // when the last hint came
	late       bool
	closed     bool
	adopted    bool
	created    time.Time
}

func (c conn) ticket(id store.TicketID) (*ticket, error) {
	k := &ticket{id: id}
	var open []byte
	found, err := c.one(`SELECT call, chunk, provider, open, handle, due_at, deadline_at, interval_ms, lease, lease_until,
		late, closed, created_at, claimed_at, hinted_at, adopted FROM tickets WHERE id = ?`, func(stmt *sqlite.Stmt) {
		k.call, k.chunk, k.provider = store.CallID(stmt.ColumnInt64(0)), columnAsk(stmt, 1), stmt.ColumnText(2)
		open, k.handle = columnBytes(stmt, 3), columnBytes(stmt, 4)
		k.due, k.deadline, k.interval = columnTime(stmt, 5), columnTime(stmt, 6), columnDuration(stmt, 7)
		k.lease, k.leaseUntil = stmt.ColumnInt64(8), columnTime(stmt, 9)
		k.late, k.closed, k.created = stmt.ColumnBool(10), stmt.ColumnBool(11), columnTime(stmt, 12)
		k.claimed, k.hinted, k.adopted = columnTime(stmt, 13), columnTime(stmt, 14), stmt.ColumnBool(15)
	}, id)
	if err == nil && found {
		k.open, err = store.ParseOffsets(open)
	}
	if err != nil {
		return nil, fmt.Errorf("read ticket: %w", err)
	}
	if !found {
		return nil, nil
	}
	return k, nil
}

// keepTickets writes the tickets that asks now wait on.
func (t *tx) keepTickets(c *call, home *header, tickets []store.NewTicket, waiting map[int]store.Offsets) error {
	for i := range waiting {
		if i < 0 || i >= len(tickets) {
			return errors.New("settle call: a verdict names a ticket that is not there")
		}
	}
	for i, n := range tickets {
		if len(waiting[i]) == 0 {
			continue
		}
		if err := t.keepTicket(c, home.provider, n, waiting[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) keepTicket(c *call, provider string, n store.NewTicket, asks store.Offsets) error {
	key := t.s.sealer.HandleKey(provider, n, c.id)
	id, err := t.number("SELECT id FROM tickets WHERE handle_key = ?", key)
	if err != nil {
		return fmt.Errorf("read ticket: %w", err)
	}
	if id != 0 {
		return t.joinTicket(c, store.TicketID(id), n, asks)
	}
	hinted, err := t.takeOrphans(key)
	if err != nil {
		return err
	}
	if !hinted.IsZero() {
		n.Due = t.now
	}
	err = t.exec(`INSERT INTO tickets (call, chunk, provider, open, waiting, handle, handle_key, due_at, deadline_at, interval_ms, created_at, hinted_at, adopted)
		VALUES (?, ?, ?, ?, ?, x'', ?, ?, ?, ?, ?, ?, ?)`,
		c.id, c.chunk, provider, asks.Append(nil), len(asks), key, n.Due, n.Deadline, n.Interval, t.now, hinted, n.Adopted)
	if err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	return t.saveHandle(store.TicketID(t.LastInsertRowID()), n.Handle)
}

// joinTicket lets more asks of the same call wait on a ticket. A ticket of
// another call is refused: one of the two has misread its answer. So is one that
// answers one ask: it is that of the ask that it was brought or named for. Where
// a person names it a ticket begins anew, closed or late, and what was asked of
// it before must not end it: its lease is lost.
func (t *tx) joinTicket(c *call, id store.TicketID, n store.NewTicket, asks store.Offsets) error {
	k, err := t.ticket(id)
	if err != nil {
		return err
	}
	if k.call != c.id || k.closed && !n.Adopted || n.Single {
		return store.ErrTicketTaken
	}
	err = t.exec("UPDATE tickets SET open = ?, waiting = waiting + ?, due_at = min(due_at, ?) WHERE id = ?",
		k.open.Union(asks).Append(nil), len(asks), n.Due, id)
	if err == nil && n.Adopted {
		err = t.exec("UPDATE tickets SET deadline_at = ?, late = 0, adopted = 1, closed = 0, lease_until = 0, owner = '' WHERE id = ?", n.Deadline, id)
	}
	if err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	return nil
}

func (t *tx) saveHandle(id store.TicketID, h providers.Ticket) error {
	sealed, err := t.s.sealer.SealHandle(id, h)
	if err != nil {
		return err
	}
	if err := t.exec("UPDATE tickets SET handle = ? WHERE id = ?", sealed, id); err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	return nil
}

// DueTickets implements store.Work.
func (s *Store) DueTickets(ctx context.Context, provider string, limit int) ([]store.TicketRef, error) {
	now := s.clock()
	if limit <= 0 {
		limit = -1 // all
	}
	return read(ctx, s, func(c conn) ([]store.TicketRef, error) {
		var refs []store.TicketRef
		err := c.each(`SELECT id, claims FROM tickets WHERE provider = ?1 AND closed = 0 AND due_at <= ?2 AND lease_until <= ?2
			ORDER BY due_at, id LIMIT ?3`, func(stmt *sqlite.Stmt) error {
			refs = append(refs, store.TicketRef{ID: store.TicketID(stmt.ColumnInt64(0)), Polls: stmt.ColumnInt(1)})
			return nil
		}, provider, now, limit)
		if err != nil {
			return nil, fmt.Errorf("read due tickets: %w", err)
		}
		return refs, nil
	})
}

// NextDue implements store.Work.
func (s *Store) NextDue(ctx context.Context, provider string, then time.Time) (time.Time, error) {
	return read(ctx, s, func(c conn) (time.Time, error) {
		// A ticket that is due at the zero time is due, and there is one.
		var next time.Time
		_, err := c.one(`SELECT min(max(due_at, lease_until, 1)) FROM tickets
			WHERE provider = ?1 AND closed = 0 AND max(due_at, lease_until, 1) > ?2`, func(stmt *sqlite.Stmt) {
			next = columnTime(stmt, 0)
		}, provider, then)
		if err != nil {
			return time.Time{}, fmt.Errorf("read next ticket: %w", err)
		}
		return next, nil
	})
}

// ClaimTicket implements store.Work.
func (s *Store) ClaimTicket(ctx context.Context, r store.TicketClaim) (store.OpenTicket, error) {
	type claimed struct {
		store.OpenTicket
		handle []byte
		sealed []sealedAsk
	}
	c, err := write(ctx, s, func(t *tx) (c claimed, err error) {
		c.OpenTicket, c.handle, c.sealed, err = t.claimTicket(r)
		return c, err
	})
	if err != nil || c.Lease == 0 {
		return c.OpenTicket, err
	}
	if c.Handle, err = s.sealer.OpenHandle(r.ID, c.handle); err != nil {
		return store.OpenTicket{}, err
	}
	if c.Asks, err = s.openAsks(c.sealed); err != nil {
		_, settleErr := s.SettleTicket(context.WithoutCancel(ctx), store.TicketSettlement{
			ID: r.ID, Lease: c.Lease, Verdicts: s.damaged(c.sealed), Due: s.clock(),
		})
		return store.OpenTicket{}, errors.Join(err, settleErr)
	}
	return c.OpenTicket, nil
}

func (t *tx) claimTicket(r store.TicketClaim) (o store.OpenTicket, handle []byte, asks []sealedAsk, err error) {
	o.ID = r.ID
	k, err := t.ticket(r.ID)
	if err != nil || k == nil || k.closed || k.due.After(t.now) || k.leaseUntil.After(t.now) {
		return o, nil, nil, err
	}
	passed, err := t.pass(r.Scopes)
	if err != nil {
		return o, nil, nil, err
	}
	c, home, err := t.chunkAndHome(k.chunk)
	if err != nil {
		return o, nil, nil, err
	}
	in, err := t.interest(home, c.ID, c.Last())
	if err != nil {
		return o, nil, nil, err
	}
	o.KeepRaw = in.KeepsRaw(c.Asks(k.open))
	err = t.exec("UPDATE tickets SET lease = lease + 1, claims = claims + 1, lease_until = ?, claimed_at = ?, owner = ? WHERE id = ?",
		store.Millis(r.Until), t.now, r.Owner, r.ID)
	if err != nil {
		return o, nil, nil, fmt.Errorf("claim ticket: %w", err)
	}
	if err := t.saveGates(passed.Take(store.TicketProber(r.ID, k.lease+1), r.Until)); err != nil {
		return o, nil, nil, err
	}
	if asks, err = t.readAsks(c.Chunk, k.open); err != nil {
		return o, nil, nil, err
	}
	o.Lease, o.Call, o.Provider, o.Created, o.Deadline, o.Interval = k.lease+1, k.call, k.provider, k.created, k.deadline, k.interval
	o.Late, o.Adopted = k.late, k.adopted
	o.Due = k.due
	o.Probe, o.Trace = passed.Probe(), home.trace()
	o.Hinted = store.HintedSince(k.hinted, k.claimed)
	if o.Heard, err = t.heard(k.provider); err != nil {
		return o, nil, nil, err
	}
	return o, k.handle, asks, nil
}

// PollNow implements store.Work. A ticket that is being polled is counted and
// left alone.
func (s *Store) PollNow(ctx context.Context, no store.BatchNo) (int, error) {
	return write(ctx, s, func(t *tx) (int, error) {
		if _, err := t.header(no); err != nil {
			return 0, err
		}
		first, last := askRange(no)
		err := t.exec(`UPDATE tickets SET due_at = min(due_at, ?1) WHERE closed = 0 AND waiting > 0 AND (chunk BETWEEN ?2 AND ?3
			OR chunk IN (SELECT c.id FROM batch_homes h JOIN chunks c ON c.id BETWEEN h.home << 32 AND (h.home + 1 << 32) - 1
				WHERE h.batch = ?4 AND EXISTS (SELECT 1 FROM wants w WHERE w.batch = ?4 AND w.ask BETWEEN c.id AND c.id + c.n - 1)))`,
			t.now, first, last, no)
		if err != nil {
			return 0, fmt.Errorf("make tickets due: %w", err)
		}
		return t.Changes(), nil
	})
}
