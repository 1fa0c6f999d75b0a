package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// The tallies of all lists are looked through only where a call is unknown.
const backlogs = `SELECT provider, sum(queued)::bigint, sum(sending)::bigint, sum(waiting)::bigint, sum(ready)::bigint,
		sum(tickets)::bigint, sum(late)::bigint, sum(unknown)::bigint, sum(held)::bigint, coalesce(min(oldest), 0), coalesce(min(deadline), 0)
	FROM (
		SELECT b.provider, CASE t.state WHEN 1 THEN t.n ELSE 0 END AS queued, CASE t.state WHEN 2 THEN t.n ELSE 0 END AS sending,
			CASE t.state WHEN 3 THEN t.n ELSE 0 END AS waiting, CASE WHEN t.state = 1 AND b.state = 'running' THEN t.n ELSE 0 END AS ready,
			0 AS tickets, 0 AS late, 0 AS unknown, 0 AS held, NULL::bigint AS oldest, NULL::bigint AS deadline
		FROM batches b JOIN tallies t ON t.batch = b.no
		WHERE b.state IN ('running', 'paused', 'cancelled') AND t.state IN (1, 2, 3)
		UNION ALL SELECT provider, 0, 0, 0, 0, (waiting > 0)::int, (waiting = 0)::int, 0, 0,
			CASE WHEN waiting > 0 THEN created_at END, CASE WHEN waiting > 0 THEN deadline_at END FROM tickets WHERE NOT closed
		UNION ALL SELECT b.provider, 0, 0, 0, 0, 0, 0, t.n, 0, NULL, NULL FROM tallies t JOIN batches b ON b.no = t.batch
		WHERE t.state = 7 AND b.expired_at = 0 AND EXISTS (SELECT 1 FROM calls WHERE unknown > 0)
		UNION ALL SELECT provider, 0, 0, 0, 0, 0, 0, 0, 1, NULL, NULL FROM batches WHERE held_by <> ''
	) open GROUP BY provider HAVING sum(queued + sending + waiting + tickets + late + unknown + held) > 0 ORDER BY provider`

// Backlogs implements store.Reader. A batch that is done has no open rows.
func (s *Store) Backlogs(ctx context.Context) ([]store.Backlog, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Backlog, error) {
		var all []store.Backlog
		err := c.each(ctx, backlogs, func(r pgx.Rows) error {
			var b store.Backlog
			var oldest, deadline int64
			err := r.Scan(&b.Provider, &b.Queued, &b.Sending, &b.Waiting, &b.Ready, &b.Tickets, &b.Late, &b.Unknown, &b.Held, &oldest, &deadline)
			b.Oldest, b.Deadline = fromMillis(oldest), fromMillis(deadline)
			all = append(all, b)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read backlogs: %w", err)
		}
		return all, nil
	})
}
