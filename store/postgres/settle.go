package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// call is a line of the ledger as settling needs it.
type call struct {
	id      store.CallID
	open    store.Offsets
	n       int
	sent    time.Time
	waiting bool // asks wait on its tickets
	bill    store.Bill
}

// outcome is what a settlement did, and which of the batches that it touched
// seem to be done, once it is committed.
type outcome struct {
	store.Settled
	quiet *[]store.BatchNo
}

// Settle implements store.Work.
func (s *Store) Settle(ctx context.Context, r store.Settlement) (store.Settled, error) {
	bodies, err := s.sealer.SealAnswers(r.Verdicts)
	if err != nil {
		return store.Settled{}, err
	}
	return s.settleIf(ctx, r, bodies, nil)
}

// settleIf settles a call, as one that is not there unless due says that it is;
// nil: nothing is asked first.
func (s *Store) settleIf(ctx context.Context, r store.Settlement, bodies store.SealedAnswers, due func(context.Context, *tx) (bool, error)) (store.Settled, error) {
	done, err := write(ctx, s, func(ctx context.Context, t *tx) (outcome, error) {
		if due != nil {
			if due, err := due(ctx, t); err != nil || !due {
				return outcome{Settled: store.Settled{Refused: len(r.Verdicts)}}, err
			}
		}
		h, c, err := t.holding(ctx, r.Call, r.Gates)
		if err != nil {
			return outcome{}, err
		}
		if h == nil {
			return outcome{Settled: store.Settled{Refused: len(r.Verdicts)}}, nil
		}
		return t.settle(ctx, h, c, r, bodies)
	})
	if err != nil {
		return store.Settled{}, err
	}
	done.Done = s.finishQuiet(ctx, done.quiet)
	return done.Settled, nil
}

// holding locks the chunk of a call and reads both, on one way to the server
// and back. It returns nil where there is no such call.
func (t *tx) holding(ctx context.Context, id store.CallID, gates store.GateChanges) (*view, *call, error) {
	v, c := &view{home: &header{}}, &call{id: id}
	b := &pgx.Batch{}
	queueChunk(b, &v.chunk, "(SELECT chunk FROM calls WHERE id = $1) FOR UPDATE", id)
	b.Queue(`SELECT open, n, sent_at, EXISTS (SELECT 1 FROM tickets t WHERE t.call = c.id AND t.waiting > 0),
		payer, price, currency, charged, free FROM calls c WHERE id = $1`, id).QueryRow(c.scan)
	b.Queue(headerQuery+"(SELECT (chunk >> 32)::int FROM calls WHERE id = $1)", id).QueryRow(v.home.scan)
	queueWants(b, &v.wants, `(SELECT chunk FROM calls WHERE id = $1)
		AND (SELECT k.id + k.n - 1 FROM chunks k WHERE k.id = (SELECT chunk FROM calls WHERE id = $1))`, id)
	queueErased(b, &v.erased, id)
	if scopes := gates.Scopes(); len(scopes) > 0 {
		queueGates(b, &v.gates, scopes)
	}
	err := t.send(ctx, b)
	if errors.Is(err, errNoChunk) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read call: %w", err)
	}
	return v, c, nil
}

func (c *call) scan(r pgx.Row) error {
	var open []byte
	var sent int64
	err := r.Scan(&open, &c.n, &sent, &c.waiting, &c.bill.Payer, &c.bill.Price.Each, &c.bill.Price.Currency, &c.bill.Charged, &c.bill.Free)
	if err == nil {
		c.open, err = store.ParseOffsets(open)
	}
	c.sent = fromMillis(sent)
	return err
}

func (t *tx) settle(ctx context.Context, v *view, c *call, r store.Settlement, bodies store.SealedAnswers) (outcome, error) {
	ruling, err := v.Settle(store.Holding{Open: c.open, Carried: c.n, Bill: &c.bill, Erased: v.erased}, r.Verdicts, r.Rest, t.now)
	if err != nil {
		return outcome{}, err
	}
	r.Note = ruling.Noted(r.Note, v.Asks(c.open), v.erased)
	v.Wait(ruling, r.Ready)
	v.Bind(r.Part)
	b := &pgx.Batch{}
	moved, err := t.follow(ctx, b, v, ruling, c.id, bodies)
	if err != nil {
		return outcome{}, err
	}
	if err := t.keepTickets(ctx, c.id, v, r.Tickets, ruling.Waiting); err != nil {
		return outcome{}, err
	}
	t.saveCall(b, c, v, ruling, r)
	events, err := t.changeGates(ctx, v.gates, r.Gates, store.CallProber(c.id), c.sent)
	if err != nil {
		return outcome{}, err
	}
	if ruling.NotSent(c.n) {
		if err := t.recall(ctx, store.CallProber(c.id)); err != nil {
			return outcome{}, err
		}
	}
	t.queueCost(b, c.bill.Payer, v.home, c.sent, ruling.Billed(c.bill.Price))
	t.queueTally(b, moved)
	t.queueReadings(b, v.home.provider, ruling.Readings(r.Readings))
	if err := t.send(ctx, b); err != nil {
		return outcome{}, fmt.Errorf("settle call: %w", err)
	}
	return outcome{
		Settled: store.Settled{Applied: len(ruling.Moves), Refused: ruling.Refused, Late: ruling.Late, Gates: events,
			Moved: ruling.Moved(), Billed: ruling.Billed(c.bill.Price)},
		quiet: t.lookForQuiet(moved),
	}, nil
}

