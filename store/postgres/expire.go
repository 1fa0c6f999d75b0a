package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plateq/plateq/store"
)

// expireAtOnce is how many lists are looked up to be marked.
const expireAtOnce = 100

// overdue is when the time of a list is over: $1 is how long lists are kept that
// say nothing of it, $2 the time.
const overdue = `ended_at > 0 AND expired_at = 0 AND state <> 'abandoned' AND (keep_ms > 0 OR $1::bigint > 0)
	AND ended_at + CASE WHEN keep_ms > 0 THEN keep_ms ELSE $1 END <= $2
	AND NOT EXISTS (SELECT 1 FROM tallies t WHERE t.batch = no AND t.state IN (1, 2, 3) GROUP BY t.batch HAVING sum(t.n) > 0)
	AND NOT EXISTS (SELECT 1 FROM schedules r WHERE r.list = no)`

// lapsed is when a list keeps no answers any more, be they deleted or not.
const lapsed = "expired_at > 0 OR state = 'abandoned' OR " + overdue

// Expire implements store.Retention. Lists are marked, then lose their rows,
// and then the asks that no list relies on any more are looked for: first those
// of all lists whose rows went, as these may have been on each other's. One
// process does it at a time; for another there is nothing to do.
func (s *Store) Expire(ctx context.Context) (store.Expired, error) {
	x := &expiry{s: s}
	if err := s.alone(ctx, "plateq expire", x.run); err != nil {
		return x.sum, fmt.Errorf("expire lists: %w", classify(err))
	}
	return x.sum, nil
}

// alone runs something unless another process is at it under the same name. That
// lasts as long as a connection of its own: should this be lost, two may be at
// it.
func (s *Store) alone(ctx context.Context, name string, run func(context.Context) error) error {
	held, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer held.Release()
	lock := "(hashtextextended($1 || ' ' || current_schema(), 0))"
	if mine, err := uncut[bool](ctx, held, "SELECT pg_try_advisory_lock"+lock, name); err != nil || !mine {
		return err
	}
	err = run(ctx)
	if _, freeErr := uncut[bool](ctx, held, "SELECT pg_advisory_unlock"+lock, name); freeErr != nil {
		return errors.Join(err, freeErr, held.Conn().Close(context.WithoutCancel(ctx))) // which frees it
	}
	return err
}

// uncut asks for one value, whether or not ctx ends over it: a lock that was
// asked for by one who is gone meanwhile is held until the server notices.
func uncut[T any](ctx context.Context, c *pgxpool.Conn, query string, args ...any) (v T, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	err = c.QueryRow(ctx, query, args...).Scan(&v)
	return v, err
}

// expiry is one Expire under way.
type expiry struct {
	s   *Store
	sum store.Expired
}

func (x *expiry) run(ctx context.Context) error {
	if err := x.mark(ctx); err != nil {
		return err
	}
	if err := x.each(ctx, "gone = 1", x.rows); err != nil {
		return err
	}
	return x.each(ctx, "gone IN (2, 3)", x.asks)
}

// mark marks the lists whose time is over.
func (x *expiry) mark(ctx context.Context) error {
	after := store.BatchNo(0)
	for {
		due, err := list[store.BatchNo](ctx, conn{x.s.pool}, "SELECT no FROM batches WHERE "+overdue+" AND no > $3 ORDER BY no LIMIT $4",
			x.s.retention.Milliseconds(), millis(x.s.clock()), after, expireAtOnce)
		for i := 0; err == nil && i < len(due); i++ {
			var marked bool
			marked, err = write(ctx, x.s, func(ctx context.Context, t *tx) (bool, error) { return t.expireOne(ctx, due[i]) })
			if marked {
				x.sum.Lists++
			}
			after = due[i]
		}
		if err != nil || len(due) < expireAtOnce {
			return err
		}
	}
}

// expireOne marks a list if its time is over: from here on it has no rows to
// anybody.
func (t *tx) expireOne(ctx context.Context, no store.BatchNo) (bool, error) {
	if err := t.exec(ctx, "SELECT 1 FROM batches WHERE no = $1 FOR UPDATE", no); err != nil {
		return false, err
	}
	own := t.s.retention.Milliseconds()
	over, err := t.truth(ctx, "SELECT EXISTS (SELECT 1 FROM batches WHERE "+overdue+" AND no = $3)", own, millis(t.now), no)
	if err != nil || !over {
		return false, err
	}
	b, err := t.batch(ctx, t.s, "no = $1", no)
	if err != nil {
		return false, err
	}
	meta, err := t.s.sealer.SealMeta(no, b.Scrubbed())
	if err != nil {
		return false, err
	}
	err = t.exec(ctx, "UPDATE batches SET expired_at = $1, keep_ms = $2, gone = $3, identity = NULL, meta = $4 WHERE no = $5",
		millis(t.now), b.Kept.Milliseconds(), int(store.GoneRows), meta, no)
	if err != nil {
		return false, fmt.Errorf("mark batch: %w", err)
	}
	return true, t.note(ctx, store.Entry{What: store.EntryExpired, Batch: no})
}

