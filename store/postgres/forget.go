package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// answersLock keeps answers from going while rows are put on them, which are
// not seen before their commit. Those who put rows on answers share it.
const answersLock = "(hashtextextended('plateq answers ' || current_schema(), 0))"

// asks looks through the asks of a home whose time is over and deletes those
// that no list relies on. While it looks, lists may lose rows that were on some
// of them: then the home is looked through again.
func (x *expiry) asks(ctx context.Context, no store.BatchNo) error {
	_, err := write(ctx, x.s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		b := &pgx.Batch{}
		queueGone(b, no, store.GoneDue, store.GoneLooking)
		return none, t.send(ctx, b)
	})
	if err != nil {
		return err
	}
	next, _ := askRange(no)
	f := forgetting{no: no, next: next}
	for more := true; more; {
		f, err = write(ctx, x.s, func(ctx context.Context, t *tx) (forgetting, error) {
			step := f
			step.sum = store.Expired{}
			more, err = step.slice(ctx, t)
			return step, err
		})
		if err != nil {
			return fmt.Errorf("delete asks: %w", err)
		}
		x.sum.Asks += f.sum.Asks
		x.sum.Given += f.sum.Given
	}
	return nil
}

// forgetting is one home being looked through. Each of its slices leaves books
// that balance.
type forgetting struct {
	no      store.BatchNo
	next    store.AskID
	sum     store.Expired
	pending bool // asks that nobody relies on are still under way
}

// slice looks through the next asks and reports whether there may be more.
func (f *forgetting) slice(ctx context.Context, t *tx) (more bool, err error) {
	if err := t.exec(ctx, "SELECT pg_advisory_xact_lock"+answersLock); err != nil {
		return false, err
	}
	_, last := askRange(f.no)
	var to store.AskID
	_, err = t.one(ctx, "SELECT coalesce(max(id), 0) FROM (SELECT id FROM asks WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3) a",
		[]any{f.next, last, slice}, &to)
	if err != nil {
		return false, err
	}
	if to == 0 {
		return false, f.end(ctx, t)
	}
	h, err := t.anyHeader(ctx, f.no)
	if err != nil {
		return false, err
	}
	all, err := t.doomed(ctx, h, unrelied, f.next, to, slice)
	if err == nil && len(all) > 0 {
		err = f.forget(ctx, t, all)
	}
	f.next = to + 1
	return true, err
}

// unrelied are the asks from $1 to $2 that no list but their home $3 has rows
// on, be it by waiting on them, by knowing their answers or by having left them.
const unrelied = ` FROM asks a WHERE id BETWEEN $1 AND $2
		AND NOT EXISTS (SELECT 1 FROM wants w WHERE w.ask = a.id AND w.batch <> $3)
		AND NOT EXISTS (SELECT 1 FROM rows r WHERE r.ask = a.id AND r.cached)
		AND NOT EXISTS (SELECT 1 FROM renewals n WHERE n.ask = a.id)
		AND NOT EXISTS (SELECT 1 FROM renewals n WHERE n.next = a.id)`

// doomed lists up to so many asks of a query from first to last, ascending.
func (t *tx) doomed(ctx context.Context, h *header, query string, first, last store.AskID, limit int) (all []doomed, err error) {
	err = t.each(ctx, "SELECT id, prev, question"+query+" ORDER BY id LIMIT $4", func(r pgx.Rows) error {
		d, err := t.scanDoomed(r, h)
		all = append(all, d)
		return err
	}, first, last, h.no, limit)
	if err == nil {
		err = t.findKeys(ctx, all)
	}
	return all, err
}

