package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// stop ends what is still to happen to an ask that was erased. One that is on
// its way to the provider is left to its call: its answer is not kept.
func (e *erasing) stop(ctx context.Context, a store.AskID) error {
	home, err := e.anyHeader(ctx, a.Home())
	if err != nil {
		return err
	}
	if home.cut <= a.Pos() { // it is queued, and has no mark to say otherwise
		if home, err = e.holdCut(ctx, home.no); err != nil {
			return err
		}
		if _, err := e.cut(ctx, home, restSize, home.asks, a.Pos()); err != nil {
			return err
		}
	}
	all, err := e.chunks(ctx, "WHERE id <= $1 ORDER BY id DESC LIMIT 1 FOR UPDATE", a)
	if err != nil || len(all) == 0 || !all[0].Has(a) {
		return err
	}
	k, i := all[0], int(a-all[0].ID)
	if k.State(i) != store.Queued {
		if err := e.notes(ctx, k, i); err != nil {
			return err
		}
		return e.tickets(ctx, k, i)
	}
	in, err := e.interest(ctx, home, a, a)
	if err != nil {
		return err
	}
	e.step.Done.Erased.Stopped += k.SuppressErased(map[store.AskID]bool{a: true}, in, e.moved)
	b := &pgx.Batch{}
	saveChunk(b, k)
	return e.send(ctx, b)
}

// notes erases what calls say that have an ask still.
func (e *erasing) notes(ctx context.Context, k *chunk, i int) error {
	var ids []int64
	err := e.each(ctx, "SELECT id, open FROM calls WHERE chunk = $1 AND note IS NOT NULL", func(r pgx.Rows) error {
		var id int64
		var held []byte
		if err := r.Scan(&id, &held); err != nil {
			return err
		}
		open, err := store.ParseOffsets(held)
		if open.Has(i) {
			ids = append(ids, id)
		}
		return err
	}, k.ID)
	if err != nil || len(ids) == 0 {
		return err
	}
	e.step.Done.Erased.Notes += len(ids)
	return e.exec(ctx, "UPDATE calls SET note = NULL WHERE id = ANY($1)", ids)
}

// tickets takes an ask from the tickets that it waits on, or from which a late
// answer would count.
func (e *erasing) tickets(ctx context.Context, k *chunk, i int) error {
	ids, err := list[store.TicketID](ctx, e.conn, "SELECT id FROM tickets WHERE chunk = $1 ORDER BY id", k.ID)
	for j := 0; j < len(ids) && err == nil; j++ {
		var t *ticket
		if t, err = e.ticket(ctx, ids[j]); err == nil && t != nil && t.open.Has(i) {
			err = e.leaveTicket(ctx, t, k.Ask(i), i)
		}
	}
	return err
}

func (e *erasing) leaveTicket(ctx context.Context, t *ticket, a store.AskID, i int) error {
	v, c, err := e.holding(ctx, t.call, store.GateChanges{})
	if err != nil {
		return err
	}
	if v == nil {
		return errNoChunk
	}
	b := &pgx.Batch{}
	open := t.open.Without(i)
	waits := v.State(i) == store.Waiting
	if waits {
		ruling, err := v.Settle(store.Holding{Open: t.open, Carried: len(t.open)}, []store.Verdict{store.Ends(a)}, nil, e.now)
		if err != nil {
			return err
		}
		open = ruling.Open
		e.step.Done.Erased.Ended++
		moved, err := e.follow(ctx, b, v, ruling, t.call, nil)
		if err != nil {
			return err
		}
		_ = moved.Each(func(no store.BatchNo, s store.State, n int) error {
			e.moved.Add(no, s, n)
			return nil
		})
	}
	saveTicket(b, t, open, v.Waiting(open))
	if len(open) == 0 {
		b.Queue("DELETE FROM ticket_names WHERE ticket = $1", t.id)
	}
	if waits && v.Waiting(open) == 0 {
		if err := e.endCall(ctx, b, c, v, t.id, false, nil); err != nil {
			return err
		}
	}
	if err := e.send(ctx, b); err != nil {
		return fmt.Errorf("leave ticket: %w", err)
	}
	return nil
}
