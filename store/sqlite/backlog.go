package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Backlogs implements store.Reader. A batch that is done has no open rows.
func (s *Store) Backlogs(ctx context.Context) ([]store.Backlog, error) {
	return read(ctx, s, func(c conn) ([]store.Backlog, error) {
		var all []store.Backlog
		err := c.each(`SELECT provider, sum(queued), sum(sending), sum(waiting), sum(tickets), sum(late) FROM (
				SELECT b.provider, iif(t.state = 1, t.n, 0) AS queued, iif(t.state = 2, t.n, 0) AS sending,
					iif(t.state = 3, t.n, 0) AS waiting, 0 AS tickets, 0 AS late
				FROM batches b JOIN tallies t ON t.batch = b.no
				WHERE b.state IN ('running', 'paused', 'cancelled') AND t.state IN (1, 2, 3)
				UNION ALL SELECT provider, 0, 0, 0, waiting > 0, waiting = 0 FROM tickets WHERE closed = 0
			) GROUP BY provider HAVING sum(queued + sending + waiting + tickets + late) > 0 ORDER BY provider`,
			func(stmt *sqlite.Stmt) error {
				all = append(all, store.Backlog{
					Provider: stmt.ColumnText(0), Queued: stmt.ColumnInt(1), Sending: stmt.ColumnInt(2), Waiting: stmt.ColumnInt(3),
					Tickets: stmt.ColumnInt(4), Late: stmt.ColumnInt(5),
				})
				return nil
			})
		if err != nil {
			return nil, fmt.Errorf("read backlogs: %w", err)
		}
		return all, nil
	})
}
