package postgres

import (
	"context"
	"fmt"

	"github.com/plateq/plateq/store"
)

// Estimate implements store.Reader. On one snapshot nothing need be held to
// know where the asks of a piece stand.
func (s *Store) Estimate(ctx context.Context, r store.EstimateRequest) (store.Estimate, error) {
	type suppressed struct {
		people *store.Suppressing
		hit    map[store.PersonKey]bool
	}
	r = r.Admitting(func(ctx context.Context, rows []store.NewRow) (*store.Suppressing, map[store.PersonKey]bool, error) {
		among, err := read(ctx, s, func(ctx context.Context, c conn) (a suppressed, err error) {
			a.people, a.hit, err = c.suppressedAmong(ctx, s.sealer, rows)
			return a, err
		})
		return among.people, among.hit, err
	})
	return store.NewForecast(s.sealer, r).Run(ctx, s.clock, func(ctx context.Context, p *store.Plan) error {
		known, err := read(ctx, s, func(ctx context.Context, c conn) (*standing, error) { return c.standing(ctx, s, p, r.Reuse.Fresh) })
		if err != nil {
			return fmt.Errorf("estimate list: %w", err)
		}
		return p.Decide(known)
	})
}

// standing finds out which asks the questions of a plan have, and where these
// stand.
func (c conn) standing(ctx context.Context, st *Store, p *store.Plan, fresh bool) (*standing, error) {
	if err := c.lookUp(ctx, p); err != nil {
		return nil, err
	}
	s := newStanding(st.retention, st.clock())
	known := p.Known()
	if len(known) == 0 {
		return s, nil
	}
	var err error
	if s.marks, err = c.marksOf(ctx, known); err != nil {
		return nil, err
	}
	return s, c.readSettled(ctx, known, s, fresh)
}
