package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plateq/plateq/store"
)

// SettleTicket implements store.Work.
func (s *Store) SettleTicket(ctx context.Context, r store.TicketSettlement) (store.Settled, error) {
	bodies, err := s.sealer.SealAnswers(r.Verdicts)
	if err != nil {
		return store.Settled{}, err
	}
	return write(ctx, s, func(t *tx) (store.Settled, error) {
		k, err := t.ticket(r.ID)
		if err != nil {
			return store.Settled{}, err
		}
		if k == nil {
			return store.Settled{Refused: len(r.Verdicts)}, nil
		}
		return t.settleTicket(k, r, bodies)
	})
}

func (t *tx) settleTicket(k *ticket, r store.TicketSettlement, bodies store.SealedAnswers) (store.Settled, error) {
	// A lease that has run out and that nobody has taken since is still good.
	fenced := !k.closed && k.lease == r.Lease && !k.leaseUntil.IsZero()
	c, home, err := t.held(k.chunk)
	if err != nil {
		return store.Settled{}, err
	}
	ruling, err := c.Settle(store.Holding{Open: k.open, Carried: len(k.open), AnswersOnly: !fenced}, r.Verdicts, nil, t.now)
	if err != nil {
		return store.Settled{}, err
	}
	waiting := c.Waiting(ruling.Open)
	if fenced && r.Close && waiting > 0 {
		return store.Settled{}, fmt.Errorf("close ticket: %d asks still wait on it", waiting)
	}
	if err := t.saveTicket(k, ruling.Open, waiting); err != nil {
		return store.Settled{}, err
	}
	if fenced {
		if err := t.savePoll(k, r); err != nil {
			return store.Settled{}, err
		}
	}
	if fenced && r.Release {
		if err := t.forgetTicket(k.id); err != nil {
			return store.Settled{}, err
		}
	}
	if len(ruling.Open) == 0 || fenced && r.Close {
		if err := t.forgetNames(k.id); err != nil {
			return store.Settled{}, err
		}
	}
	done, err := t.follow(c, home, ruling, k.call, bodies)
	if err != nil {
		return store.Settled{}, err
	}
	if len(ruling.Moves) > 0 && waiting == 0 || len(ruling.Disowned) > 0 {
		if err := t.endCall(k.call, c, home, ruling.Disowned); err != nil {
			return store.Settled{}, err
		}
	}
	if err := t.keepReadings(home.provider, ruling.Readings(r.Readings)); err != nil {
		return store.Settled{}, err
	}
	settled := store.Settled{Applied: len(ruling.Moves), Refused: ruling.Refused, Late: ruling.Late, Done: done, Moved: ruling.Moved()}
	if fenced {
		settled.Gates, err = t.changeGates(r.Gates, store.TicketProber(k.id, r.Lease), k.claimed)
	}
	return settled, err
}

// saveTicket writes down who still waits. A ticket on which nobody waits, and
// for which no late answer can come, is closed.
func (t *tx) saveTicket(k *ticket, open store.Offsets, waiting int) error {
	err := t.exec("UPDATE tickets SET open = ?, waiting = ?, closed = closed OR ? WHERE id = ?",
		open.Append(nil), waiting, len(open) == 0, k.id)
	if err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	return nil
}

// forgetNames takes the names from a ticket that is closed.
func (t *tx) forgetNames(id store.TicketID) error {
	if err := t.exec("DELETE FROM ticket_names WHERE ticket = ?", id); err != nil {
		return fmt.Errorf("forget names of ticket: %w", err)
	}
	return nil
}

// savePoll writes down what only the holder of the lease may say.
func (t *tx) savePoll(k *ticket, r store.TicketSettlement) error {
	if err := t.nameTicket(k, r.Names); err != nil {
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
	err := t.exec(`UPDATE tickets SET due_at = ?, lease_until = ?, interval_ms = ?, late = late OR ?, closed = closed OR ?,
		polls = polls + ? WHERE id = ?`, due, leaseUntil, interval, r.Expire, r.Close, r.Polls, k.id)
	if err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	if r.Handle.ID == "" {
		return nil
	}
	return t.saveHandle(k.id, r.Handle)
}

// endCall ends the call of a ticket on which nobody waits any more, unless
// other asks of it are open. It has those back that the ticket disowned.
func (t *tx) endCall(id store.CallID, k *chunk, home *header, disowned store.Offsets) error {
	c, err := t.call(id)
	if err != nil {
		return err
	}
	if c == nil {
		return errors.New("read call: it is not there")
	}
	waiting, err := t.awaits(id)
	if err != nil {
		return err
	}
	open := c.open.Union(disowned)
	state, unknown := k.CallState(open, waiting)
	err = t.exec(`UPDATE calls SET state = ?1, unknown = ?2, open = ?3, charged = charged - ?4,
		settled_at = CASE WHEN ?4 > 0 THEN ?5 ELSE settled_at END WHERE id = ?6`,
		state, unknown, open.Append(nil), len(disowned), t.now, id)
	if err != nil {
		return fmt.Errorf("write call: %w", err)
	}
	return t.addCost(c.bill.Payer, home, c.sent, c.bill.Disowned(disowned))
}
