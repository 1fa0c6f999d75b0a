package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Backlogs implements store.Reader. A batch that is done has no open rows.
func (s *Store) Backlogs(ctx context.Context) ([]store.Backlog, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Backlog, error) {
		var all []store.Backlog
		err := c.each(ctx, `SELECT provider, sum(queued)::bigint, sum(sending)::bigint, sum(waiting)::bigint, sum(tickets)::bigint, sum(late)::bigint FROM (
				SELECT b.provider, CASE t.state WHEN 1 THEN t.n ELSE 0 END AS queued, CASE t.state WHEN 2 THEN t.n ELSE 0 END AS sending,
					CASE t.state WHEN 3 THEN t.n ELSE 0 END AS waiting, 0 AS tickets, 0 AS late
				FROM batches b JOIN tallies t ON t.batch = b.no
				WHERE b.state IN ('running', 'paused', 'cancelled') AND t.state IN (1, 2, 3)
				UNION ALL SELECT provider, 0, 0, 0, (waiting > 0)::int, (waiting = 0)::int FROM tickets WHERE NOT closed
			) open GROUP BY provider HAVING sum(queued + sending + waiting + tickets + late) > 0 ORDER BY provider`,
			func(r pgx.Rows) error {
				var b store.Backlog
				err := r.Scan(&b.Provider, &b.Queued, &b.Sending, &b.Waiting, &b.Tickets, &b.Late)
				all = append(all, b)
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("read backlogs: %w", err)
		}
		return all, nil
	})
}
