package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Sweep implements store.Erasing.
func (s *Store) Sweep(ctx context.Context, r store.SweepRequest) (store.Swept, error) {
	step, more := s.sealer.NewSweepStep(r)
	if !more {
		return store.Swept{Next: r.From, Done: true}, nil
	}
	_, err := readLong(ctx, s, func(c conn) (none struct{}, err error) { return none, c.look(step) })
	if err == nil && len(step.Hits) > 0 {
		if r.Dry {
			_, err = readLong(ctx, s, func(c conn) (none struct{}, err error) { return none, c.trace(step) })
		} else {
			_, err = writeAlone(ctx, s, func(t *tx) (none struct{}, err error) { return none, t.eraseHits(step) })
		}
	}
	if err != nil {
		return store.Swept{}, fmt.Errorf("search %s: %w", step.Column.Table, err)
	}
	return step.End(), nil
}

// look searches the values of a step.
func (c conn) look(step *store.SweepStep) error {
	k := step.Column
	more := "0, 0"
	if step.Is("rows") {
		more = "coalesce(ask, 0), ask IN (SELECT ask FROM erased_asks)"
	}
	return c.each(fmt.Sprintf("SELECT %[1]s, %[2]s, %[4]s FROM %[3]s WHERE %[1]s > ? AND %[2]s IS NOT NULL ORDER BY %[1]s LIMIT ?", k.Key, k.Name, k.Table, more),
		func(stmt *sqlite.Stmt) error {
			step.Value(stmt.ColumnInt64(0), columnBytes(stmt, 1), columnAsk(stmt, 2), stmt.ColumnBool(3))
			return nil
		}, step.After, step.Limit)
}

// trace notes what a dry step has found.
func (c conn) trace(step *store.SweepStep) error {
	return step.Trace(c.asksOf, func(a store.AskID) error {
		_, err := c.asked(step, a)
		return err
	})
}

// asked is an ask that is to be erased, and those that asked the same before.
type asked struct {
	tenant, provider string
	key              store.AskKey
	newest, prev     store.AskID
	again            bool // the key is good
}

func (c conn) asked(step *store.SweepStep, a store.AskID) (k asked, err error) {
	var question []byte
	_, err = c.one("SELECT question, coalesce(prev, 0), b.tenant, b.provider FROM asks JOIN batches b ON b.no = asks.id >> 32 WHERE asks.id = ?", func(stmt *sqlite.Stmt) {
		question, k.prev = columnBytes(stmt, 0), columnAsk(stmt, 1)
		k.tenant, k.provider = stmt.ColumnText(2), stmt.ColumnText(3)
	}, a)
	if err != nil {
		return k, fmt.Errorf("read ask: %w", err)
	}
	if k.key, k.again = step.Asked(a, question, k.tenant, k.provider); !k.again {
		return k, nil
	}
	newest, err := c.number("SELECT ask FROM ask_keys WHERE key = ?", k.key[:])
	k.newest = store.AskID(newest)
	return k, err
}

// asksOf lists the asks that a row was ever on.
func (c conn) asksOf(id store.RowID) ([]store.AskID, error) {
	first, err := c.number("SELECT coalesce(ask, 0) FROM rows WHERE id = ?", id)
	if err != nil || first == 0 {
		return nil, err
	}
	all := []store.AskID{store.AskID(first)}
	for {
		next, err := c.number("SELECT next FROM renewals WHERE batch = ? AND ask = ?", int64(id)>>32, all[len(all)-1])
		if err != nil || next == 0 {
			return all, err
		}
		all = append(all, store.AskID(next))
	}
}

// eraseHits erases what a step has found.
func (t *tx) eraseHits(step *store.SweepStep) error {
	e := &erasing{tx: t, step: step, moved: store.Tally{}}
	for _, key := range step.Hits {
		if err := e.hit(key); err != nil {
			return err
		}
	}
	if err := t.apply(e.moved); err != nil {
		return err
	}
	if _, err := t.finishTouched(e.moved); err != nil || step.Erasure == "" {
		return err
	}
	_, err := t.changeErasure(step.Erasure, func(e *store.Erasure) { e.Erased.Add(step.Done.Erased) })
	return err
}

