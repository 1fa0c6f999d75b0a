package sqlite

import (
	"context"
	"fmt"

	"github.com/plateq/plateq/store"
)

// Estimate implements store.Reader.
func (s *Store) Estimate(ctx context.Context, r store.EstimateRequest) (store.Estimate, error) {
	type suppressed struct {
		people *store.Suppressing
		hit    map[store.PersonKey]bool
	}
	r = r.Admitting(func(ctx context.Context, rows []store.NewRow) (*store.Suppressing, map[store.PersonKey]bool, error) {
		among, err := read(ctx, s, func(c conn) (a suppressed, err error) {
			a.people, a.hit, err = c.suppressedAmong(s.sealer, rows)
			return a, err
		})
		return among.people, among.hit, err
	})
	return store.NewForecast(s.sealer, r).Run(ctx, s.clock, func(ctx context.Context, p *store.Plan) error {
		_, err := readLong(ctx, s, func(c conn) (none struct{}, err error) { return none, c.decide(p, s.retention, s.clock()) })
		if err != nil {
			return fmt.Errorf("estimate list: %w", err)
		}
		return nil
	})
}