// each takes a step for all lists that have come so far.
func (x *expiry) each(ctx context.Context, where string, step func(context.Context, store.BatchNo) error) error {
	left, err := list[store.BatchNo](ctx, conn{x.s.pool}, "SELECT no FROM batches WHERE gone BETWEEN 1 AND 3 AND "+where+" ORDER BY no")
	for i := 0; err == nil && i < len(left); i++ {
		err = step(ctx, left[i])
	}
	return err
}

// rows deletes the rows of a list, and what says which asks they are on. Each
// step leaves a note to the homes of these.
func (x *expiry) rows(ctx context.Context, no store.BatchNo) error {
	first, last := askRange(no)
	for _, d := range []struct {
		asks, doomed string // of the next slice: $1 the batch, $2 and $3 its range, $4 the size
		count        *int
	}{
		{
			"SELECT ask FROM rows WHERE id BETWEEN $2 AND $3 ORDER BY id LIMIT $4",
			"DELETE FROM rows WHERE $1::int > 0 AND id = ANY(ARRAY(SELECT id FROM rows WHERE id BETWEEN $2 AND $3 ORDER BY id LIMIT $4))",
			&x.sum.Rows,
		},
		{
			"SELECT ask FROM wants WHERE batch = $1 ORDER BY ask LIMIT $4",
			"DELETE FROM wants WHERE batch = $1 AND ask = ANY(ARRAY(SELECT ask FROM wants WHERE batch = $1 ORDER BY ask LIMIT $4))",
			new(int),
		},
		{
			"SELECT unnest(ARRAY[ask, next]) AS ask FROM (SELECT ask, next FROM renewals WHERE batch = $1 ORDER BY ask LIMIT $4) r",
			"DELETE FROM renewals WHERE batch = $1 AND ask = ANY(ARRAY(SELECT ask FROM renewals WHERE batch = $1 ORDER BY ask LIMIT $4))",
			new(int),
		},
	} {
		for deleted := slice; deleted == slice; {
			var err error
			deleted, err = write(ctx, x.s, func(ctx context.Context, t *tx) (int, error) {
				args := []any{no, first, last, slice}
				if err := t.lookAgain(ctx, d.asks, args...); err != nil {
					return 0, err
				}
				tag, err := t.Exec(ctx, bound(d.doomed), args...)
				return int(tag.RowsAffected()), err
			})
			if err != nil {
				return fmt.Errorf("delete rows: %w", err)
			}
			*d.count += deleted
		}
	}
	_, err := write(ctx, x.s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		b := &pgx.Batch{}
		b.Queue("DELETE FROM batch_homes WHERE batch = $1", no)
		b.Queue("DELETE FROM told WHERE batch = $1", no)
		queueGone(b, no, store.GoneRows, store.GoneDue)
		return none, t.send(ctx, b)
	})
	return err
}

// bound adds to a statement of rows what makes it take all of their arguments.
func bound(query string) string {
	return query + " AND $2::bigint <= $3::bigint"
}

// lookAgain has the homes of asks looked through once more, where that was done
// or is being done: rows that were on some of them are going. A home that was
// abandoned is looked through like one whose time is over.
func (t *tx) lookAgain(ctx context.Context, asks string, args ...any) error {
	homes, err := list[store.BatchNo](ctx, t.conn, `SELECT no FROM batches WHERE no = ANY(ARRAY(
		SELECT DISTINCT (ask >> 32)::int FROM (`+asks+`) a WHERE $1::int > 0 AND $2::bigint <= $3::bigint)) ORDER BY no FOR UPDATE`, args...)
	if err != nil || len(homes) == 0 {
		return err
	}
	return t.exec(ctx, `UPDATE batches SET gone = $1 WHERE no = ANY($2) AND (gone IN ($3, $4) OR gone = 0 AND state = 'abandoned' AND done_at > 0)`,
		int(store.GoneDue), plain(homes), int(store.GoneLooking), int(store.GoneShared))
}

// queueGone adds to a batch of statements how far a list has gone, unless
// somebody else has written it meanwhile.
func queueGone(b *pgx.Batch, no store.BatchNo, from, to store.Gone) {
	b.Queue("UPDATE batches SET gone = $1 WHERE no = $2 AND gone = $3", int(to), no, int(from))
}
