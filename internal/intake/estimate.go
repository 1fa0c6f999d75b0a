package intake

import (
	"context"

	"github.com/plateq/plateq/store"
)

// Estimate is what a list would come to.
type Estimate struct {
	store.Estimate
	Reasons Reasons // why rows are invalid
	// Warnings are what is odd about rows that are asked about all the same.
	Warnings Reasons
	// First are the first rows that are not invalid.
	First []Row
}

const (
	// firstRows is how many rows an Estimate shows.
	firstRows = 3
	// foreseen is how many rows are estimated at once.
	foreseen = 20_000
)

// Estimator is the part of a store that estimates.
type Estimator interface {
	Estimate(ctx context.Context, r store.EstimateRequest) (store.Estimate, error)
}

// Foresee reads a list through and says what the store would make of it for
// the tenant and the provider. Nothing is stored. check, which may be nil, is told how many
// rows there are so far, and may end it with an error.
func Foresee(ctx context.Context, st Estimator, tenant, provider string, reuse store.Reuse, r *Reader, check func(rows int) error) (Estimate, error) {
	e := Estimate{Reasons: Reasons{}, Warnings: Reasons{}}
	r.warnings = e.Warnings
	rows, room := 0, 0
	var ended error
	got, err := st.Estimate(ctx, store.EstimateRequest{
		Tenant: tenant, Provider: provider, Reuse: reuse,
		Next: func(ctx context.Context) ([]store.NewRow, error) {
			if ended != nil {
				return nil, ended
			}
			p := read(ctx, r, foreseen, room)
			room = len(p.Rows)
			if ended = p.err; len(p.Rows) == 0 && ended != nil {
				return nil, ended
			}
			e.Reasons.merge(p.reasons)
			e.First = append(e.First, p.first[:min(len(p.first), firstRows-len(e.First))]...)
			rows += len(p.Rows)
			if check != nil {
				if err := check(rows); err != nil {
					return nil, err
				}
			}
			return p.Rows, nil
		},
	})
	e.Estimate = got
	return e, err
}
