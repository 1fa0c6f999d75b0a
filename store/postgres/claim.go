package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Claim implements store.Work. A chunk whose asks are to wait, or that no
// running batch wants, gives nothing. An error means that nothing must be
// sent, also where the claim was committed after all.
func (s *Store) Claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error) {
	var made recorded
	var damaged *damagedError
	c, err := counted(ctx, s, func() (store.Claim, error) {
		return write(ctx, s, func(ctx context.Context, t *tx) (c store.Claim, err error) {
			made = recorded{}
			c, damaged, err = t.claim(ctx, r)
			made = recorded{call: c.Call, chunk: r.Chunk, owner: r.Owner, at: t.now}
			return c, err
		})
	})
	if _, unsure := errors.AsType[*unsureError](err); unsure && made.call != 0 {
		s.takeBack(ctx, made)
	}
	if err != nil || damaged == nil {
		return c, err
	}
	// Were the call left as it is, it would be judged as if it had been sent.
	_, err = s.Settle(context.WithoutCancel(ctx), store.Settlement{
		Call: c.Call, Verdicts: damaged.verdicts(), Rest: &store.Verdict{To: store.Queued, Unsent: true},
	})
	return store.Claim{}, errors.Join(damaged, err)
}

func (t *tx) claim(ctx context.Context, r store.ClaimRequest) (c store.Claim, damaged *damagedError, err error) {
	v, err := t.look(ctx, r.Chunk, r.Scopes, &r)
	if err != nil || v == nil {
		return c, nil, err
	}
	passed, err := t.pass(ctx, v.gates, r.Scopes)
	if err != nil {
		return c, nil, err
	}
	c = store.Claim{Provider: v.home.provider, Tenant: v.home.tenant, Left: v.CountReady(t.now), Part: v.Part}
	if c.Left == 0 {
		return c, nil, nil
	}
	in, err := t.interestOf(ctx, v.home, v.wants)
	if err != nil {
		return c, nil, err
	}
	passed, wanted, err := t.choose(ctx, v, passed, in.Running)
	if err != nil {
		return c, nil, err
	}
	payers := store.NewPayers(in)
	most, err := t.afford(ctx, v, r, payers, wanted, passed.Most(r))
	if err != nil {
		return c, nil, err
	}
	taken, moves := v.Take(most, t.now, payers.Of(wanted))
	if len(taken) == 0 {
		return c, nil, nil
	}
	moved := store.Tally{}
	for _, m := range moves {
		moved.Follow(m, in)
	}
	c.KeepRaw = in.KeepsRaw(v.Asks(taken))
	c.Probe, c.Probes = passed.Probe(), passed.Probes()
	v.claims++
	b := &pgx.Batch{}
	if err := t.queueRoom(ctx, b, len(taken)); err != nil {
		return c, nil, err
	}
	c.Payer = payers.Batch
	t.queueCall(b, &c.Call, r, v, taken, c.Payer)
	asks := t.queueAsks(b, v.Chunk, taken)
	saveChunk(b, v.chunk)
	t.queueCost(b, c.Payer, v.home, t.now, store.Claimed(r.Price, len(taken)))
	t.queueTally(b, moved)
	if err := t.send(ctx, b); err != nil {
		return c, nil, fmt.Errorf("record call: %w", err)
	}
	c.Left = v.CountReady(t.now)
	c.Asks, damaged = asks.open(t.s.sealer)
	if err := t.assertKeys(ctx, damaged); err != nil {
		return c, nil, err
	}
	return c, damaged, t.saveGates(ctx, passed.Take(store.CallProber(c.Call), r.Expires))
}

// last returns the narrowest of some scopes.
func last(scopes []string) string {
	if len(scopes) == 0 {
		return ""
	}
	return scopes[len(scopes)-1]
}

// view is a chunk that is locked, and what a claim must know beside it.
type view struct {
	*chunk
	home  *header
	wants []wantRow
	gates store.Gatehouse
	// services are closed gates below the last of those of a claim, budgets
	// those that may bound it.
	services store.Services
	budgets  []budgetRow
	// erased are those asks of the chunk that were erased; for settlements only.
	erased map[store.AskID]bool
}

