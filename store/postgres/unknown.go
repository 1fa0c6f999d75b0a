package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Unknowns implements store.Reader.
func (s *Store) Unknowns(ctx context.Context, f store.UnknownFilter) ([]store.UnknownCall, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.UnknownCall, error) {
		var all []store.UnknownCall
		var chunks []store.ChunkID
		var open []store.Offsets
		err := c.each(ctx, `SELECT id, chunk, open, n, sent_at, provider, class, code FROM calls WHERE unknown > 0 AND id > $1
			AND ($2::bigint = 0 OR id = $2) AND ($3 = '' OR provider = $3) AND (NOT $4 OR resent_at = 0)
			AND ($5::bigint = 0 OR settled_at <= $5) ORDER BY id`, func(r pgx.Rows) error {
			var u store.UnknownCall
			var chunk store.ChunkID
			var held []byte
			var sent int64
			if err := r.Scan(&u.Call, &chunk, &held, &u.Carried, &sent, &u.Provider, &u.Class, &u.Code); err != nil {
				return err
			}
			offsets, err := store.ParseOffsets(held)
			u.Sent = fromMillis(sent)
			all, chunks, open = append(all, u), append(chunks, chunk), append(open, offsets)
			return err
		}, f.After, int64(f.Call), f.Provider, f.Untried, millis(store.Until(f.By)))
		if err != nil {
			return nil, fmt.Errorf("read unknown calls: %w", err)
		}
		kept := all[:0]
		for i := 0; i < len(all) && len(kept) < f.Limit; i++ {
			fits, err := c.standingOf(ctx, s, &all[i], chunks[i], open[i], f)
			if err != nil {
				return nil, fmt.Errorf("read unknown call: %w", err)
			}
			if fits {
				kept = append(kept, all[i])
			}
		}
		return kept, nil
	})
}

// standingOf fills in what the asks of an unknown call say, and reports
// whether the filter wants it.
func (c conn) standingOf(ctx context.Context, s *Store, u *store.UnknownCall, chunk store.ChunkID, open store.Offsets, f store.UnknownFilter) (bool, error) {
	found, err := c.chunks(ctx, "WHERE id = $1", chunk)
	if err != nil || len(found) == 0 {
		return false, err
	}
	k := found[0]
	home, err := c.anyHeader(ctx, k.ID.Home())
	if err != nil {
		return false, err
	}
	in, err := c.interest(ctx, home, k.ID, k.Last())
	if err != nil {
		return false, err
	}
	u.Tenant = home.tenant
	asks := u.Count(k.Chunk, open, in)
	if !u.Fits(f) {
		return false, nil
	}
	if u.SentSince(f.By) {
		made, err := c.truth(ctx, "SELECT EXISTS (SELECT 1 FROM renewals WHERE next = ANY($1) AND at >= $2)", plain(asks), millis(f.By))
		if err != nil || made {
			return false, err
		}
	}
	questions, err := c.questions(ctx, s.sealer, asks)
	for _, a := range asks {
		if q, readable := questions[a]; readable {
			u.Subjects = append(u.Subjects, q.Subject)
		}
	}
	return true, err
}

// Resend implements store.Repair.
func (s *Store) Resend(ctx context.Context, id store.CallID, d store.Decision) (store.Taken, error) {
	taken, err := write(ctx, s, func(ctx context.Context, t *tx) (total store.Taken, err error) {
		headers, v, c, err := t.holdLeavers(ctx, id)
		if err != nil {
			return total, err
		}
		in, err := t.interestOf(ctx, v.home, v.wants)
		if err != nil {
			return total, err
		}
		asks := v.Asks(v.InState(c.open, store.Unknown))
		if d.By == store.ByPolicy {
			if asks, err = list[store.AskID](ctx, t.conn, "SELECT id FROM asks WHERE id = ANY($1) AND resends = 0 ORDER BY id", plain(asks)); err != nil {
				return total, err
			}
		}
		for _, g := range in.Leaving(asks, store.Unknown) {
			h := headers[g.Batch]
			if h == nil {
				return total, errAgain // it has joined since
			}
			taken, err := t.renew(ctx, h, store.Again{Leaving: g.Leaving, Resend: true, Asked: d.Asked})
			if err != nil {
				return total, err
			}
			total.Add(taken)
		}
		if err := t.exec(ctx, "UPDATE calls SET resent_at = $1 WHERE id = $2", millis(t.now), id); err != nil || total.Rows == 0 {
			return total, err
		}
		return total, t.writeDecision(ctx, "resend", id, len(asks), d)
	})
	if err != nil {
		return store.Taken{}, fmt.Errorf("resend call %d: %w", id, err)
	}
	return taken, nil
}

// holdLeavers locks the batches that want unknown asks of a call, how far they
// are cut, and the call with its chunk; store.ErrNoCall: nothing of it is
// unknown.
func (t *tx) holdLeavers(ctx context.Context, id store.CallID) (map[store.BatchNo]*header, *view, *call, error) {
	batches, err := list[store.BatchNo](ctx, t.conn, `SELECT no FROM batches WHERE state IN ('running', 'paused', 'done') AND no = ANY(ARRAY(
			SELECT (chunk >> 32)::int FROM calls WHERE id = $1
			UNION SELECT w.batch FROM calls c JOIN chunks k ON k.id = c.chunk JOIN wants w ON w.ask BETWEEN k.id AND k.id + k.n - 1 WHERE c.id = $1))
		ORDER BY no FOR UPDATE`, id)
	if err == nil {
		err = t.exec(ctx, "SELECT 1 FROM cuts WHERE batch = ANY($1) ORDER BY batch FOR SHARE", plain(batches))
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("lock batches: %w", err)
	}
	v, c, err := t.unknownCall(ctx, id)
	if err != nil {
		return nil, nil, nil, err
	}
	headers := map[store.BatchNo]*header{}
	for _, no := range batches {
		if headers[no], err = t.header(ctx, no); err != nil {
			return nil, nil, nil, err
		}
	}
	return headers, v, c, nil
}

