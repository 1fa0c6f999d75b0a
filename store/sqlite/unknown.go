package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Unknowns implements store.Reader.
func (s *Store) Unknowns(ctx context.Context, f store.UnknownFilter) ([]store.UnknownCall, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	return read(ctx, s, func(c conn) ([]store.UnknownCall, error) {
		var all []store.UnknownCall
		var lines []*call
		err := c.each(`SELECT id, chunk, open, n, sent_at, provider, class, code, resent_at FROM calls WHERE unknown > 0 AND id > ?1
			AND (?2 = 0 OR id = ?2) AND (?3 = '' OR provider = ?3) AND (NOT ?4 OR resent_at = 0)
			AND (?5 = 0 OR settled_at <= ?5) ORDER BY id`, func(stmt *sqlite.Stmt) error {
			open, err := store.ParseOffsets(columnBytes(stmt, 2))
			lines = append(lines, &call{
				id: store.CallID(stmt.ColumnInt64(0)), chunk: columnAsk(stmt, 1), open: open, n: stmt.ColumnInt(3), sent: columnTime(stmt, 4),
			})
			all = append(all, store.UnknownCall{
				Call: store.CallID(stmt.ColumnInt64(0)), Provider: stmt.ColumnText(5), Class: stmt.ColumnText(6), Code: stmt.ColumnText(7),
				Carried: stmt.ColumnInt(3), Sent: columnTime(stmt, 4),
			})
			return err
		}, f.After, f.Call, f.Provider, f.Untried, store.Until(f.By))
		if err != nil {
			return nil, fmt.Errorf("read unknown calls: %w", err)
		}
		kept := all[:0]
		for i := 0; i < len(all) && len(kept) < f.Limit; i++ {
			fits, err := c.standingOf(s, &all[i], lines[i], f)
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
func (c conn) standingOf(s *Store, u *store.UnknownCall, l *call, f store.UnknownFilter) (bool, error) {
	k, err := c.chunk(l.chunk)
	if err != nil || k == nil {
		return false, err
	}
	home, err := c.anyHeader(k.ID.Home())
	if err != nil {
		return false, err
	}
	in, err := c.interest(home, k.ID, k.Last())
	if err != nil {
		return false, err
	}
	u.Tenant = home.tenant
	asks := u.Count(k.Chunk, l.open, in)
	if !u.Fits(f) {
		return false, nil
	}
	for i := 0; u.SentSince(f.By) && i < len(asks); i++ {
		made, err := c.number("SELECT count(*) FROM renewals WHERE next = ? AND at >= ?", asks[i], f.By)
		if err != nil || made > 0 {
			return false, err
		}
	}
	sealed, err := c.readQuestions(asks)
	for _, a := range sealed {
		if q, err := s.sealer.OpenQuestion(a.ID, a.question); err == nil {
			u.Subjects = append(u.Subjects, q.Subject)
		}
	}
	return true, err
}

// Resend implements store.Repair.
func (s *Store) Resend(ctx context.Context, id store.CallID, d store.Decision) (store.Taken, error) {
	taken, err := write(ctx, s, func(t *tx) (total store.Taken, err error) {
		c, k, err := t.unknownCall(id)
		if err != nil {
			return total, err
		}
		home, err := t.anyHeader(k.ID.Home())
		if err != nil {
			return total, err
		}
		in, err := t.interest(home, k.ID, k.Last())
		if err != nil {
			return total, err
		}
		unknown := k.InState(c.open, store.Unknown)
		if d.By == store.ByPolicy {
			if unknown, err = t.neverResent(k, unknown); err != nil {
				return total, err
			}
		}
		for _, g := range in.Leaving(k.Asks(unknown), store.Unknown) {
			h, err := t.header(g.Batch)
			if err != nil {
				return total, err
			}
			taken, err := t.renew(h, store.Again{Leaving: g.Leaving, Resend: true, Asked: d.Asked})
			if err != nil {
				return total, err
			}
			total.Add(taken)
		}
		if err := t.exec("UPDATE calls SET resent_at = ? WHERE id = ?", t.now, id); err != nil {
			return total, err
		}
		if total.Rows == 0 {
			return total, nil
		}
		return total, t.writeDecision("resend", id, len(unknown), d)
	})
	if err != nil {
		return store.Taken{}, fmt.Errorf("resend call %d: %w", id, err)
	}
	return taken, nil
}

// neverResent leaves out the asks that came of another one whose outcome was
// unknown already.
func (t *tx) neverResent(k *chunk, offsets store.Offsets) (kept store.Offsets, err error) {
	for _, i := range offsets {
		n, err := t.number("SELECT resends FROM asks WHERE id = ?", k.Ask(i))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			kept = append(kept, i)
		}
	}
	return kept, nil
}

// unknownCall returns a call that has unknown asks, or store.ErrNoCall.
func (t *tx) unknownCall(id store.CallID) (*call, *chunk, error) {
	c, err := t.call(id)
	if err != nil {
		return nil, nil, err
	}
	if c == nil {
		return nil, nil, store.ErrNoCall
	}
	k, err := t.chunk(c.chunk)
	if err != nil {
		return nil, nil, err
	}
	if k == nil || len(k.InState(c.open, store.Unknown)) == 0 {
		return nil, nil, store.ErrNoCall
	}
	return c, k, nil
}

// GiveUp implements store.Repair.
func (s *Store) GiveUp(ctx context.Context, id store.CallID, d store.Decision) (int, error) {
	return s.judgeUnknown(ctx, "give-up", id, d, func(_ *tx, unknown []store.AskID) (store.Settlement, error) {
		return store.Settlement{Verdicts: store.GivenUp().Judged(unknown)}, nil
	})
}

// Adopt implements store.Repair.
func (s *Store) Adopt(ctx context.Context, id store.CallID, row store.RowID, n store.NewTicket, d store.Decision) (int, error) {
	n.Adopted = true
	return s.judgeUnknown(ctx, "adopt", id, d, func(t *tx, unknown []store.AskID) (r store.Settlement, err error) {
		on, err := t.asksOfRow(row)
		if err != nil {
			return r, err
		}
		named, err := n.Named(unknown, row, on)
		return store.Settlement{Verdicts: store.Verdict{To: store.Waiting}.Judged(named), Tickets: []store.NewTicket{n}}, err
	})
}

// asksOfRow returns the asks that a row is on and was on; none where there is
// no such row, or it is invalid.
func (c conn) asksOfRow(row store.RowID) (on []store.AskID, err error) {
	err = c.each(`WITH RECURSIVE past (ask) AS (SELECT ask FROM rows WHERE id = ?1 AND ask IS NOT NULL
			UNION SELECT n.next FROM renewals n JOIN past p ON n.ask = p.ask WHERE n.batch = ?1 >> 32)
		SELECT ask FROM past`, func(stmt *sqlite.Stmt) error {
		on = append(on, columnAsk(stmt, 0))
		return nil
	}, row)
	if err != nil {
		return nil, fmt.Errorf("read asks of row: %w", err)
	}
	return on, nil
}

// judgeUnknown settles unknown asks of a call by somebody's decision. judge
// says which and how.
func (s *Store) judgeUnknown(ctx context.Context, what string, id store.CallID, d store.Decision, judge func(t *tx, unknown []store.AskID) (store.Settlement, error)) (int, error) {
	n, err := write(ctx, s, func(t *tx) (int, error) {
		c, k, err := t.unknownCall(id)
		if err != nil {
			return 0, err
		}
		r, err := judge(t, k.Asks(k.InState(c.open, store.Unknown)))
		if err != nil {
			return 0, err
		}
		r.Call = id
		bodies, err := s.sealer.SealAnswers(r.Verdicts)
		if err != nil {
			return 0, err
		}
		done, err := t.settle(c, r, bodies)
		if err != nil {
			return 0, err
		}
		return done.Applied, t.writeDecision(what, id, done.Applied, d)
	})
	if err != nil {
		return 0, fmt.Errorf("%s call %d: %w", what, id, err)
	}
	return n, nil
}

// writeDecision writes a decision down.
func (t *tx) writeDecision(what string, id store.CallID, asks int, d store.Decision) error {
	err := t.exec(`INSERT INTO decisions (at, what, call, asks, "by", reason) VALUES (?, ?, ?, ?, ?, x'')`, t.now, what, id, asks, d.By)
	if err == nil {
		n := t.LastInsertRowID()
		err = t.exec("UPDATE decisions SET reason = ? WHERE id = ?", t.s.sealer.SealReason(n, d.Reason), n)
	}
	if err != nil {
		return fmt.Errorf("write decision: %w", err)
	}
	return nil
}

// Decisions implements store.Reader.
func (s *Store) Decisions(ctx context.Context, tenant string, limit int) ([]store.Decided, error) {
	return read(ctx, s, func(c conn) ([]store.Decided, error) {
		var all []store.Decided
		err := c.each(`SELECT id, at, what, call, asks, "by", reason FROM decisions d WHERE ?1 = ''
			OR EXISTS (SELECT 1 FROM calls c JOIN batches b ON b.no = c.chunk >> 32 WHERE c.id = d.call AND b.tenant = ?1) ORDER BY id DESC LIMIT ?2`, func(stmt *sqlite.Stmt) (err error) {
			d := store.Decided{At: columnTime(stmt, 1), What: stmt.ColumnText(2), Call: store.CallID(stmt.ColumnInt64(3)), Asks: stmt.ColumnInt(4)}
			d.By = stmt.ColumnText(5)
			d.Reason, err = s.sealer.OpenReason(stmt.ColumnInt64(0), columnBytes(stmt, 6))
			all = append(all, d)
			return err
		}, tenant, limit)
		if err != nil {
			return nil, fmt.Errorf("read decisions: %w", err)
		}
		return all, nil
	})
}
