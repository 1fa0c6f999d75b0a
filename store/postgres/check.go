package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Check implements store.Store. It reads everything, on one snapshot.
func (s *Store) Check(ctx context.Context) (store.Report, error) {
	report, err := snapshot(ctx, s, func(ctx context.Context, c conn) (store.Report, error) { return c.check(ctx) })
	if err != nil {
		return store.Report{}, fmt.Errorf("check store: %w", classify(err))
	}
	return report, nil
}

func (c conn) check(ctx context.Context) (store.Report, error) {
	// Here whole tables are read, and it takes as long as it takes.
	if err := c.exec(ctx, "SET LOCAL enable_seqscan = on; SET LOCAL plan_cache_mode = auto; SET LOCAL statement_timeout = 0", pgx.QueryExecModeSimpleProtocol); err != nil {
		return store.Report{}, err
	}
	counts, err := c.counts(ctx)
	if err != nil {
		return store.Report{}, err
	}
	k := &checker{conn: c, Audit: store.NewAudit(counts)}
	for _, check := range []func(context.Context) error{k.chunksHold, k.batchesHold, k.holders, k.money, k.marksHold, k.keys} {
		if err := check(ctx); err != nil {
			return store.Report{}, err
		}
		if k.damaged {
			break // the states of asks cannot be read
		}
	}
	return k.Report(), nil
}

type checker struct {
	conn
	*store.Audit
	// damaged: there are chunks that cannot be read.
	damaged bool
}

// counts counts everything that there is.
func (c conn) counts(ctx context.Context) (r store.Report, err error) {
	_, err = c.one(ctx, `SELECT (SELECT count(*) FROM batches WHERE state <> 'abandoned'), (SELECT count(*) FROM rows),
		(SELECT count(*) FROM asks), (SELECT count(*) FROM calls), (SELECT count(*) FROM tickets), (SELECT count(*) FROM answers)`, nil,
		&r.Batches, &r.Rows, &r.Asks, &r.Calls, &r.Tickets, &r.Answers)
	return r, err
}

// chunksHold checks marks, and what chunks say of themselves.
func (c *checker) chunksHold(ctx context.Context) error {
	return c.each(ctx, "SELECT id, n, part, queued, fresh, open, marks FROM chunks ORDER BY id", func(r pgx.Rows) error {
		var id store.ChunkID
		var n, queued, fresh, open int
		var part store.Part
		var marks []byte
		if err := r.Scan(&id, &n, &part, &queued, &fresh, &open, &marks); err != nil {
			return err
		}
		k, err := store.LoadChunk(id, part, marks)
		if err != nil {
			c.Problem("the chunk at %s: %v", id.Name(), err)
			c.damaged = true
			return nil
		}
		c.Chunk(k, n, queued, fresh, open)
		return nil
	})
}

// batchesHold holds rows against tallies and against what batches say of
// themselves.
func (c *checker) batchesHold(ctx context.Context) error {
	if err := c.asksHold(ctx); err != nil {
		return err
	}
	numbers, err := list[store.BatchNo](ctx, c.conn, "SELECT no FROM batches WHERE state <> 'abandoned' ORDER BY no")
	for i := 0; err == nil && i < len(numbers); i++ {
		err = c.rowsOf(ctx, numbers[i])
	}
	return err
}

// asksHold checks that the asks of every home are all there, and cut from the
// first on without gaps.
func (c *checker) asksHold(ctx context.Context) error {
	err := c.each(ctx, `SELECT b.no, b.asks, coalesce(a.n, 0), b.state = 'abandoned' OR b.expired_at > 0 FROM batches b
		LEFT JOIN (SELECT id >> 32 AS home, count(*) AS n FROM asks GROUP BY 1) a ON a.home = b.no
		ORDER BY b.no`, func(r pgx.Rows) error {
		var no store.BatchNo
		var want, got int
		var fewer bool
		err := r.Scan(&no, &want, &got, &fewer)
		if !fewer {
			c.Expect(got, want, "asks of batch %d", no)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = c.each(ctx, `SELECT id FROM (SELECT id, lag(id + n, 1, id >> 32 << 32) OVER (PARTITION BY id >> 32 ORDER BY id) AS next FROM chunks) k
		WHERE id <> next ORDER BY id`, func(r pgx.Rows) error {
		var id store.ChunkID
		err := r.Scan(&id)
		c.Problem("the chunk at %s overlaps the one before it, or leaves a gap", id.Name())
		return err
	})
	if err != nil {
		return err
	}
	return c.each(ctx, `SELECT c.batch, c.cut, coalesce(k.cut, 0) FROM cuts c
		LEFT JOIN (SELECT id >> 32 AS home, max(id + n) & 4294967295 AS cut FROM chunks GROUP BY 1) k ON k.home = c.batch
		ORDER BY c.batch`, func(r pgx.Rows) error {
		var no store.BatchNo
		var want, got int
		err := r.Scan(&no, &want, &got)
		c.Expect(got, want, "asks of batch %d that are in chunks", no)
		return err
	})
}

func (c *checker) rowsOf(ctx context.Context, no store.BatchNo) error {
	h, err := c.anyHeader(ctx, no)
	if err != nil {
		return err
	}
	if !h.expired.IsZero() {
		return c.goneOf(ctx, h)
	}
	counts := store.Counts{}
	waiting, known, number := 0, 0, 0
	err = c.eachPage(ctx, h, 0, 0, noLine, func(page []*store.StoredRow) (bool, error) {
		for _, r := range page {
			if number++; r.ID.Number() != number {
				c.Problem("row %d of batch %d is not there", number, no)
				number = r.ID.Number()
			}
			counts[r.State]++
			switch {
			case r.Ask == 0:
			case r.Cached:
				known++
			default:
				waiting++
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	var states, tallies []int
	var wants, renewals int
	counted := store.Shared{Known: known}
	_, err = c.one(ctx, `SELECT ARRAY(SELECT state::int FROM tallies WHERE batch = $1 GROUP BY state ORDER BY state),
		ARRAY(SELECT sum(n)::int FROM tallies WHERE batch = $1 GROUP BY state ORDER BY state),
		(SELECT coalesce(sum(rows), 0) FROM wants WHERE batch = $1),
		(SELECT coalesce(sum(rows), 0) FROM wants WHERE batch = $1 AND ask >> 32 <> $1),
		(SELECT coalesce(sum(rows), 0) FROM wants WHERE batch = $1 AND ask >> 32 = $1 AND rows > 0),
		(SELECT count(*) FROM renewals WHERE batch = $1)`, []any{no}, &states, &tallies, &wants, &counted.Joined, &counted.Duplicates, &renewals)
	if err != nil {
		return err
	}
	c.Rows(no, h.state, h.rows, h.asks, wants, waiting, counts, countsOf(states, tallies))
	c.Shared(no, h.shared, counted, h.renewals, renewals)
	return nil
}

// goneOf checks a batch that has no rows any more.
func (c *checker) goneOf(ctx context.Context, h *header) error {
	var states, tallies []int
	_, err := c.one(ctx, `SELECT ARRAY(SELECT state::int FROM tallies WHERE batch = $1 GROUP BY state ORDER BY state),
		ARRAY(SELECT sum(n)::int FROM tallies WHERE batch = $1 GROUP BY state ORDER BY state)`, []any{h.no}, &states, &tallies)
	c.Gone(h.no, h.rows, countsOf(states, tallies))
	return err
}