// unknownCall locks and returns a call that has unknown asks, or
// store.ErrNoCall.
func (t *tx) unknownCall(ctx context.Context, id store.CallID) (*view, *call, error) {
	v, c, err := t.holding(ctx, id, store.GateChanges{})
	if err != nil {
		return nil, nil, err
	}
	if v == nil || len(v.InState(c.open, store.Unknown)) == 0 {
		return nil, nil, store.ErrNoCall
	}
	return v, c, nil
}

// GiveUp implements store.Repair.
func (s *Store) GiveUp(ctx context.Context, id store.CallID, d store.Decision) (int, error) {
	return s.judgeUnknown(ctx, "give-up", id, d, func(_ context.Context, _ *tx, unknown []store.AskID) (store.Settlement, error) {
		return store.Settlement{Verdicts: store.GivenUp().Judged(unknown)}, nil
	})
}

// Adopt implements store.Repair.
func (s *Store) Adopt(ctx context.Context, id store.CallID, row store.RowID, n store.NewTicket, d store.Decision) (int, error) {
	n.Adopted = true
	return s.judgeUnknown(ctx, "adopt", id, d, func(ctx context.Context, t *tx, unknown []store.AskID) (r store.Settlement, err error) {
		on, err := t.asksOfRow(ctx, row)
		if err != nil {
			return r, err
		}
		named, err := n.Named(unknown, row, on)
		return store.Settlement{Verdicts: store.Verdict{To: store.Waiting}.Judged(named), Tickets: []store.NewTicket{n}}, err
	})
}

// asksOfRow returns the asks that a row is on and was on; none where there is
// no such row, or it is invalid.
func (c conn) asksOfRow(ctx context.Context, row store.RowID) ([]store.AskID, error) {
	on, err := list[store.AskID](ctx, c, `WITH RECURSIVE past (ask) AS (SELECT ask FROM rows WHERE id = $1 AND ask IS NOT NULL
			UNION SELECT n.next FROM renewals n JOIN past p ON n.ask = p.ask WHERE n.batch = ($1::bigint >> 32)::int)
		SELECT ask FROM past`, row)
	if err != nil {
		return nil, fmt.Errorf("read asks of row: %w", err)
	}
	return on, nil
}

// judgeUnknown settles unknown asks of a call by somebody's decision. judge
// says which and how.
func (s *Store) judgeUnknown(ctx context.Context, what string, id store.CallID, d store.Decision, judge func(ctx context.Context, t *tx, unknown []store.AskID) (store.Settlement, error)) (int, error) {
	done, err := write(ctx, s, func(ctx context.Context, t *tx) (o outcome, err error) {
		v, c, err := t.unknownCall(ctx, id)
		if err != nil {
			return o, err
		}
		r, err := judge(ctx, t, v.Asks(v.InState(c.open, store.Unknown)))
		if err != nil {
			return o, err
		}
		r.Call = id
		bodies, err := s.sealer.SealAnswers(r.Verdicts)
		if err != nil {
			return o, err
		}
		if o, err = t.settle(ctx, v, c, r, bodies); err != nil {
			return o, err
		}
		return o, t.writeDecision(ctx, what, id, o.Applied, d)
	})
	if err != nil {
		return 0, fmt.Errorf("%s call %d: %w", what, id, err)
	}
	s.finishQuiet(ctx, done.quiet)
	return done.Applied, nil
}

// writeDecision writes a decision down.
func (t *tx) writeDecision(ctx context.Context, what string, id store.CallID, asks int, d store.Decision) error {
	var n int64
	_, err := t.one(ctx, "SELECT nextval(pg_get_serial_sequence('decisions', 'id'))", nil, &n)
	if err == nil {
		err = t.exec(ctx, "INSERT INTO decisions (id, at, what, call, asks, by_whom, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			n, millis(t.now), what, id, asks, d.By, t.s.sealer.SealReason(n, d.Reason))
	}
	if err != nil {
		return fmt.Errorf("write decision: %w", err)
	}
	return nil
}

// Decisions implements store.Reader.
func (s *Store) Decisions(ctx context.Context, tenant string, limit int) ([]store.Decided, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Decided, error) {
		var all []store.Decided
		err := c.each(ctx, `SELECT id, at, what, call, asks, by_whom, reason FROM decisions d WHERE $1 = ''
			OR EXISTS (SELECT 1 FROM calls c JOIN batches b ON b.no = (c.chunk >> 32)::int WHERE c.id = d.call AND b.tenant = $1) ORDER BY id DESC LIMIT $2`, func(r pgx.Rows) error {
			var d store.Decided
			var id, at int64
			var sealed []byte
			err := r.Scan(&id, &at, &d.What, &d.Call, &d.Asks, &d.By, &sealed)
			if err == nil {
				d.At = fromMillis(at)
				d.Reason, err = s.sealer.OpenReason(id, sealed)
			}
			all = append(all, d)
			return err
		}, tenant, limit)
		if err != nil {
			return nil, fmt.Errorf("read decisions: %w", err)
		}
		return all, nil
	})
}