// look reads a chunk and what belongs to it, with the gates of scopes, on one
// way to the server and back. For a claim the chunk is kept from changing, and
// what else it must know is read. It returns nil where there is no such chunk.
func (t *tx) look(ctx context.Context, id store.ChunkID, scopes []string, claim *store.ClaimRequest) (*view, error) {
	v := &view{home: &header{}}
	b := &pgx.Batch{}
	lock := ""
	if claim != nil {
		lock = " FOR UPDATE"
	}
	queueChunk(b, &v.chunk, "$1"+lock, id)
	b.Queue(headerQuery+"$1", id.Home()).QueryRow(v.home.scan)
	queueWants(b, &v.wants, "$1 AND (SELECT id + n - 1 FROM chunks WHERE id = $1)", id)
	queueGates(b, &v.gates, scopes)
	if claim != nil {
		queueServices(b, &v.services, last(scopes))
		queueBudgets(b, &v.budgets, id)
	}
	err := t.send(ctx, b)
	if errors.Is(err, errNoChunk) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read chunk: %w", err)
	}
	return v, nil
}

// queueChunk adds the reading, and perhaps locking, of a chunk to a batch of statements.
// It fails with errNoChunk where there is none.
func queueChunk(b *pgx.Batch, into **chunk, id string, args ...any) {
	b.Queue("SELECT "+chunkColumns+" FROM chunks WHERE id = "+id, args...).QueryRow(func(r pgx.Row) (err error) {
		*into, err = scanChunk(r)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoChunk
		}
		return err
	})
}

// queueCall adds the writing of the line of the ledger that is the claim to a
// batch of statements.
func (t *tx) queueCall(b *pgx.Batch, id *store.CallID, r store.ClaimRequest, v *view, taken store.Offsets, payer store.BatchNo) {
	scope := cmp.Or(last(r.Scopes), v.home.provider)
	b.Queue(`INSERT INTO calls (chunk, provider, scope, owner, state, n, requests, open, sent_at, expires_at, payer, price, currency)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`,
		v.ID, v.home.provider, scope, r.Owner, store.CallSending, len(taken), r.Requests(len(taken)), stored(taken), millis(t.now), millis(store.Millis(r.Expires)),
		payer, int64(r.Price.Each), r.Price.Currency).
		QueryRow(func(row pgx.Row) error { return row.Scan(id) })
}

// stored writes offsets as a column that is never NULL.
func stored(o store.Offsets) []byte { return o.Append([]byte{}) }

// StaleCalls implements store.Work.
func (s *Store) StaleCalls(ctx context.Context, limit int) ([]store.StaleCall, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.StaleCall, error) {
		var stale []store.StaleCall
		var held []store.AskID
		err := c.each(ctx, `SELECT id, chunk, provider, owner, open, sent_at FROM calls c
			WHERE state = 1 AND (expires_at <= $1 OR NOT EXISTS (
				SELECT 1 FROM workers w WHERE w.id = c.owner AND w.beat_at > `+beatTime("$2")+` - $3))
			ORDER BY id LIMIT $4`, func(r pgx.Rows) error {
			var call store.StaleCall
			var chunk store.ChunkID
			var open []byte
			var sent int64
			if err := r.Scan(&call.Call, &chunk, &call.Provider, &call.Owner, &open, &sent); err != nil {
				return err
			}
			offsets, err := store.ParseOffsets(open)
			for _, id := range offsets.From(chunk) {
				call.Asks, held = append(call.Asks, store.Ask{ID: id}), append(held, id)
			}
			call.Sent = fromMillis(sent)
			stale = append(stale, call)
			return err
		}, millis(s.clock()), s.beat(), workerLife.Milliseconds(), atMost(limit))
		if err != nil {
			return nil, fmt.Errorf("read stale calls: %w", err)
		}
		questions, err := c.questions(ctx, s.sealer, held)
		for _, call := range stale {
			for i := range call.Asks {
				if a, read := questions[call.Asks[i].ID]; read {
					call.Asks[i] = a
				}
			}
		}
		return stale, err
	})
}

// atMost makes a LIMIT of a bound that may be 0: none.
func atMost(limit int) *int {
	if limit <= 0 {
		return nil
	}
	return &limit
}
