package sqlite

import (
	"context"
	"fmt"

	"github.com/plateq/plateq/store"
)

// Estimate implements store.Reader.
func (s *Store) Estimate(ctx context.Context, r store.EstimateRequest) (store.Estimate, error) {
	return store.NewForecast(s.sealer, r).Run(ctx, s.clock, func(ctx context.Context, p *store.Plan) error {
		_, err := readLong(ctx, s, func(c conn) (none struct{}, err error) { return none, c.decide(p) })
		if err != nil {
			return fmt.Errorf("estimate list: %w", err)
		}
		return nil
	})
}
