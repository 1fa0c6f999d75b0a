package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// asks looks through the asks of a home whose time is over and deletes those
// that no list relies on. While it looks, lists may lose rows that were on some
// of them: then the home is looked through again.
func (x *expiry) asks(ctx context.Context, no store.BatchNo) error {
	_, err := write(ctx, x.s, func(t *tx) (struct{}, error) { return struct{}{}, t.setGone(no, store.GoneDue, store.GoneLooking) })
	if err != nil {
		return err
	}
	f := &forgetting{no: no, size: x.s.slice}
	f.next, f.last = askRange(no)
	for more := true; more; {
		var done store.Expired
		done, err = writeAlone(ctx, x.s, func(t *tx) (sum store.Expired, err error) {
			next := *f
			if more, err = next.slice(t); err != nil {
				return sum, err
			}
			sum, next.sum = next.sum, store.Expired{}
			*f = next
			return sum, nil
		})
		if err != nil {
			return fmt.Errorf("delete asks: %w", err)
		}
		x.sum.Asks += done.Asks
		x.sum.Given += done.Given
	}
	return nil
}

// setGone writes down how far a list has gone, unless somebody else has meanwhile.
func (t *tx) setGone(no store.BatchNo, from, to store.Gone) error {
	return t.exec("UPDATE batches SET gone = ? WHERE no = ? AND gone = ?", int(to), no, int(from))
}

// forgetting is one home being looked through. Each of its slices leaves books
// that balance.
type forgetting struct {
	no         store.BatchNo
	size       int
	next, last store.AskID
	sum        store.Expired
	pending    bool // asks that nobody relies on are still under way
}

// doomedAsk is an ask that no list relies on.
type doomedAsk struct {
	id, prev store.AskID
	question []byte
}

// slice looks through the next asks and reports whether there may be more.
func (f *forgetting) slice(t *tx) (more bool, err error) {
	to, err := t.number("SELECT max(id) FROM (SELECT id FROM asks WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?)", f.next, f.last, f.size)
	if err != nil {
		return false, err
	}
	if to == 0 {
		return false, f.end(t)
	}
	h, err := t.anyHeader(f.no)
	if err != nil {
		return false, err
	}
	doomed, err := t.doomed(h, unrelied, f.next, store.AskID(to))
	if err != nil {
		return false, err
	}
	for len(doomed) > 0 {
		k, err := t.chunkOf(doomed[0].id)
		if err == nil && k == nil {
			err = fmt.Errorf("%s is in no chunk", doomed[0].id.Name())
		}
		if err != nil {
			return false, err
		}
		n := 0
		for n < len(doomed) && k.Has(doomed[n].id) {
			n++
		}
		if err := f.forget(t, h, k, doomed[:n]); err != nil {
			return false, err
		}
		doomed = doomed[n:]
	}
	f.next = store.AskID(to) + 1
	return true, nil
}

// unrelied are the asks from ?1 to ?2 that no list but their home ?3 has rows
// on, be it by waiting on them, by knowing their answers or by having left them.
const unrelied = ` FROM asks WHERE id BETWEEN ?1 AND ?2
		AND NOT EXISTS (SELECT 1 FROM wants w WHERE w.ask = asks.id AND w.batch <> ?3)
		AND NOT EXISTS (SELECT 1 FROM rows r WHERE r.ask = asks.id AND r.cached = 1)
		AND NOT EXISTS (SELECT 1 FROM renewals n WHERE n.ask = asks.id)
		AND NOT EXISTS (SELECT 1 FROM renewals n WHERE n.next = asks.id)`

// doomed lists the asks of a query from first to last, ascending.
func (c conn) doomed(h *header, query string, first, last store.AskID) (all []doomedAsk, err error) {
	err = c.each("SELECT id, prev, question"+query+" ORDER BY id", func(stmt *sqlite.Stmt) error {
		all = append(all, doomedAsk{id: columnAsk(stmt, 0), prev: columnAsk(stmt, 1), question: columnBytes(stmt, 2)})
		return nil
	}, first, last, h.no)
	return all, err
}

// forget deletes asks of one chunk, with all that is known of them.
func (f *forgetting) forget(t *tx, h *header, k *chunk, doomed []doomedAsk) error {
	forgot := 0
	for _, d := range doomed {
		if !k.Forget(int(d.id - k.ID)) {
			f.pending = true
			continue
		}
		forgot++
		if err := t.exec("DELETE FROM answers WHERE ask = ?", d.id); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM wants WHERE ask = ?", d.id); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM erased_asks WHERE ask = ?", d.id); err != nil {
			return err
		}
		if err := t.freeAsk(h, d.id, d.prev, d.question); err != nil {
			return err
		}
	}
	if forgot == 0 {
		return nil
	}
	f.sum.Asks += forgot
	if err := t.save(k); err != nil {
		return err
	}
	if err := t.forgetTickets(k); err != nil {
		return err
	}
	given, err := t.forgetCalls(k)
	f.sum.Given += given
	return err
}

