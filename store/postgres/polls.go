package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// SettleTicket implements store.Work.
func (s *Store) SettleTicket(ctx context.Context, r store.TicketSettlement) (store.Settled, error) {
	bodies, err := s.sealer.SealAnswers(r.Verdicts)
	if err != nil {
		return store.Settled{}, err
	}
	done, err := write(ctx, s, func(ctx context.Context, t *tx) (outcome, error) {
		// The chunk of a ticket never changes, and is locked before it.
		var call store.CallID
		if found, err := t.one(ctx, "SELECT call FROM tickets WHERE id = $1", []any{r.ID}, &call); err != nil || !found {
			return outcome{Settled: store.Settled{Refused: len(r.Verdicts)}}, err
		}
		v, c, err := t.holding(ctx, call, r.Gates)
		if err != nil {
			return outcome{}, err
		}
		if v == nil {
			return outcome{}, errNoChunk
		}
		k, err := t.ticket(ctx, r.ID)
		if err != nil {
			return outcome{}, err
		}
		return t.settleTicket(ctx, v, c, k, r, bodies)
	})
	if err != nil {
		return store.Settled{}, err
	}
	done.Done = s.finishQuiet(ctx, done.quiet)
	return done.Settled, nil
}

func (t *tx) settleTicket(ctx context.Context, v *view, c *call, k *ticket, r store.TicketSettlement, bodies store.SealedAnswers) (outcome, error) {
	// A lease that has run out and that nobody has taken since is still good.
	fenced := !k.closed && k.lease == r.Lease && !k.leaseUntil.IsZero()
	ruling, err := v.Settle(store.Holding{Open: k.open, Carried: len(k.open), AnswersOnly: !fenced}, r.Verdicts, nil, t.now)
	if err != nil {
		return outcome{}, err
	}
	waiting := v.Waiting(ruling.Open)
	if fenced && r.Close && waiting > 0 {
		return outcome{}, fmt.Errorf("close ticket: %d asks still wait on it", waiting)
	}
	b := &pgx.Batch{}
	moved, err := t.follow(ctx, b, v, ruling, k.call, bodies)
	if err != nil {
		return outcome{}, err
	}
	saveTicket(b, k, ruling.Open, waiting)
	if fenced {
		if err := t.savePoll(ctx, b, k, r); err != nil {
			return outcome{}, err
		}
	}
	if fenced && r.Release {
		if err := t.queueForgetTicket(b, k.id); err != nil {
			return outcome{}, err
		}
	}
	if len(ruling.Open) == 0 || fenced && r.Close {
		b.Queue("DELETE FROM ticket_names WHERE ticket = $1", k.id)
	}
	if len(ruling.Moves) > 0 && waiting == 0 || len(ruling.Disowned) > 0 {
		if err := t.endCall(ctx, b, c, v, k.id, waiting > 0, ruling.Disowned); err != nil {
			return outcome{}, err
		}
	}
	done := outcome{
		Settled: store.Settled{Applied: len(ruling.Moves), Refused: ruling.Refused, Late: ruling.Late, Moved: ruling.Moved()},
		quiet:   t.lookForQuiet(moved),
	}
	if fenced {
		if done.Gates, err = t.changeGates(ctx, v.gates, r.Gates, store.TicketProber(k.id, r.Lease), k.claimed); err != nil {
			return outcome{}, err
		}
	}
	t.queueTally(b, moved)
	t.queueReadings(b, v.home.provider, ruling.Readings(r.Readings))
	if err := t.send(ctx, b); err != nil {
		return outcome{}, fmt.Errorf("settle ticket: %w", err)
	}
	return done, nil
}

// saveTicket adds the writing of who still waits to a batch of statements. A
// ticket on which nobody waits, and for which no late answer can come, is
// closed.
func saveTicket(b *pgx.Batch, k *ticket, open store.Offsets, waiting int) {
	b.Queue("UPDATE tickets SET open = $1, waiting = $2, closed = closed OR $3 WHERE id = $4", stored(open), waiting, len(open) == 0, k.id)
}

// savePoll adds the writing of what only the holder of the lease may say.
func (t *tx) savePoll(ctx context.Context, b *pgx.Batch, k *ticket, r store.TicketSettlement) error {
	if err := t.nameTicket(ctx, k, r.Names); err != nil {
		return err
	}
	due, leaseUntil := r.DueAfter(k.claimed, k.hinted), time.Time{}
	if r.Hold && !r.Close {
		due, leaseUntil = k.due, r.Due
	}
	interval := r.Interval
	if interval == 0 {
		interval = k.interval
	}
	handle := k.handle
	if r.Handle.ID != "" {
		var err error
		if handle, err = t.s.sealer.SealHandle(k.id, r.Handle); err != nil {
			return err
		}
	}
	b.Queue(`UPDATE tickets SET due_at = $1, lease_until = $2, interval_ms = $3, late = late OR $4, closed = closed OR $5,
		handle = $6, polls = polls + $8 WHERE id = $7`,
		millis(due), millis(leaseUntil), interval.Milliseconds(), r.Expire, r.Close, handle, k.id, r.Polls)
	return nil
}

// endCall ends the call of a ticket on which nobody waits any more, unless
// other asks of it are open. It has those back that the ticket disowned.
func (t *tx) endCall(ctx context.Context, b *pgx.Batch, c *call, v *view, than store.TicketID, waiting bool, disowned store.Offsets) error {
	others, err := t.truth(ctx, "SELECT EXISTS (SELECT 1 FROM tickets WHERE call = $1 AND waiting > 0 AND id <> $2)", c.id, than)
	if err != nil {
		return fmt.Errorf("read tickets: %w", err)
	}
	open := c.open.Union(disowned)
	state, unknown := v.CallState(open, waiting || others)
	b.Queue(`UPDATE calls SET state = $1, unknown = $2, open = $3, charged = charged - $5,
		settled_at = CASE WHEN $5 > 0 THEN $6 ELSE settled_at END WHERE id = $4`, state, unknown, stored(open), c.id, len(disowned), millis(t.now))
	t.queueCost(b, c.bill.Payer, v.home, c.sent, c.bill.Disowned(disowned))
	return nil
}