// follow puts together what a ruling means beside the call or ticket it was
// made on: answers, who leaves, the chunk. It returns the tally, which is to
// be written last.
func (t *tx) follow(ctx context.Context, b *pgx.Batch, v *view, r store.Ruling, by store.CallID, bodies store.SealedAnswers) (store.Tally, error) {
	if len(r.Moves) == 0 {
		saveChunk(b, v.chunk)
		return nil, nil
	}
	in, err := t.interestOf(ctx, v.home, v.wants)
	if err != nil {
		return nil, err
	}
	r.Forget(v.erased)
	if err := t.keepAnswers(ctx, b, r, by, bodies); err != nil {
		return nil, err
	}
	moved, err := r.Follow(v.Chunk, in, func(a store.AskID, no store.BatchNo) error {
		queueLeave(b, a, no)
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.SuppressErased(v.erased, in, moved)
	saveChunk(b, v.chunk)
	if r.Revives() {
		err = t.runAgain(ctx, moved.Batches())
	}
	return moved, err
}

// runAgain sets batches running that were done when an unknown ask of theirs
// turned out to be waiting. It comes with a chunk in hand, so it must not wait
// for who holds a batch and may want the chunk.
func (t *tx) runAgain(ctx context.Context, batches []store.BatchNo) error {
	held, err := list[store.BatchNo](ctx, t.conn, "SELECT no FROM batches WHERE no = ANY($1) ORDER BY no FOR UPDATE SKIP LOCKED", plain(batches))
	if err != nil {
		return fmt.Errorf("lock batch: %w", err)
	}
	if len(held) < len(batches) {
		return errAgain
	}
	return t.reopen(ctx, batches)
}

// reopen sets those of batches, which are held, running that were done: they
// have not ended, and their time begins anew when they do.
func (t *tx) reopen(ctx context.Context, batches []store.BatchNo) error {
	again, err := list[store.BatchNo](ctx, t.conn, "UPDATE batches SET state = 'running', done_at = 0, ended_at = 0 WHERE no = ANY($1) AND state = 'done' AND expired_at = 0 RETURNING no", plain(batches))
	if err != nil {
		return fmt.Errorf("run batch again: %w", err)
	}
	for _, no := range again {
		if err := t.note(ctx, store.Entry{What: store.EntryReopened, Batch: no}); err != nil {
			return err
		}
	}
	return nil
}

// queueLeave adds to a batch of statements that the rows of a batch are cut
// off from an ask.
func queueLeave(b *pgx.Batch, a store.AskID, no store.BatchNo) {
	b.Queue(`INSERT INTO wants (ask, batch, rows, has_left) VALUES ($1, $2, 0, true)
		ON CONFLICT (ask, batch) DO UPDATE SET has_left = true`, a, no)
}

// saveCall adds the writing of what the call has become to a batch of
// statements.
func (t *tx) saveCall(b *pgx.Batch, c *call, v *view, ruling store.Ruling, r store.Settlement) {
	state, unknown := v.CallState(ruling.Open, c.waiting || len(ruling.Waiting) > 0)
	b.Queue(`UPDATE calls SET state = $2, unknown = $3, requests = greatest(0, requests - $4), open = $5, settled_at = $6,
		class = coalesce(nullif($7, ''), class), code = coalesce(nullif($8, ''), code), note = coalesce($9, note),
		charged = charged + $10, free = free + $11 WHERE id = $1`,
		c.id, state, unknown, ruling.Unsent, stored(ruling.Open), millis(t.now), r.Class, r.Code, t.s.sealer.SealNote(c.id, r.Note),
		ruling.Charged, ruling.Free)
}