// forget deletes asks, with all that is known of them.
func (f *forgetting) forget(ctx context.Context, t *tx, all []doomed) error {
	homeFirst, _ := askRange(f.no)
	held, err := t.chunks(ctx, `WHERE id BETWEEN coalesce((SELECT max(id) FROM chunks WHERE id BETWEEN $1 AND $2), $2) AND $3 ORDER BY id FOR UPDATE`,
		homeFirst, all[0].id, all[len(all)-1].id)
	if err != nil {
		return err
	}
	var gone []doomed
	var ids []store.AskID
	touched := map[store.ChunkID]bool{}
	for _, d := range all {
		k := marks(held).chunk(d.id)
		if k == nil {
			return fmt.Errorf("%s is in no chunk", d.id.Name())
		}
		if !k.Forget(int(d.id - k.ID)) {
			f.pending = true
			continue
		}
		gone, ids, touched[k.ID] = append(gone, d), append(ids, d.id), true
	}
	if len(gone) == 0 {
		return nil
	}
	f.sum.Asks += len(gone)
	held = slices.DeleteFunc(held, func(k *chunk) bool { return !touched[k.ID] })
	b := &pgx.Batch{}
	b.Queue("DELETE FROM answers WHERE ask = ANY($1)", plain(ids))
	b.Queue("DELETE FROM wants WHERE ask = ANY($1)", plain(ids))
	b.Queue("DELETE FROM erased_asks WHERE ask = ANY($1)", plain(ids))
	for _, k := range held {
		saveChunk(b, k)
	}
	if err := t.send(ctx, b); err != nil {
		return err
	}
	if err := t.freeKeys(ctx, gone); err != nil {
		return err
	}
	if err := t.forgetTickets(ctx, held); err != nil {
		return err
	}
	given, err := t.forgetCalls(ctx, held)
	f.sum.Given += given
	return err
}

// forgetTickets leaves asks that were struck out out of the tickets of chunks.
// One that has no other is not asked about any more.
func (t *tx) forgetTickets(ctx context.Context, held marks) error {
	b := &pgx.Batch{}
	err := t.each(ctx, "SELECT id, chunk, open FROM tickets WHERE chunk = ANY($1) AND open <> '' ORDER BY id FOR UPDATE", func(r pgx.Rows) error {
		var id store.TicketID
		var chunk store.ChunkID
		var sealed []byte
		if err := r.Scan(&id, &chunk, &sealed); err != nil {
			return err
		}
		open, err := store.ParseOffsets(sealed)
		if err != nil {
			return err
		}
		if kept := held.chunk(chunk).Kept(open); len(kept) < len(open) {
			b.Queue("UPDATE tickets SET open = $1, closed = closed OR $2 WHERE id = $3", kept.Append([]byte{}), len(kept) == 0, id)
		}
		return nil
	}, plain(held.ids()))
	if err != nil {
		return err
	}
	return t.send(ctx, b)
}

// heldCall is a call of a chunk of which asks were struck out.
type heldCall struct {
	id      store.CallID
	chunk   store.ChunkID
	open    store.Offsets
	unknown int
	waiting bool
}

// forgetCalls writes down what has become of the calls of chunks: which unknown
// asks of them were given up, and of which nothing is left to know, so that what
// was seen of them goes too. It returns how many asks were given up.
func (t *tx) forgetCalls(ctx context.Context, held marks) (given int, err error) {
	var calls []heldCall
	err = t.each(ctx, `SELECT id, chunk, open, unknown, EXISTS (SELECT 1 FROM tickets t WHERE t.call = c.id AND t.waiting > 0)
		FROM calls c WHERE chunk = ANY($1) ORDER BY id`, func(r pgx.Rows) error {
		var c heldCall
		var open []byte
		err := r.Scan(&c.id, &c.chunk, &open, &c.unknown, &c.waiting)
		if err == nil {
			c.open, err = store.ParseOffsets(open)
		}
		calls = append(calls, c)
		return err
	}, plain(held.ids()))
	if err != nil {
		return 0, err
	}
	answering, err := t.answering(ctx, held)
	if err != nil {
		return 0, err
	}
	var over []store.CallID
	for _, c := range calls {
		k := held.chunk(c.chunk)
		if lost := c.unknown - len(k.InState(c.open, store.Unknown)); lost > 0 {
			given += lost
			if err := t.giveUpForgotten(ctx, k, c, lost); err != nil {
				return given, err
			}
		}
		if !answering[c.id] && len(k.Kept(c.open)) == 0 {
			over = append(over, c.id)
		}
	}
	return given, t.forgetSeen(ctx, over)
}

