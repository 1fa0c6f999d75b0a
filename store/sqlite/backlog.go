package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// The tallies of all lists are looked through only where a call is unknown.
const backlogs = `SELECT provider, sum(queued), sum(sending), sum(waiting), sum(ready), sum(tickets), sum(late), sum(unknown), sum(held),
		coalesce(min(oldest), 0), coalesce(min(deadline), 0)
	FROM (
		SELECT b.provider, iif(t.state = 1, t.n, 0) AS queued, iif(t.state = 2, t.n, 0) AS sending,
			iif(t.state = 3, t.n, 0) AS waiting, iif(t.state = 1 AND b.state = 'running', t.n, 0) AS ready,
			0 AS tickets, 0 AS late, 0 AS unknown, 0 AS held, NULL AS oldest, NULL AS deadline
		FROM batches b JOIN tallies t ON t.batch = b.no
		WHERE b.state IN ('running', 'paused', 'cancelled') AND t.state IN (1, 2, 3)
		UNION ALL SELECT provider, 0, 0, 0, 0, waiting > 0, waiting = 0, 0, 0,
			iif(waiting > 0, created_at, NULL), iif(waiting > 0, deadline_at, NULL) FROM tickets WHERE closed = 0
		UNION ALL SELECT b.provider, 0, 0, 0, 0, 0, 0, t.n, 0, NULL, NULL FROM tallies t JOIN batches b ON b.no = t.batch
		WHERE t.state = 7 AND b.expired_at = 0 AND EXISTS (SELECT 1 FROM calls WHERE unknown > 0)
		UNION ALL SELECT provider, 0, 0, 0, 0, 0, 0, 0, 1, NULL, NULL FROM batches WHERE held_by <> ''
	) GROUP BY provider HAVING sum(queued + sending + waiting + tickets + late + unknown + held) > 0 ORDER BY provider`

// Backlogs implements store.Reader. A batch that is done has no open rows.
func (s *Store) Backlogs(ctx context.Context) ([]store.Backlog, error) {
	return read(ctx, s, func(c conn) ([]store.Backlog, error) {
		var all []store.Backlog
		err := c.each(backlogs, func(stmt *sqlite.Stmt) error {
			all = append(all, store.Backlog{
				Provider: stmt.ColumnText(0), Queued: stmt.ColumnInt(1), Sending: stmt.ColumnInt(2), Waiting: stmt.ColumnInt(3),
				Ready: stmt.ColumnInt(4), Tickets: stmt.ColumnInt(5), Late: stmt.ColumnInt(6), Unknown: stmt.ColumnInt(7), Held: stmt.ColumnInt(8),
				Oldest: fromMillis(stmt.ColumnInt64(9)), Deadline: fromMillis(stmt.ColumnInt64(10)),
			})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read backlogs: %w", err)
		}
		return all, nil
	})
}
