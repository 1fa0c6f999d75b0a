package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Sweep implements store.Erasing.
func (s *Store) Sweep(ctx context.Context, r store.SweepRequest) (store.Swept, error) {
	step, more := s.sealer.NewSweepStep(r)
	if !more {
		return store.Swept{Next: r.From, Done: true}, nil
	}
	err := s.lookFor(ctx, step)
	if err == nil && len(step.Hits) > 0 {
		if r.Dry {
			before := step.Done
			_, err = read(ctx, s, func(ctx context.Context, c conn) (none struct{}, err error) {
				step.Done = before // a snapshot that was lost begins anew
				return none, c.trace(ctx, step)
			})
		} else {
			err = s.eraseHits(ctx, step)
		}
	}
	if err != nil {
		return store.Swept{}, fmt.Errorf("search %s: %w", step.Column.Table, err)
	}
	return step.End(), nil
}

// swept is a value of a step.
type swept struct {
	key, ask int64
	sealed   []byte
	gone     bool
}

// lookFor searches the values of a step.
func (s *Store) lookFor(ctx context.Context, step *store.SweepStep) error {
	k := step.Column
	more := "0::bigint, false"
	if step.Is("rows") {
		more = "coalesce(ask, 0), EXISTS (SELECT 1 FROM erased_asks e WHERE e.ask = rows.ask)"
	}
	query := fmt.Sprintf("SELECT %[1]s, %[2]s, %[4]s FROM %[3]s WHERE %[1]s > $1 AND %[2]s IS NOT NULL ORDER BY %[1]s LIMIT $2", k.Key, k.Name, k.Table, more)
	values, err := read(ctx, s, func(ctx context.Context, c conn) (all []swept, err error) {
		err = c.each(ctx, query, func(r pgx.Rows) error {
			var v swept
			err := r.Scan(&v.key, &v.sealed, &v.ask, &v.gone)
			all = append(all, v)
			return err
		}, step.After, step.Limit)
		return all, err
	})
	for _, v := range values {
		step.Value(v.key, v.sealed, store.AskID(v.ask), v.gone)
	}
	return err
}

// trace notes what a dry step has found.
func (c conn) trace(ctx context.Context, step *store.SweepStep) error {
	asksOf := func(id store.RowID) ([]store.AskID, error) { return c.asksOf(ctx, id) }
	return step.Trace(asksOf, func(a store.AskID) error {
		_, err := c.asked(ctx, step, a)
		return err
	})
}

// asked is an ask that is to be erased, and those that asked the same before.
type asked struct {
	key          store.AskKey
	newest, prev store.AskID
	again        bool // the key is good
}

func (c conn) asked(ctx context.Context, step *store.SweepStep, a store.AskID) (k asked, err error) {
	var question []byte
	var tenant, provider string
	_, err = c.one(ctx, "SELECT question, coalesce(prev, 0), b.tenant, b.provider FROM asks JOIN batches b ON b.no = (asks.id >> 32)::int WHERE asks.id = $1",
		[]any{a}, &question, &k.prev, &tenant, &provider)
	if err != nil {
		return k, fmt.Errorf("read ask: %w", err)
	}
	if k.key, k.again = step.Asked(a, question, tenant, provider); !k.again {
		return k, nil
	}
	_, err = c.one(ctx, "SELECT ask FROM ask_keys WHERE key = $1", []any{k.key[:]}, &k.newest)
	return k, err
}

// asksOf lists the asks that a row was ever on.
func (c conn) asksOf(ctx context.Context, id store.RowID) ([]store.AskID, error) {
	return list[store.AskID](ctx, c, `WITH RECURSIVE chain (ask) AS (
			SELECT ask FROM rows WHERE id = $1 AND ask IS NOT NULL
			UNION SELECT n.next FROM chain JOIN renewals n ON n.batch = ($1 >> 32)::int AND n.ask = chain.ask)
		SELECT ask FROM chain`, int64(id))
}

// eraseHits erases what a step has found.
func (s *Store) eraseHits(ctx context.Context, step *store.SweepStep) error {
	before := step.Done
	quiet, err := write(ctx, s, func(ctx context.Context, t *tx) (*[]store.BatchNo, error) {
		step.Done = before // of a transaction that begins anew nothing counts
		e := &erasing{tx: t, step: step, moved: store.Tally{}}
		for _, key := range step.Hits {
			if err := e.hit(ctx, key); err != nil {
				return nil, err
			}
		}
		quiet := t.lookForQuiet(e.moved)
		if err := t.apply(ctx, e.moved); err != nil || step.Erasure == "" {
			return quiet, err
		}
		_, err := t.changeErasure(ctx, step.Erasure, func(e *store.Erasure) { e.Erased.Add(step.Done.Erased) })
		return quiet, err
	})
	if err != nil {
		return err
	}
	s.finishQuiet(ctx, quiet)
	return nil
}