// answering lists the calls that brought the answers that are left in chunks.
func (t *tx) answering(ctx context.Context, held marks) (map[store.CallID]bool, error) {
	lasts := make([]store.AskID, len(held))
	for i, k := range held {
		lasts[i] = k.Last()
	}
	calls, err := list[store.CallID](ctx, t.conn, `SELECT DISTINCT a.call FROM unnest($1::bigint[], $2::bigint[]) AS k (lo, hi)
		CROSS JOIN LATERAL (SELECT call FROM answers WHERE ask BETWEEN k.lo AND k.hi) a`, plain(held.ids()), plain(lasts))
	answering := make(map[store.CallID]bool, len(calls))
	for _, id := range calls {
		answering[id] = true
	}
	return answering, err
}

// giveUpForgotten gives up unknown asks of a call that were struck out.
func (t *tx) giveUpForgotten(ctx context.Context, k *chunk, c heldCall, n int) error {
	state, unknown := k.CallState(c.open, c.waiting)
	if err := t.exec(ctx, "UPDATE calls SET state = $1, unknown = $2 WHERE id = $3", int(state), unknown, c.id); err != nil {
		return fmt.Errorf("write call: %w", err)
	}
	return t.writeDecision(ctx, "give-up", c.id, n, store.Decision{By: store.ByPolicy, Reason: store.GivenUpWith})
}

// forgetSeen deletes what is personal about calls all of whose asks are gone:
// the names of their tickets, what was seen of them, and what people wrote when
// they decided about them. Their lines in the ledger stay, and how often they
// were polled.
func (t *tx) forgetSeen(ctx context.Context, calls []store.CallID) error {
	if len(calls) == 0 {
		return nil
	}
	decisions, err := list[int64](ctx, t.conn, "SELECT id FROM decisions WHERE call = ANY($1) AND by_whom <> $2 ORDER BY id", plain(calls), store.ByPolicy)
	if err != nil {
		return err
	}
	tickets, err := list[store.TicketID](ctx, t.conn, "SELECT id FROM tickets WHERE call = ANY($1) ORDER BY id FOR UPDATE", plain(calls))
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue("DELETE FROM ticket_names WHERE ticket = ANY($1)", plain(tickets))
	for _, id := range tickets {
		if err := t.queueForgetTicket(b, id); err != nil {
			return err
		}
	}
	b.Queue("UPDATE calls SET note = NULL WHERE id = ANY($1) AND note IS NOT NULL", plain(calls))
	for _, id := range decisions {
		b.Queue("UPDATE decisions SET reason = $1 WHERE id = $2", t.s.sealer.SealReason(id, ""), id)
	}
	return t.send(ctx, b)
}

// queueForgetTicket takes its name from a ticket, which nobody asks about any
// more.
func (t *tx) queueForgetTicket(b *pgx.Batch, id store.TicketID) error {
	handle, err := t.s.sealer.SealHandle(id, providers.Ticket{})
	if err == nil {
		b.Queue("UPDATE tickets SET handle = $1, handle_key = convert_to('gone ' || id, 'UTF8'), open = '', closed = true WHERE id = $2", handle, id)
	}
	return err
}

// end writes down what is left of the home.
func (f *forgetting) end(ctx context.Context, t *tx) error {
	first, last := askRange(f.no)
	left, err := t.truth(ctx, "SELECT EXISTS (SELECT 1 FROM asks WHERE id BETWEEN $1 AND $2)", first, last)
	if err != nil {
		return err
	}
	to := store.GoneAll
	switch {
	case f.pending:
		to = store.GoneDue
	case left:
		to = store.GoneShared
	}
	b := &pgx.Batch{}
	queueGone(b, f.no, store.GoneLooking, to)
	return t.send(ctx, b)
}

// ids lists the chunks by their ids.
func (m marks) ids() []store.ChunkID {
	ids := make([]store.ChunkID, len(m))
	for i, k := range m {
		ids[i] = k.ID
	}
	return ids
}
