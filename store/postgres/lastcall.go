package postgres

import (
	"context"
	"fmt"

	"github.com/plateq/plateq/store"
)

// LastCall implements store.Store. A number that was given out but not
// committed may be given out again after a crash of the server; one that can be
// read in a row may not.
func (s *Store) LastCall(ctx context.Context) (written, given store.CallID, err error) {
	c := conn{s.pool}
	_, err = c.one(ctx, `SELECT coalesce((SELECT max(id) FROM calls), 0),
		coalesce(pg_sequence_last_value(pg_get_serial_sequence('calls', 'id')::regclass), 0)`, nil, &written, &given)
	if err != nil {
		return 0, 0, fmt.Errorf("read last call: %w", classify(err))
	}
	return written, max(written, given), nil
}
