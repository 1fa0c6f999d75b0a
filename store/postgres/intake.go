package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// AddRows implements store.Intake.
func (s *Store) AddRows(ctx context.Context, no store.BatchNo, rows []store.NewRow) (store.Taken, error) {
	for {
		h, err := read(ctx, s, func(ctx context.Context, c conn) (*header, error) { return c.header(ctx, no) })
		if err != nil {
			return store.Taken{}, err
		}
		first := h.rows + 1
		piece, err := s.sealer.SealRows(ctx, h.tenant, h.provider, no, first, rows)
		if err != nil {
			return store.Taken{}, err
		}
		p, err := write(ctx, s, func(ctx context.Context, t *tx) (*store.Plan, error) {
			h, err := t.hold(ctx, no, "add rows to", store.BatchIntake)
			if err != nil || h.rows != first-1 {
				return nil, err
			}
			in := &intake{tx: t, h: h, rows: piece, first: first}
			in.Plan = store.NewPlan(no, h.asks, h.reuse, piece, t.now)
			return in.Plan, in.run(ctx)
		})
		if err != nil {
			return store.Taken{}, fmt.Errorf("add rows: %w", err)
		}
		if p != nil {
			return p.Taken, nil
		}
		// Another piece came first: these rows have other numbers now.
	}
}

// intake is one piece of a list inside its transaction.
type intake struct {
	*tx
	*store.Plan
	h     *header
	rows  []store.SealedRow
	first int  // number of the first row
	again bool // the rows have asks already
}

func (in *intake) run(ctx context.Context) error {
	if err := in.lookUp(ctx, in.Plan); err != nil {
		return err
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
	for _, insert := range []func(context.Context) error{in.insertKeys, in.copyAsks, insertRows} {
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
	var rows [][]any
	var keys [][]byte
	var asks, prevs []int64
	_ = in.NewKeys(func(key store.AskKey, a, prev store.AskID) error {
		if prev == 0 {
			rows = append(rows, []any{key[:], int64(a)})
		} else {
			keys, asks, prevs = append(keys, key[:]), append(asks, int64(a)), append(prevs, int64(prev))
		}
		return nil
	})
	// A key that is there by now is an error on which write begins anew.
	if err := in.copy(ctx, "ask_keys", []string{"key", "ask"}, len(rows), func(i int) []any { return rows[i] }); err != nil {
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

// copyAsks writes the new asks, in the order of the rows that want them.
func (in *intake) copyAsks(ctx context.Context) error {
	return in.copy(ctx, "asks", []string{"id", "prev", "question", "found_before", "resends", "prior", "service"}, len(in.New), func(i int) []any {
		a := in.New[i]
		return []any{
			int64(a.ID), optional(a.Prev), in.s.sealer.SealQuestion(a.ID, in.rows[a.Row].Question),
			a.FoundBefore, int64(a.Resends), optional(a.Prior), in.rows[a.Row].Service,
		}
	})
}

func (in *intake) copyRows(ctx context.Context) error {
	return in.copy(ctx, "rows", []string{"id", "ask", "cached", "line"}, len(in.rows), func(i int) []any {
		r := &in.rows[i]
		return []any{int64(store.NewRowID(in.h.no, in.first+i)), optional(r.Ask), r.Cached, r.Line}
	})
}

// optional makes NULL of no ask, and of no ticket.
func optional[T store.AskID | store.TicketID](a T) any {
	if a == 0 {
		return nil
	}
	return int64(a)
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