// erasing is one step under way.
type erasing struct {
	*tx
	step  *store.SweepStep
	moved store.Tally
}

func (e *erasing) hit(ctx context.Context, key int64) error {
	count := &e.step.Done.Erased
	switch {
	case e.step.Column.Ask:
		return e.asks(ctx, store.AskID(key))
	case e.step.Is("rows"):
		return e.row(ctx, store.RowID(key))
	case e.step.Is("batches"):
		count.Lists++
		return e.meta(ctx, store.BatchNo(key)) //nolint:gosec // only batch numbers are stored there
	case e.step.Is("tickets"):
		return e.handle(ctx, store.TicketID(key))
	case e.step.Is("calls"):
		count.Notes++
		return e.exec(ctx, "UPDATE calls SET note = NULL WHERE id = $1", key)
	case e.step.Is("orphans"):
		count.Hints++
		if err := e.exec(ctx, "DELETE FROM orphan_names WHERE orphan = $1", key); err != nil {
			return err
		}
		return e.exec(ctx, "DELETE FROM orphans WHERE id = $1", key)
	default:
		count.Reasons++
		return e.exec(ctx, "UPDATE decisions SET reason = $1 WHERE id = $2", e.s.sealer.SealReason(key, ""), key)
	}
}

// row erases a row and, if it names who is looked for, all that was asked for
// it.
func (e *erasing) row(ctx context.Context, id store.RowID) error {
	if e.step.Named[int64(id)] {
		asks, err := e.asksOf(ctx, id)
		if err == nil {
			err = e.asks(ctx, asks...)
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
	return e.exec(ctx, "UPDATE rows SET line = $1 WHERE id = $2", line, id)
}

func (e *erasing) meta(ctx context.Context, no store.BatchNo) error {
	var sealed []byte
	if _, err := e.one(ctx, "SELECT meta FROM batches WHERE no = $1 FOR NO KEY UPDATE", []any{no}, &sealed); err != nil {
		return err
	}
	meta, err := e.step.ErasedMeta(no, sealed)
	if err != nil {
		return err
	}
	return e.exec(ctx, "UPDATE batches SET meta = $1 WHERE no = $2", meta, no)
}

// handle erases the name of a ticket. Of one that others wait on it stays until
// it is closed.
func (e *erasing) handle(ctx context.Context, id store.TicketID) error {
	left, err := e.s.sealer.SealHandle(id, providers.Ticket{})
	if err != nil {
		return err
	}
	tag, err := e.Exec(ctx, "UPDATE tickets SET handle = $1 WHERE id = $2 AND closed", left, id)
	if err == nil {
		e.step.Done.Erased.Tickets += int(tag.RowsAffected())
	}
	return err
}

// asks erases asks and all that asked the same.
func (e *erasing) asks(ctx context.Context, ids ...store.AskID) error {
	for seen := map[store.AskID]bool{0: true}; len(ids) > 0; {
		a := ids[len(ids)-1]
		ids = ids[:len(ids)-1]
		if seen[a] {
			continue
		}
		seen[a] = true
		k, err := e.asked(ctx, e.step, a)
		if err != nil {
			return err
		}
		ids = append(ids, k.newest, k.prev)
		if k.again {
			if err := e.exec(ctx, "DELETE FROM ask_keys WHERE key = $1", k.key[:]); err != nil {
				return err
			}
		}
		if err := e.ask(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// ask erases one ask.
func (e *erasing) ask(ctx context.Context, a store.AskID) error {
	tag, err := e.Exec(ctx, "INSERT INTO erased_asks (ask) VALUES ($1) ON CONFLICT DO NOTHING", a)
	if err != nil {
		return err
	}
	if tag.RowsAffected() > 0 {
		e.step.Done.Erased.Questions++
		if err := e.exec(ctx, "UPDATE asks SET question = $1 WHERE id = $2", e.s.sealer.ErasedQuestion(a), a); err != nil {
			return err
		}
		if err := e.stop(ctx, a); err != nil {
			return err
		}
	}
	return e.answer(ctx, a)
}

// answer erases what was answered.
func (e *erasing) answer(ctx context.Context, a store.AskID) error {
	var class, code string
	var body []byte
	found, err := e.one(ctx, "SELECT class, code, body FROM answers WHERE ask = $1 FOR UPDATE", []any{a}, &class, &code, &body)
	if err != nil || !found || !e.s.sealer.Tells(a, body) {
		return err
	}
	if body, err = e.s.sealer.ErasedAnswer(a, class, code); err != nil {
		return err
	}
	e.step.Done.Erased.Answers++
	return e.exec(ctx, "UPDATE answers SET body = $1 WHERE ask = $2", body, a)
}
