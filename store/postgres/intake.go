package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// PieceRows implements store.Intake.
func (s *Store) PieceRows() int { return 20_000 }

// Prepare implements store.Intake.
func (s *Store) Prepare(ctx context.Context, no store.BatchNo, first int, rows []store.NewRow) (store.Piece, error) {
	p := store.Piece{Rows: rows}
	h, err := read(ctx, s, func(ctx context.Context, c conn) (*header, error) { return c.header(ctx, no) })
	if err != nil {
		return p, err
	}
	return s.sealer.Prepare(ctx, h.tenant, h.provider, no, first, p)
}

// AddRows implements store.Intake.
func (s *Store) AddRows(ctx context.Context, no store.BatchNo, p store.Piece) (store.Taken, error) {
	for _, ready := p.PreparedFor(no); ; ready = false {
		if !ready {
			h, err := read(ctx, s, func(ctx context.Context, c conn) (*header, error) { return c.header(ctx, no) })
			if err != nil {
				return store.Taken{}, err
			}
			if p, err = s.sealer.Prepare(ctx, h.tenant, h.provider, no, h.rows+1, p); err != nil {
				return store.Taken{}, err
			}
		}
		plan, err := s.takePiece(ctx, no, p)
		if err != nil {
			return store.Taken{}, fmt.Errorf("add rows: %w", err)
		}
		if plan != nil {
			return plan.Taken, nil
		}
		// Another piece came first: these rows have other numbers now.
	}
}

// takePiece takes a piece in at the place that it is prepared for; nil: that is
// not its place.
func (s *Store) takePiece(ctx context.Context, no store.BatchNo, p store.Piece) (*store.Plan, error) {
	first, _ := p.PreparedFor(no)
	again := false
	return write(ctx, s, func(ctx context.Context, t *tx) (*store.Plan, error) {
		h, err := t.hold(ctx, no, "add rows to", store.BatchIntake)
		if err != nil || h.rows != first-1 {
			return nil, err
		}
		// A key that is there already has us begin anew, and look.
		in := &intake{tx: t, h: h, first: first, unseen: !again && store.LikelyNew(h.rows, h.shared, len(p.Rows))}
		again = true
		if in.rows, err = t.admit(ctx, no, first, p); err != nil {
			return nil, err
		}
		in.Plan = store.NewPlan(no, h.asks, h.reuse, in.rows, t.now, s.sealer.Destroyed)
		return in.Plan, in.run(ctx)
	})
}

// intake is one piece of a list inside its transaction.
type intake struct {
	*tx
	*store.Plan
	h     *header
	rows  []store.SealedRow
	first int  // number of the first row
	again bool // the rows have asks already
	// unseen: all questions are taken for new ones, and not looked up.
	unseen bool
}

func (in *intake) run(ctx context.Context) error {
	if !in.unseen {
		if err := in.lookUp(ctx, in.Plan); err != nil {
			return err
		}
	}
	known, err := in.holdStanding(ctx, in.Known())
	if err != nil {
		return err
	}
	if err := in.Decide(known); err != nil {
		return err
	}
	return in.insert(ctx, in.copyRows, len(in.rows))
}

// insert writes down what was decided of rows that insertRows writes, so many
// of which are new to the batch.
func (in *intake) insert(ctx context.Context, insertRows func(context.Context) error, rows int) error {
	questions := in.SealQuestions(in.s.sealer)
	copyAsks := func(ctx context.Context) error { return in.copyAsks(ctx, questions()) }
	for _, insert := range []func(context.Context) error{in.insertKeys, copyAsks, insertRows} {
		if err := insert(ctx); err != nil {
			return err
		}
	}
	return in.insertRest(ctx, rows)
}

func (c conn) lookUp(ctx context.Context, p *store.Plan) error {
	keys := make([][]byte, p.Questions())
	for i := range keys {
		key := p.Key(i)
		keys[i] = key[:]
	}
	// The place comes back with the ask, which is less than the key.
	return c.each(ctx, `SELECT k.place - 1, a.ask FROM unnest($1::bytea[]) WITH ORDINALITY AS k (key, place)
		CROSS JOIN LATERAL (SELECT ask FROM ask_keys a WHERE a.key = k.key) a`, func(r pgx.Rows) error {
		var place int
		var a store.AskID
		err := r.Scan(&place, &a)
		p.Know(place, a)
		return err
	}, keys)
}

