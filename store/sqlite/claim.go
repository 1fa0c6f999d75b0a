package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// sealedAsk is an ask as it is read inside the transaction; it is opened
// outside, so that the writer does not wait for it.
type sealedAsk struct {
	store.Ask
	question []byte
	prior    store.TicketID
	handle   []byte // of the prior ticket
}

// Claim implements store.Work. A chunk whose asks are to wait, or that no
// running batch wants, gives nothing. After an error no call is left to
// be judged, unless the store also fails to take one back: SQLite undoes what
// it could not commit, and no answer to a commit is lost on the way.
func (s *Store) Claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error) {
	type claimed struct {
		store.Claim
		sealed []sealedAsk
	}
	c, err := counted(ctx, s, func() (claimed, error) {
		return write(ctx, s, func(t *tx) (c claimed, err error) {
			c.Claim, c.sealed, err = t.claim(r)
			return c, err
		})
	})
	if err != nil {
		return store.Claim{}, err
	}
	if c.Asks, err = s.openAsks(c.sealed); err != nil {
		return store.Claim{}, errors.Join(err, s.unclaim(ctx, c.Call, c.sealed))
	}
	return c.Claim, nil
}

// unclaim settles a call that was recorded and cannot be sent, as an ask of it
// is damaged: the others are queued again. Were the call left as it is, it
// would be judged as if it had been sent.
func (s *Store) unclaim(ctx context.Context, id store.CallID, asks []sealedAsk) error {
	_, err := s.Settle(context.WithoutCancel(ctx), store.Settlement{
		Call: id, Verdicts: s.damaged(asks), Rest: &store.Verdict{To: store.Queued, Unsent: true},
	})
	return err
}

// damaged gives up the asks that cannot be read, so that they hold up no
// others. They fail as poison: no call can be made of them.
func (s *Store) damaged(asks []sealedAsk) []store.Verdict {
	var bad []store.Verdict
	for _, a := range asks {
		_, err := s.sealer.OpenQuestion(a.ID, a.question)
		if err == nil {
			_, err = s.sealer.OpenPrior(a.prior, a.handle)
		}
		if err != nil {
			bad = append(bad, store.Damaged(a.ID))
		}
	}
	return bad
}

func (t *tx) claim(r store.ClaimRequest) (store.Claim, []sealedAsk, error) {
	k, err := t.chunk(r.Chunk)
	if err != nil || k == nil {
		return store.Claim{}, nil, err
	}
	home, err := t.anyHeader(k.ID.Home())
	if err != nil {
		return store.Claim{}, nil, err
	}
	passed, err := t.pass(r.Scopes)
	if err != nil {
		return store.Claim{}, nil, err
	}
	c := store.Claim{Provider: home.provider, Tenant: home.tenant, Left: k.CountReady(t.now), Part: k.Part}
	if c.Left == 0 {
		return c, nil, nil
	}
	in, err := t.interest(home, k.ID, k.Last())
	if err != nil {
		return store.Claim{}, nil, err
	}
	passed, wanted, err := t.choose(k, r, passed, in.Running)
	if err != nil {
		return store.Claim{}, nil, err
	}
	payers := store.NewPayers(in)
	most, err := t.afford(k, home, r, payers, wanted, passed.Most(r))
	if err != nil {
		return store.Claim{}, nil, err
	}
	taken, moves := k.Take(most, t.now, payers.Of(wanted))
	if len(taken) == 0 {
		return c, nil, nil
	}
	if err := t.s.room.assert(len(taken)); err != nil {
		return store.Claim{}, nil, err
	}
	c.Payer = payers.Batch
	if c.Call, err = t.recordCall(r, k, home, taken, c.Payer); err != nil {
		return store.Claim{}, nil, err
	}
	if err := t.addCost(c.Payer, home, t.now, store.Claimed(r.Price, len(taken))); err != nil {
		return store.Claim{}, nil, err
	}
	k.claims++
	if err := t.save(k); err != nil {
		return store.Claim{}, nil, err
	}
	moved := store.Tally{}
	for _, m := range moves {
		moved.Follow(m, in)
	}
	c.KeepRaw = in.KeepsRaw(k.Asks(taken))
	if err := t.apply(moved); err != nil {
		return store.Claim{}, nil, err
	}
	c.Left = k.CountReady(t.now)
	c.Probe, c.Probes = passed.Probe(), passed.Probes()
	if err := t.saveGates(passed.Take(store.CallProber(c.Call), r.Expires)); err != nil {
		return store.Claim{}, nil, err
	}
	asks, err := t.readAsks(k.Chunk, taken)
	return c, asks, err
}

