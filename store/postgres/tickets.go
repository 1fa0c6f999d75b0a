package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

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

// ticket locks and returns a ticket, or nil.
func (t *tx) ticket(ctx context.Context, id store.TicketID) (*ticket, error) {
	k := &ticket{id: id}
	var open []byte
	var due, deadline, intervalMS, leaseUntil, created, claimed, hinted int64
	found, err := t.one(ctx, `SELECT call, chunk, provider, open, handle, due_at, deadline_at, interval_ms, lease, lease_until,
		late, closed, created_at, claimed_at, hinted_at, adopted FROM tickets WHERE id = $1 FOR UPDATE`, []any{id},
		&k.call, &k.chunk, &k.provider, &open, &k.handle, &due, &deadline, &intervalMS, &k.lease, &leaseUntil,
		&k.late, &k.closed, &created, &claimed, &hinted, &k.adopted)
	if err == nil && found {
		k.open, err = store.ParseOffsets(open)
	}
	if err != nil {
		return nil, fmt.Errorf("read ticket: %w", err)
	}
	if !found {
		return nil, nil
	}
	k.due, k.deadline, k.interval = fromMillis(due), fromMillis(deadline), duration(intervalMS)
	k.leaseUntil, k.created, k.claimed, k.hinted = fromMillis(leaseUntil), fromMillis(created), fromMillis(claimed), fromMillis(hinted)
	return k, nil
}

// brought is a ticket that a call brought, with the asks that wait on it.
type brought struct {
	store.NewTicket
	key  []byte
	asks store.Offsets
}