// erasing is one step under way.
type erasing struct {
	*tx
	step  *store.SweepStep
	moved store.Tally
}

func (e *erasing) hit(key int64) error {
	count := &e.step.Done.Erased
	switch {
	case e.step.Column.Ask:
		return e.asks(store.AskID(key))
	case e.step.Is("rows"):
		return e.row(store.RowID(key))
	case e.step.Is("batches"):
		return e.meta(store.BatchNo(key), &count.Lists) //nolint:gosec // only batch numbers are stored there
	case e.step.Is("tickets"):
		return e.handle(store.TicketID(key))
	case e.step.Is("calls"):
		count.Notes++
		return e.exec("UPDATE calls SET note = NULL WHERE id = ?", key)
	case e.step.Is("orphans"):
		count.Hints++
		if err := e.exec("DELETE FROM orphan_names WHERE orphan = ?", key); err != nil {
			return err
		}
		return e.exec("DELETE FROM orphans WHERE id = ?", key)
	default:
		count.Reasons++
		return e.exec("UPDATE decisions SET reason = ? WHERE id = ?", e.s.sealer.SealReason(key, ""), key)
	}
}

// row erases a row and, if it names who is looked for, all that was asked for
// it.
func (e *erasing) row(id store.RowID) error {
	if e.step.Named[int64(id)] {
		asks, err := e.asksOf(id)
		if err == nil {
			err = e.asks(asks...)
		}
		if err != nil {
			return err
		}
	}
	line, err := e.s.sealer.ErasedLine(id)
	if err != nil {
		return err
	}
	e.step.Done.Erased.Rows++
	return e.exec("UPDATE rows SET line = ? WHERE id = ?", line, id)
}

func (e *erasing) meta(no store.BatchNo, count *int) error {
	var sealed []byte
	if _, err := e.one("SELECT meta FROM batches WHERE no = ?", func(stmt *sqlite.Stmt) { sealed = columnBytes(stmt, 0) }, no); err != nil {
		return err
	}
	meta, err := e.step.ErasedMeta(no, sealed)
	if err != nil {
		return err
	}
	*count++
	return e.exec("UPDATE batches SET meta = ? WHERE no = ?", meta, no)
}

// handle erases the name of a ticket. Of one that others wait on it stays until
// it is closed.
func (e *erasing) handle(id store.TicketID) error {
	if err := e.exec("UPDATE tickets SET handle = x'' WHERE id = ? AND closed", id); err != nil || e.Changes() == 0 {
		return err
	}
	e.step.Done.Erased.Tickets++
	return e.saveHandle(id, providers.Ticket{})
}

// asks erases asks and all that asked the same.
func (e *erasing) asks(ids ...store.AskID) error {
	for seen := map[store.AskID]bool{0: true}; len(ids) > 0; {
		a := ids[len(ids)-1]
		ids = ids[:len(ids)-1]
		if seen[a] {
			continue
		}
		seen[a] = true
		k, err := e.asked(e.step, a)
		if err != nil {
			return err
		}
		ids = append(ids, k.newest, k.prev)
		if k.again {
			if err := e.exec("DELETE FROM ask_keys WHERE key = ?", k.key[:]); err != nil {
				return err
			}
		}
		if err := e.ask(a); err != nil {
			return err
		}
	}
	return nil
}

// ask erases one ask.
func (e *erasing) ask(a store.AskID) error {
	if err := e.exec("INSERT INTO erased_asks (ask) VALUES (?) ON CONFLICT DO NOTHING", a); err != nil {
		return err
	}
	if e.Changes() > 0 {
		e.step.Done.Erased.Questions++
		if err := e.exec("UPDATE asks SET question = ? WHERE id = ?", e.s.sealer.ErasedQuestion(a), a); err != nil {
			return err
		}
		if err := e.stop(a); err != nil {
			return err
		}
	}
	return e.answer(a)
}