// recordCall writes the line of the ledger that is the claim.
func (t *tx) recordCall(r store.ClaimRequest, k *chunk, home *header, taken store.Offsets, payer store.BatchNo) (store.CallID, error) {
	scope := home.provider
	if len(r.Scopes) > 0 {
		scope = r.Scopes[len(r.Scopes)-1]
	}
	err := t.exec(`INSERT INTO calls (chunk, provider, scope, owner, state, n, requests, open, sent_at, expires_at, payer, price, currency)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.ID, home.provider, scope, r.Owner, store.CallSending, len(taken), r.Requests(len(taken)), taken.Append(nil), t.now, store.Millis(r.Expires),
		payer, int64(r.Price.Each), r.Price.Currency)
	if err != nil {
		return 0, fmt.Errorf("record call: %w", err)
	}
	return store.CallID(t.LastInsertRowID()), nil
}

// readAsks reads the asks of a chunk at the given offsets. One that is not
// there has no question and is found damaged when it is opened.
func (c conn) readAsks(k *store.Chunk, offsets store.Offsets) ([]sealedAsk, error) {
	asks, err := c.readQuestions(k.Asks(offsets))
	for n, i := range offsets[:len(asks)] {
		asks[n].Attempts = k.Mark(i).Attempts
	}
	return asks, err
}

// readQuestions is readAsks without what the chunk knows of them. Asks that
// follow each other are read in one go.
func (c conn) readQuestions(ids []store.AskID) ([]sealedAsk, error) {
	asks := make([]sealedAsk, len(ids))
	for i, id := range ids {
		asks[i].ID = id
	}
	for from := 0; from < len(ids); {
		to := from + 1
		for to < len(ids) && ids[to] == ids[to-1]+1 {
			to++
		}
		if err := c.readRun(asks[from:to]); err != nil {
			return nil, fmt.Errorf("read asks: %w", err)
		}
		from = to
	}
	return asks, nil
}

// readRun reads asks whose ids follow each other.
func (c conn) readRun(asks []sealedAsk) error {
	first := asks[0].ID
	return c.each(`SELECT id, question, found_before, prior, CASE WHEN prior IS NOT NULL THEN (SELECT handle FROM tickets t WHERE t.id = asks.prior) END, service
		FROM asks WHERE id BETWEEN ? AND ?`, func(stmt *sqlite.Stmt) error {
		a := &asks[columnAsk(stmt, 0)-first]
		a.question, a.FoundBefore, a.Service = columnBytes(stmt, 1), stmt.ColumnBool(2), stmt.ColumnText(5)
		a.prior, a.handle = store.TicketID(stmt.ColumnInt64(3)), columnBytes(stmt, 4)
		return nil
	}, int64(first), int64(first)+int64(len(asks))-1)
}

func (s *Store) openAsks(sealed []sealedAsk) ([]store.Ask, error) {
	asks := make([]store.Ask, len(sealed))
	for i, a := range sealed {
		q, err := s.sealer.OpenQuestion(a.ID, a.question)
		if err != nil {
			return nil, err
		}
		asks[i] = a.Ask
		asks[i].Subject, asks[i].Params = q.Subject, q.Params
		if asks[i].Prior, err = s.sealer.UsablePrior(a.prior, a.handle); err != nil {
			return nil, err
		}
	}
	return asks, nil
}

// StaleCalls implements store.Work.
func (s *Store) StaleCalls(ctx context.Context, limit int) ([]store.StaleCall, error) {
	now := s.clock()
	if limit <= 0 {
		limit = -1 // all
	}
	living, err := json.Marshal(s.beats.living(now.Add(-workerLife)))
	if err != nil {
		return nil, fmt.Errorf("read stale calls: %w", err)
	}
	return read(ctx, s, func(c conn) ([]store.StaleCall, error) {
		var stale []store.StaleCall
		var held [][]store.AskID
		err := c.each(`SELECT id, chunk, provider, owner, open, sent_at FROM calls c
			WHERE state = 1 AND (expires_at <= ?1 OR owner NOT IN (SELECT value FROM json_each(?4))
				AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = c.owner AND w.beat_at > ?2))
			ORDER BY id LIMIT ?3`, func(stmt *sqlite.Stmt) error {
			open, err := store.ParseOffsets(columnBytes(stmt, 4))
			if err != nil {
				return err
			}
			stale = append(stale, store.StaleCall{
				Call: store.CallID(stmt.ColumnInt64(0)), Provider: stmt.ColumnText(2),
				Owner: store.WorkerID(stmt.ColumnText(3)), Sent: columnTime(stmt, 5),
			})
			held = append(held, open.From(columnAsk(stmt, 1)))
			return nil
		}, now, now.Add(-workerLife), limit, string(living))
		if err != nil {
			return nil, fmt.Errorf("read stale calls: %w", err)
		}
		for i, ids := range held {
			asks, err := c.readQuestions(ids)
			if err != nil {
				return nil, err
			}
			for _, a := range asks {
				q, _ := s.sealer.OpenQuestion(a.ID, a.question) // empty where it cannot be read
				prior, _ := s.sealer.OpenPrior(a.prior, a.handle)
				stale[i].Asks = append(stale[i].Asks, store.Ask{ID: a.ID, Subject: q.Subject, Params: q.Params, Prior: prior})
			}
		}
		return stale, nil
	})
}

// LastCall implements store.Store. What can be read here is on the disk.
func (s *Store) LastCall(ctx context.Context) (written, given store.CallID, err error) {
	last, err := read(ctx, s, func(c conn) (store.CallID, error) {
		n, err := c.number("SELECT seq FROM sqlite_sequence WHERE name = 'calls'")
		return store.CallID(n), err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read last call: %w", err)
	}
	return last, last, nil
}