// keepTickets writes the tickets that asks now wait on, in the order of their
// keys: two calls may bring the same at once.
func (t *tx) keepTickets(ctx context.Context, c store.CallID, v *view, tickets []store.NewTicket, waiting map[int]store.Offsets) error {
	all := make([]brought, 0, len(waiting))
	for i, asks := range waiting {
		if i < 0 || i >= len(tickets) {
			return errors.New("settle call: a verdict names a ticket that is not there")
		}
		all = append(all, brought{NewTicket: tickets[i], key: t.s.sealer.HandleKey(v.home.provider, tickets[i], c), asks: asks})
	}
	slices.SortFunc(all, func(a, b brought) int { return bytes.Compare(a.key, b.key) })
	for _, n := range all {
		if err := t.keepTicket(ctx, c, v, n); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) keepTicket(ctx context.Context, c store.CallID, v *view, n brought) error {
	var id store.TicketID
	b := &pgx.Batch{}
	queueHold(b, [][]byte{n.key})
	b.Queue("SELECT id FROM tickets WHERE handle_key = $1", n.key).QueryRow(func(r pgx.Row) error { return oneOrNone(r.Scan(&id)) })
	if err := t.send(ctx, b); err != nil {
		return fmt.Errorf("read ticket: %w", err)
	}
	if id != 0 {
		return t.joinTicket(ctx, c, id, n)
	}
	var hints forgotten
	b = &pgx.Batch{}
	b.Queue("SELECT nextval(pg_get_serial_sequence('tickets', 'id'))").QueryRow(func(r pgx.Row) error { return r.Scan(&id) })
	queueTakeOrphans(b, &hints, [][]byte{n.key})
	if err := t.send(ctx, b); err != nil {
		return fmt.Errorf("number ticket: %w", err)
	}
	if hints.n > 0 {
		n.Due = t.now
	}
	handle, err := t.s.sealer.SealHandle(id, n.Handle)
	if err != nil {
		return err
	}
	err = t.exec(ctx, `INSERT INTO tickets (id, call, chunk, provider, open, waiting, handle, handle_key, due_at, deadline_at, interval_ms,
			created_at, hinted_at, adopted)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		id, c, v.ID, v.home.provider, stored(n.asks), len(n.asks), handle, n.key, millis(n.Due), millis(n.Deadline),
		n.Interval.Milliseconds(), millis(t.now), millis(hints.last), n.Adopted)
	if err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	return nil
}

// joinTicket lets more asks of the same call wait on a ticket. A ticket of
// another call is refused: one of the two has misread its answer. So is one that
// answers one ask: it is that of the ask that it was brought or named for. Where
// a person names it a ticket begins anew, closed or late, and what was asked of
// it before must not end it: its lease is lost.
func (t *tx) joinTicket(ctx context.Context, c store.CallID, id store.TicketID, n brought) error {
	k, err := t.ticket(ctx, id)
	if err != nil {
		return err
	}
	if k == nil || k.call != c || k.closed && !n.Adopted || n.Single {
		return store.ErrTicketTaken
	}
	err = t.exec(ctx, "UPDATE tickets SET open = $1, waiting = waiting + $2, due_at = least(due_at, $3) WHERE id = $4",
		stored(k.open.Union(n.asks)), len(n.asks), millis(n.Due), id)
	if err == nil && n.Adopted {
		err = t.exec(ctx, "UPDATE tickets SET deadline_at = $1, late = false, adopted = true, closed = false, lease_until = 0, owner = '' WHERE id = $2",
			millis(n.Deadline), id)
	}
	if err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	return nil
}

// DueTickets implements store.Work.
func (s *Store) DueTickets(ctx context.Context, provider string, limit int) ([]store.TicketRef, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.TicketRef, error) {
		var refs []store.TicketRef
		err := c.each(ctx, `SELECT id, claims FROM tickets WHERE provider = $1 AND NOT closed AND due_at <= $2 AND lease_until <= $2
			ORDER BY due_at, id LIMIT $3`, func(r pgx.Rows) error {
			var ref store.TicketRef
			err := r.Scan(&ref.ID, &ref.Polls)
			refs = append(refs, ref)
			return err
		}, provider, millis(s.clock()), atMost(limit))
		if err != nil {
			return nil, fmt.Errorf("read due tickets: %w", err)
		}
		return refs, nil
	})
}

// NextDue implements store.Work.
func (s *Store) NextDue(ctx context.Context, provider string, then time.Time) (time.Time, error) {
	return read(ctx, s, func(ctx context.Context, c conn) (time.Time, error) {
		// A ticket that is due at the zero time is due, and there is one.
		var next *int64
		_, err := c.one(ctx, `SELECT min(greatest(due_at, lease_until, 1)) FROM tickets
			WHERE provider = $1 AND NOT closed AND greatest(due_at, lease_until, 1) > $2`, []any{provider, millis(then)}, &next)
		if err != nil {
			return time.Time{}, fmt.Errorf("read next ticket: %w", err)
		}
		if next == nil {
			return time.Time{}, nil
		}
		return fromMillis(*next), nil
	})
}

// ClaimTicket implements store.Work. Where the commit's answer is lost the
// ticket is given back.
func (s *Store) ClaimTicket(ctx context.Context, r store.TicketClaim) (store.OpenTicket, error) {
	var damaged *damagedError
	var taken int64
	var then time.Time
	o, err := write(ctx, s, func(ctx context.Context, t *tx) (o store.OpenTicket, err error) {
		o, damaged, err = t.claimTicket(ctx, r)
		taken, then = o.Lease, t.now
		return o, err
	})
	if _, unsure := errors.AsType[*unsureError](err); unsure && taken != 0 {
		s.takeTicketBack(ctx, r.ID, r.Owner, taken, then)
	}
	if err != nil || damaged == nil {
		return o, err
	}
	_, err = s.SettleTicket(context.WithoutCancel(ctx), store.TicketSettlement{
		ID: r.ID, Lease: o.Lease, Verdicts: damaged.verdicts(), Due: s.clock(),
	})
	return store.OpenTicket{}, errors.Join(damaged, err)
}

func (t *tx) claimTicket(ctx context.Context, r store.TicketClaim) (o store.OpenTicket, damaged *damagedError, err error) {
	o.ID = r.ID
	k, err := t.ticket(ctx, r.ID)
	if err != nil || k == nil || k.closed || k.due.After(t.now) || k.leaseUntil.After(t.now) {
		return o, nil, err
	}
	v, err := t.look(ctx, k.chunk, r.Scopes, nil)
	if err == nil && v == nil {
		err = errNoChunk
	}
	if err != nil {
		return o, nil, err
	}
	passed, err := t.pass(ctx, v.gates, r.Scopes)
	if err != nil {
		return o, nil, err
	}
	in, err := t.interestOf(ctx, v.home, v.wants)
	if err != nil {
		return o, nil, err
	}
	b := &pgx.Batch{}
	b.Queue("UPDATE tickets SET lease = lease + 1, claims = claims + 1, lease_until = $1, claimed_at = $2, owner = $3 WHERE id = $4",
		millis(store.Millis(r.Until)), millis(t.now), r.Owner, r.ID)
	asks := t.queueAsks(b, v.Chunk, k.open)
	queueHeard(b, &o.Heard, k.provider)
	if err := t.send(ctx, b); err != nil {
		return o, nil, fmt.Errorf("claim ticket: %w", err)
	}
	if err := t.saveGates(ctx, passed.Take(store.TicketProber(r.ID, k.lease+1), r.Until)); err != nil {
		return o, nil, err
	}
	o.Lease, o.Call, o.Provider, o.Created, o.Deadline, o.Interval = k.lease+1, k.call, k.provider, k.created, k.deadline, k.interval
	o.Due, o.Late, o.Probe, o.KeepRaw = k.due, k.late, passed.Probe(), in.KeepsRaw(v.Asks(k.open))
	o.Adopted, o.Trace = k.adopted, v.home.trace()
	o.Hinted = store.HintedSince(k.hinted, k.claimed)
	o.Asks, damaged = asks.open(t.s.sealer)
	if err := t.assertKeys(ctx, damaged); err != nil {
		return o, nil, err
	}
	o.Handle, err = t.s.sealer.OpenHandle(r.ID, k.handle)
	return o, damaged, err
}

// PollNow implements store.Work. A ticket that is being polled is counted and
// left alone.
func (s *Store) PollNow(ctx context.Context, no store.BatchNo) (int, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (int, error) {
		h, err := t.header(ctx, no)
		if err != nil {
			return 0, err
		}
		first, last := askRange(no)
		tag, err := t.Exec(ctx, `UPDATE tickets SET due_at = least(due_at, $1) WHERE id = ANY(ARRAY(
			SELECT id FROM tickets k WHERE provider = $2 AND NOT closed AND waiting > 0 AND (chunk BETWEEN $3 AND $4
				OR EXISTS (SELECT 1 FROM batch_homes h WHERE h.batch = $5 AND h.home = k.chunk >> 32)
				AND EXISTS (SELECT 1 FROM wants w WHERE w.batch = $5
					AND w.ask BETWEEN k.chunk AND (SELECT c.id + c.n - 1 FROM chunks c WHERE c.id = k.chunk)))
			ORDER BY id FOR UPDATE))`, millis(t.now), h.provider, first, last, no)
		if err != nil {
			return 0, fmt.Errorf("make tickets due: %w", err)
		}
		return int(tag.RowsAffected()), nil
	})
}
