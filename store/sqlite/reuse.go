package sqlite

import (
	"cmp"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// fate is what becomes of the rows of one question.
type fate uint8

const (
	fateNew     fate = iota // a new ask
	fateJoin                // an ask that is open, or of this very list
	fateCached              // a known answer
	fateUnknown             // an ask whose outcome is unknown
)

// newAsk is an ask to be written, with the row that is the first to want it.
type newAsk struct {
	id, prev store.AskID
	row      int
}

// decide gives every row its ask.
func (in *intake) decide(groups []question) error {
	if err := in.judgeKnown(groups); err != nil {
		return err
	}
	// New asks are numbered in the order of the rows, not of the keys, so
	// that a list is sent in the order in which it came.
	var fresh []*question
	for i := range groups {
		if groups[i].fate == fateNew {
			fresh = append(fresh, &groups[i])
		}
	}
	slices.SortFunc(fresh, func(a, b *question) int { return a.rows[0] - b.rows[0] })
	for _, q := range fresh {
		q.ask = store.NewAskID(in.h.no, in.h.asks)
		in.h.asks++
		in.newAsks = append(in.newAsks, newAsk{id: q.ask, prev: q.known, row: q.rows[0]})
		in.taken.Asks++
		in.taken.Shared += len(q.rows) - 1
		in.tally.add(in.h.no, store.Queued, len(q.rows))
		if len(q.rows) > 1 {
			in.wants[q.ask] = len(q.rows) - 1
		}
	}
	for i := range groups {
		for _, row := range groups[i].rows {
			in.rows[row].ask = groups[i].ask
			in.rows[row].cached = groups[i].fate == fateCached
		}
	}
	return nil
}

// judgeKnown settles the fate of questions that were asked before.
func (in *intake) judgeKnown(groups []question) error {
	var known []*question
	for i := range groups {
		if groups[i].known != 0 {
			known = append(known, &groups[i])
		}
	}
	slices.SortFunc(known, func(a, b *question) int { return cmp.Compare(a.known, b.known) })
	marks := chunkCache{conn: in.conn}
	for _, q := range known {
		m, err := marks.mark(q.known)
		if err != nil {
			return err
		}
		if q.fate, err = in.judge(q.known, m.State); err != nil {
			return err
		}
		n := len(q.rows)
		switch q.fate {
		case fateNew:
			continue
		case fateCached:
			in.taken.Cached += n
		case fateUnknown:
			in.taken.Unknown += n
			in.wants[q.known] += n
		case fateJoin:
			in.taken.Shared += n
			in.wants[q.known] += n
		}
		q.ask = q.known
		in.tally.add(in.h.no, m.State, n)
	}
	return nil
}

func (in *intake) judge(a store.AskID, s store.State) (fate, error) {
	own := a.Home() == in.h.no
	switch {
	case s.Open() || own:
		return fateJoin, nil
	case s == store.Unknown && !in.h.reuse.ResendUnknown:
		return fateUnknown, nil
	case in.h.reuse.Fresh || s != store.Found && s != store.NotFound:
		return fateNew, nil
	}
	maxAge := in.h.reuse.FreshFor
	if s == store.NotFound {
		maxAge = in.h.reuse.FreshNotFoundFor
	}
	at := int64(0)
	_, err := in.one("SELECT at FROM answers WHERE ask = ?", func(stmt *sqlite.Stmt) { at = stmt.ColumnInt64(0) }, a)
	if err != nil || in.now.Sub(fromMillis(at)) > maxAge || maxAge <= 0 {
		return fateNew, err
	}
	return fateCached, nil
}

// insertWants writes down which asks this list waits on beside the first rows
// of its own.
func (in *intake) insertWants() error {
	if len(in.wants) == 0 {
		return nil
	}
	stmt, err := in.Prepare(`INSERT INTO wants (ask, batch, rows) VALUES (?, ?, ?)
		ON CONFLICT (ask, batch) DO UPDATE SET rows = rows + excluded.rows`)
	if err != nil {
		return err
	}
	asks := make([]store.AskID, 0, len(in.wants))
	for a := range in.wants {
		asks = append(asks, a)
	}
	slices.Sort(asks)
	home := in.h.no
	for _, a := range asks {
		stmt.BindInt64(1, int64(a))
		stmt.BindInt64(2, int64(in.h.no))
		stmt.BindInt64(3, int64(in.wants[a]))
		if err := step(stmt); err != nil {
			return err
		}
		if a.Home() == home || a.Home() == in.h.no {
			continue
		}
		home = a.Home()
		if err := in.exec("INSERT INTO batch_homes (batch, home) VALUES (?, ?) ON CONFLICT DO NOTHING", in.h.no, home); err != nil {
			return err
		}
	}
	return nil
}