// forgetCalls writes down what has become of the calls of a chunk: which unknown
// asks of them were given up, and of which nothing is left to know, so that what
// was seen of them goes too. It returns how many asks were given up.
func (t *tx) forgetCalls(k *chunk) (given int, err error) {
	type line struct {
		id      store.CallID
		open    store.Offsets
		unknown int
	}
	var lines []line
	err = t.each("SELECT id, open, unknown FROM calls WHERE chunk = ?", func(stmt *sqlite.Stmt) error {
		open, err := store.ParseOffsets(columnBytes(stmt, 1))
		lines = append(lines, line{id: store.CallID(stmt.ColumnInt64(0)), open: open, unknown: stmt.ColumnInt(2)})
		return err
	}, k.ID)
	if err != nil {
		return 0, err
	}
	answering := map[store.CallID]bool{}
	err = t.each("SELECT DISTINCT call FROM answers WHERE ask BETWEEN ? AND ?", func(stmt *sqlite.Stmt) error {
		answering[store.CallID(stmt.ColumnInt64(0))] = true
		return nil
	}, k.ID, k.Last())
	for i := 0; err == nil && i < len(lines); i++ {
		l := lines[i]
		if lost := l.unknown - len(k.InState(l.open, store.Unknown)); lost > 0 {
			given += lost
			err = t.giveUpForgotten(k, l.id, l.open, lost)
		}
		if err == nil && !answering[l.id] && len(k.Kept(l.open)) == 0 {
			err = t.forgetCall(l.id)
		}
	}
	return given, err
}

// giveUpForgotten gives up unknown asks of a call that were struck out.
func (t *tx) giveUpForgotten(k *chunk, id store.CallID, open store.Offsets, n int) error {
	waiting, err := t.awaits(id)
	if err != nil {
		return err
	}
	state, unknown := k.CallState(open, waiting)
	if err := t.exec("UPDATE calls SET state = ?, unknown = ? WHERE id = ?", state, unknown, id); err != nil {
		return fmt.Errorf("write call: %w", err)
	}
	return t.writeDecision("give-up", id, n, store.Decision{By: store.ByPolicy, Reason: store.GivenUpWith})
}

// forgetCall deletes what is personal about a call all of whose asks are gone:
// the names of its tickets, what was seen of it, and what people wrote when they
// decided about it. Its line in the ledger stays, and how often it was polled.
func (t *tx) forgetCall(id store.CallID) error {
	var tickets []store.TicketID
	err := t.each("SELECT id FROM tickets WHERE call = ?", func(stmt *sqlite.Stmt) error {
		tickets = append(tickets, store.TicketID(stmt.ColumnInt64(0)))
		return nil
	}, id)
	for i := 0; err == nil && i < len(tickets); i++ {
		err = t.forgetTicket(tickets[i])
	}
	if err == nil {
		err = t.exec("UPDATE calls SET note = NULL WHERE id = ? AND note IS NOT NULL", id)
	}
	var decisions []int64
	if err == nil {
		err = t.each("SELECT id FROM decisions WHERE call = ? AND \"by\" <> ?", func(stmt *sqlite.Stmt) error {
			decisions = append(decisions, stmt.ColumnInt64(0))
			return nil
		}, id, store.ByPolicy)
	}
	for i := 0; err == nil && i < len(decisions); i++ {
		err = t.exec("UPDATE decisions SET reason = ? WHERE id = ?", t.s.sealer.SealReason(decisions[i], ""), decisions[i])
	}
	if err != nil {
		return fmt.Errorf("forget call: %w", err)
	}
	return nil
}

// forgetTicket takes its names from a ticket, which nobody asks about any more.
func (t *tx) forgetTicket(id store.TicketID) error {
	if err := t.forgetNames(id); err != nil {
		return err
	}
	if err := t.saveHandle(id, providers.Ticket{}); err != nil {
		return err
	}
	return t.exec("UPDATE tickets SET handle_key = CAST('gone ' || id AS BLOB), open = x'', closed = 1 WHERE id = ?", id)
}

// forgetTickets leaves asks that were struck out out of the tickets of a chunk.
// One that has no other is not asked about any more.
func (t *tx) forgetTickets(k *chunk) error {
	type line struct {
		id   store.TicketID
		open store.Offsets
	}
	var lines []line
	err := t.each("SELECT id, open FROM tickets WHERE chunk = ? AND open <> x''", func(stmt *sqlite.Stmt) error {
		open, err := store.ParseOffsets(columnBytes(stmt, 1))
		lines = append(lines, line{store.TicketID(stmt.ColumnInt64(0)), open})
		return err
	}, k.ID)
	for i := 0; err == nil && i < len(lines); i++ {
		kept := k.Kept(lines[i].open)
		if len(kept) < len(lines[i].open) {
			err = t.exec("UPDATE tickets SET open = ?, closed = closed OR ? WHERE id = ?", kept.Append(nil), len(kept) == 0, lines[i].id)
		}
	}
	return err
}

// end writes down what is left of the home.
func (f *forgetting) end(t *tx) error {
	first, last := askRange(f.no)
	left, err := t.number("SELECT EXISTS (SELECT 1 FROM asks WHERE id BETWEEN ? AND ?)", first, last)
	if err != nil {
		return err
	}
	to := store.GoneAll
	switch {
	case f.pending:
		to = store.GoneDue
	case left != 0:
		to = store.GoneShared
	}
	return t.setGone(f.no, store.GoneLooking, to)
}
