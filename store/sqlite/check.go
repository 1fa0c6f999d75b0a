package sqlite

import (
	"context"

	"github.com/plateq/plateq/store"
)

// Check implements store.Store.
func (s *Store) Check(ctx context.Context) (store.Report, error) {
	return store.Report{}, nil
}