// answer erases what was answered.
func (e *erasing) answer(a store.AskID) error {
	var class, code string
	var body []byte
	found, err := e.one("SELECT class, code, body FROM answers WHERE ask = ?", func(stmt *sqlite.Stmt) {
		class, code, body = stmt.ColumnText(0), stmt.ColumnText(1), columnBytes(stmt, 2)
	}, a)
	if err != nil || !found || !e.s.sealer.Tells(a, body) {
		return err
	}
	if body, err = e.s.sealer.ErasedAnswer(a, class, code); err != nil {
		return err
	}
	e.step.Done.Erased.Answers++
	return e.exec("UPDATE answers SET body = ? WHERE ask = ?", body, a)
}

// stop ends what is still to happen to an ask. One that is on its way to the
// provider is left to its call: its answer is not kept.
func (e *erasing) stop(a store.AskID) error {
	home, err := e.anyHeader(a.Home())
	if err != nil {
		return err
	}
	for home.cut <= a.Pos() { // it is queued, and has no mark to say otherwise
		if _, err := e.cutChunk(home, restSize); err != nil {
			return err
		}
	}
	k, err := e.chunkOf(a)
	if err != nil || k == nil {
		return err
	}
	i := int(a - k.ID)
	if k.State(i) == store.Queued {
		in, err := e.interest(home, a, a)
		if err != nil {
			return err
		}
		e.step.Done.Erased.Stopped += k.SuppressErased(map[store.AskID]bool{a: true}, in, e.moved)
		return e.save(k)
	}
	if err := e.notes(k, i); err != nil {
		return err
	}
	return e.tickets(k, i)
}

// notes erases what calls say that have an ask still.
func (e *erasing) notes(k *chunk, i int) error {
	var ids []int64
	err := e.each("SELECT id, open FROM calls WHERE chunk = ? AND note IS NOT NULL", func(stmt *sqlite.Stmt) error {
		open, err := store.ParseOffsets(columnBytes(stmt, 1))
		if open.Has(i) {
			ids = append(ids, stmt.ColumnInt64(0))
		}
		return err
	}, k.ID)
	for j := 0; j < len(ids) && err == nil; j++ {
		e.step.Done.Erased.Notes++
		err = e.exec("UPDATE calls SET note = NULL WHERE id = ?", ids[j])
	}
	return err
}

// tickets takes an ask from the tickets that it waits on, or from which a late
// answer would count.
func (e *erasing) tickets(k *chunk, i int) error {
	var ids []store.TicketID
	err := e.each("SELECT id FROM tickets WHERE chunk = ?", func(stmt *sqlite.Stmt) error {
		ids = append(ids, store.TicketID(stmt.ColumnInt64(0)))
		return nil
	}, k.ID)
	for j := 0; j < len(ids) && err == nil; j++ {
		var t *ticket
		if t, err = e.ticket(ids[j]); err == nil && t.open.Has(i) {
			err = e.leaveTicket(t, k.Ask(i), i)
		}
	}
	return err
}

func (e *erasing) leaveTicket(t *ticket, a store.AskID, i int) error {
	k, home, err := e.held(t.chunk)
	if err != nil {
		return err
	}
	if k.State(i) != store.Waiting {
		if t.open = t.open.Without(i); len(t.open) == 0 {
			if err := e.forgetNames(t.id); err != nil {
				return err
			}
		}
		return e.saveTicket(t, t.open, k.Waiting(t.open))
	}
	ruling, err := k.Settle(store.Holding{Open: t.open, Carried: len(t.open)}, []store.Verdict{store.Ends(a)}, nil, e.now)
	if err != nil {
		return err
	}
	if err := e.saveTicket(t, ruling.Open, k.Waiting(ruling.Open)); err != nil {
		return err
	}
	if len(ruling.Open) == 0 {
		if err := e.forgetNames(t.id); err != nil {
			return err
		}
	}
	e.step.Done.Erased.Ended++
	if _, err := e.follow(k, home, ruling, t.call, nil); err != nil {
		return err
	}
	if k.Waiting(ruling.Open) > 0 {
		return nil
	}
	return e.endCall(t.call, k, home, nil)
}
