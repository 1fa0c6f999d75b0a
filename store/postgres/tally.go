package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// slots is how many rows of tallies a count is spread over: as many
// transactions can move it at once. Connections of one process take them in
// turn.
const slots = 16

// wantRow is a line of wants.
type wantRow struct {
	ask store.AskID
	store.Want
}

const wantsQuery = "SELECT ask, batch, rows, has_left FROM wants WHERE ask BETWEEN "

// queueWants adds the reading of wants to a batch of statements.
func queueWants(b *pgx.Batch, into *[]wantRow, bounds string, args ...any) {
	b.Queue(wantsQuery+bounds, args...).Query(func(rows pgx.Rows) error {
		*into = nil
		return eachOf(rows, func(r pgx.Rows) error {
			var w wantRow
			err := r.Scan(&w.ask, &w.Batch, &w.Rows, &w.Left)
			*into = append(*into, w)
			return err
		})
	})
}

// interestOf makes of wants who wants the asks of a home. It asks for the
// states of the other batches only where there are any.
func (c conn) interestOf(ctx context.Context, home *header, wants []wantRow) (*store.Interest, error) {
	in := store.NewInterest(home.no, home.state, home.keepRaw)
	in.Home.Left = !home.expired.IsZero()
	if len(wants) == 0 {
		return in, nil
	}
	numbers := make([]int64, 0, len(wants))
	for _, w := range wants {
		numbers = append(numbers, int64(w.Batch))
	}
	slices.Sort(numbers)
	others := map[store.BatchNo]store.Want{}
	err := c.each(ctx, "SELECT no, state, keep_raw, expired_at > 0 FROM batches WHERE no = ANY($1)", func(r pgx.Rows) error {
		var w store.Want
		err := r.Scan(&w.Batch, &w.State, &w.KeepRaw, &w.Left)
		others[w.Batch] = w
		return err
	}, slices.Compact(numbers))
	if err != nil {
		return nil, fmt.Errorf("read batch: %w", err)
	}
	for _, w := range wants {
		other, found := others[w.Batch]
		if !found {
			continue // as a join would leave it out
		}
		w.State, w.KeepRaw, w.Left = other.State, other.KeepRaw, w.Left || other.Left
		in.Add(w.ask, w.Want)
	}
	return in, nil
}

// interest reads who wants the asks from first to last, all of one home.
func (c conn) interest(ctx context.Context, home *header, first, last store.AskID) (*store.Interest, error) {
	var wants []wantRow
	b := &pgx.Batch{}
	queueWants(b, &wants, "$1 AND $2", first, last)
	if err := c.send(ctx, b); err != nil {
		return nil, fmt.Errorf("read wants: %w", err)
	}
	return c.interestOf(ctx, home, wants)
}

// queueTally adds the writing of a tally to a batch of statements, as the last
// of them but for readings: the rows are locked until the commit.
func (t *tx) queueTally(b *pgx.Batch, moved store.Tally) {
	var batches, states, counts []int64
	_ = moved.Each(func(no store.BatchNo, s store.State, n int) error {
		batches, states, counts = append(batches, int64(no)), append(states, int64(s)), append(counts, int64(n))
		return nil
	})
	if len(batches) == 0 {
		return
	}
	b.Queue(`INSERT INTO tallies AS t (batch, state, slot, n)
		SELECT m.batch, m.state, $4, m.n FROM unnest($1::int[], $2::int[], $3::int[]) AS m (batch, state, n)
		ON CONFLICT (batch, state, slot) DO UPDATE SET n = t.n + excluded.n`, batches, states, counts, t.raw.slot())
}

// apply writes a tally down.
func (t *tx) apply(ctx context.Context, moved store.Tally) error {
	b := &pgx.Batch{}
	t.queueTally(b, moved)
	if err := t.send(ctx, b); err != nil {
		return fmt.Errorf("write tallies: %w", err)
	}
	return nil
}
