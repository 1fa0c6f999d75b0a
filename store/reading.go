package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/plateq/plateq/providers"
)

// Reading is a figure that came with the answers of a provider, as it stands:
// the last one of a gauge, the sum of all others.
type Reading struct {
	Provider, Name string
	Value          int64
	Gauge          bool
	At             time.Time // of the settlement that moved it last
}

// Readings returns what is to be kept of the readings of a settlement: each
// name once, in their order. A ruling that moves nothing comes a second time,
// or too late to be believed: nothing of it is kept.
func (r *Ruling) Readings(all []providers.Reading) []providers.Reading {
	if len(r.Moves) == 0 {
		return nil
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b providers.Reading) int { return cmp.Compare(a.Name, b.Name) })
	var once []providers.Reading
	for _, next := range all {
		n := len(once)
		if n == 0 || once[n-1].Name != next.Name {
			once = append(once, next)
			continue
		}
		if !next.Gauge {
			next.Value += once[n-1].Value
		}
		once[n-1] = next
	}
	return once
}