// insertKeys points each new question to its ask, in the order of the keys:
// first those that were never asked, then those that are asked again. Of two
// lists with the same new question at once the second waits here for the
// first, and then begins anew and finds its ask.
func (in *intake) insertKeys(ctx context.Context) error {
	type entry struct {
		key store.AskKey
		ask store.AskID
	}
	entries := make([]entry, 0, len(in.New))
	var keys [][]byte
	var asks, prevs []int64
	_ = in.NewKeys(func(key store.AskKey, a, prev store.AskID) error {
		if prev == 0 {
			entries = append(entries, entry{key, a})
		} else {
			keys, asks, prevs = append(keys, key[:]), append(asks, int64(a)), append(prevs, int64(prev))
		}
		return nil
	})
	// A key that is there by now is an error on which write begins anew.
	err := in.copy(ctx, "ask_keys", []string{"key", "ask"}, len(entries), func(i int, r *copied) {
		r.bytes(entries[i].key[:])
		r.long(int64(entries[i].ask))
	})
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return nil
	}
	if err := in.exec(ctx, "SELECT 1 FROM ask_keys WHERE key = ANY($1) ORDER BY key FOR UPDATE", keys); err != nil {
		return err
	}
	tag, err := in.Exec(ctx, `UPDATE ask_keys k SET ask = n.ask FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS n (key, ask, prev)
		WHERE k.key = n.key AND k.ask = n.prev`, keys, asks, prevs)
	if err != nil {
		return err
	}
	if tag.RowsAffected() < int64(len(keys)) {
		return errAgain
	}
	return nil
}

// copyAsks writes the new asks with their sealed questions, in the order of the
// rows that want them.
func (in *intake) copyAsks(ctx context.Context, questions [][]byte) error {
	columns := []string{"id", "prev", "question", "found_before", "resends", "prior", "service"}
	return in.copy(ctx, partition("asks", in.h.no), columns, len(in.New), func(i int, r *copied) {
		a := in.New[i]
		r.long(int64(a.ID))
		r.identifier(int64(a.Prev))
		r.bytes(questions[i])
		r.truth(a.FoundBefore)
		r.number(a.Resends)
		r.identifier(int64(a.Prior))
		r.text(in.rows[a.Row].Service)
	})
}

func (in *intake) copyRows(ctx context.Context) error {
	return in.copy(ctx, partition("rows", in.h.no), []string{"id", "ask", "cached", "line"}, len(in.rows), func(i int, r *copied) {
		row := &in.rows[i]
		r.long(int64(store.NewRowID(in.h.no, in.first+i)))
		r.identifier(int64(row.Ask))
		r.truth(row.Cached)
		r.bytes(row.Line)
	})
}

// insertRest writes down which asks this list waits on beside the first rows
// of its own, and what the batch has become.
func (in *intake) insertRest(ctx context.Context, rows int) error {
	b := &pgx.Batch{}
	if asks := in.WantedAsks(); len(asks) > 0 {
		wanted := make([]int64, len(asks))
		for i, a := range asks {
			wanted[i] = int64(in.Wants[a])
		}
		b.Queue(`INSERT INTO wants AS w (ask, batch, rows) SELECT ask, $2, rows FROM unnest($1::bigint[], $3::int[]) AS n (ask, rows)
			ON CONFLICT (ask, batch) DO UPDATE SET rows = w.rows + excluded.rows`, plain(asks), in.h.no, wanted)
		b.Queue("INSERT INTO batch_homes (batch, home) SELECT $1, home FROM unnest($2::int[]) AS home ON CONFLICT DO NOTHING",
			in.h.no, plain(in.ForeignHomes()))
	}
	b.Queue(`UPDATE batches SET rows = rows + $1, asks = $2, known = known + $5, joined = joined + $6, doubles = doubles + $7,
		beat_at = `+beatTime("$3")+" WHERE no = $4",
		rows, in.Asks, in.s.beat(), in.h.no, in.Shared.Known, in.Shared.Joined, in.Shared.Duplicates)
	in.queueTally(b, in.Tally)
	return in.send(ctx, b)
}
