package sqlite

import (
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// call is a line of the ledger as settling needs it.
type call struct {
	id    store.CallID
	chunk store.ChunkID
	open  store.Offsets
	n     int
	sent  time.Time
	bill  store.Bill
}

// Settle implements store.Work.
func (s *Store) Settle(ctx context.Context, r store.Settlement) (store.Settled, error) {
	bodies, err := s.sealer.SealAnswers(r.Verdicts)
	if err != nil {
		return store.Settled{}, err
	}
	return write(ctx, s, func(t *tx) (store.Settled, error) {
		c, err := t.call(r.Call)
		if err != nil {
			return store.Settled{}, err
		}
		if c == nil {
			return store.Settled{Refused: len(r.Verdicts)}, nil
		}
		return t.settle(c, r, bodies)
	})
}

func (c conn) call(id store.CallID) (*call, error) {
	l := &call{id: id}
	var open []byte
	found, err := c.one("SELECT chunk, open, n, sent_at, "+billColumns+" FROM calls WHERE id = ?", func(stmt *sqlite.Stmt) {
		l.chunk, open = columnAsk(stmt, 0), columnBytes(stmt, 1)
		l.n, l.sent, l.bill = stmt.ColumnInt(2), columnTime(stmt, 3), columnBill(stmt, 4)
	}, id)
	if err == nil && found {
		l.open, err = store.ParseOffsets(open)
	}
	if err != nil {
		return nil, fmt.Errorf("read call: %w", err)
	}
	if !found {
		return nil, nil
	}
	return l, nil
}

func (t *tx) settle(c *call, r store.Settlement, bodies store.SealedAnswers) (store.Settled, error) {
	k, home, err := t.held(c.chunk)
	if err != nil {
		return store.Settled{}, err
	}
	ruling, err := k.Settle(store.Holding{Open: c.open, Carried: c.n, Bill: &c.bill, Erased: k.erased}, r.Verdicts, r.Rest, t.now)
	if err != nil {
		return store.Settled{}, err
	}
	if err := t.keepTickets(c, home, r.Tickets, ruling.Waiting); err != nil {
		return store.Settled{}, err
	}
	r.Note = ruling.Noted(r.Note, k.Asks(c.open), k.erased)
	k.Wait(ruling, r.Ready)
	k.Bind(r.Part)
	done, err := t.follow(k, home, ruling, c.id, bodies)
	if err != nil {
		return store.Settled{}, err
	}
	if err := t.saveCall(c.id, k, ruling, r); err != nil {
		return store.Settled{}, err
	}
	if err := t.addCost(c.bill.Payer, home, c.sent, ruling.Billed(c.bill.Price)); err != nil {
		return store.Settled{}, err
	}
	if err := t.keepReadings(home.provider, ruling.Readings(r.Readings)); err != nil {
		return store.Settled{}, err
	}
	events, err := t.changeGates(r.Gates, store.CallProber(c.id), c.sent)
	if err == nil && ruling.NotSent(c.n) {
		err = t.recall(store.CallProber(c.id))
	}
	return store.Settled{
		Applied: len(ruling.Moves), Refused: ruling.Refused, Late: ruling.Late, Done: done, Gates: events,
		Moved: ruling.Moved(), Billed: ruling.Billed(c.bill.Price),
	}, err
}

func (t *tx) chunkAndHome(id store.ChunkID) (*chunk, *header, error) {
	k, err := t.chunk(id)
	if err != nil {
		return nil, nil, err
	}
	if k == nil {
		return nil, nil, fmt.Errorf("read chunk %d of batch %d: it is not there", id.Pos(), id.Home())
	}
	home, err := t.anyHeader(id.Home())
	return k, home, err
}

// held is chunkAndHome for a settlement.
func (t *tx) held(id store.ChunkID) (*chunk, *header, error) {
	k, home, err := t.chunkAndHome(id)
	if err == nil {
		k.erased, err = t.erasedIn(k.ID, k.Last())
	}
	return k, home, err
}

// follow writes down what a ruling means beside the call or ticket it was
// made on: answers, the chunk, the tallies. It returns the batches that are
// done by it.
func (t *tx) follow(k *chunk, home *header, r store.Ruling, by store.CallID, bodies store.SealedAnswers) ([]store.BatchNo, error) {
	if len(r.Moves) == 0 {
		return nil, t.save(k)
	}
	in, err := t.interest(home, k.ID, k.Last())
	if err != nil {
		return nil, err
	}
	r.Forget(k.erased)
	if err := t.keepAnswers(r.Answers, by, bodies); err != nil {
		return nil, err
	}
	moved, err := r.Follow(k.Chunk, in, t.leave)
	if err != nil {
		return nil, err
	}
	k.SuppressErased(k.erased, in, moved)
	if err := t.save(k); err != nil {
		return nil, err
	}
	if err := t.apply(moved); err != nil {
		return nil, err
	}
	if r.Revives() {
		if err := t.runAgain(moved); err != nil {
			return nil, err
		}
	}
	return t.finishTouched(moved)
}

// runAgain sets batches running that were done when an unknown ask of theirs
// turned out to be waiting.
func (t *tx) runAgain(moved store.Tally) error {
	for b := range moved {
		if err := t.exec("UPDATE batches SET state = 'running', done_at = 0, ended_at = 0 WHERE no = ? AND state = 'done' AND expired_at = 0", b); err != nil {
			return fmt.Errorf("run batch again: %w", err)
		}
		if t.Changes() == 0 {
			continue
		}
		if err := t.note(store.Entry{What: store.EntryReopened, Batch: b}); err != nil {
			return err
		}
	}
	return nil
}

// keepAnswers stores answers; a late one replaces the failure.
func (t *tx) keepAnswers(answers []store.Answered, by store.CallID, bodies store.SealedAnswers) error {
	stmt, err := t.Prepare("INSERT OR REPLACE INTO answers (ask, at, call, body, class, code) VALUES (?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	for _, a := range answers {
		body, err := t.s.sealer.SealedAnswer(bodies, a)
		if err != nil {
			return err
		}
		stmt.BindInt64(1, int64(a.Ask))
		stmt.BindInt64(2, millis(a.Answer.At))
		stmt.BindInt64(3, int64(by))
		stmt.BindBytes(4, body)
		class, code := a.Answer.Cause()
		stmt.BindText(5, string(class))
		stmt.BindText(6, code)
		if err := step(stmt); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	return nil
}

// saveCall writes down what the call has become.
func (t *tx) saveCall(id store.CallID, k *chunk, ruling store.Ruling, r store.Settlement) error {
	waiting, err := t.awaits(id)
	if err != nil {
		return err
	}
	state, unknown := k.CallState(ruling.Open, waiting)
	err = t.exec(`UPDATE calls SET state = ?, unknown = ?, requests = max(0, requests - ?), open = ?, settled_at = ?, class = coalesce(nullif(?, ''), class),
		code = coalesce(nullif(?, ''), code), note = coalesce(?, note), charged = charged + ?, free = free + ? WHERE id = ?`,
		state, unknown, ruling.Unsent, ruling.Open.Append(nil), t.now, r.Class, r.Code, optional(t.s.sealer.SealNote(id, r.Note)),
		ruling.Charged, ruling.Free, id)
	if err != nil {
		return fmt.Errorf("write call: %w", err)
	}
	return nil
}

// awaits reports whether asks wait on a ticket of the call.
func (c conn) awaits(id store.CallID) (bool, error) {
	n, err := c.number("SELECT EXISTS (SELECT 1 FROM tickets WHERE call = ? AND waiting > 0)", id)
	if err != nil {
		return false, fmt.Errorf("read tickets: %w", err)
	}
	return n > 0, nil
}
