package jobs

import (
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// readings collects the figures that came with outcomes of asks, and the one
// that our own books tell.
func (p *Policy) readings(asks []store.Ask, outs []providers.Outcome) []providers.Reading {
	var all []providers.Reading
	for _, o := range outs {
		all = append(all, o.Readings...)
	}
	if p.spec.CountsFirstFound == "" {
		return all
	}
	before := make(map[string]bool, len(asks))
	for _, a := range asks {
		before[ref(a.ID)] = a.FoundBefore
	}
	found, first := 0, providers.Reading{Name: p.spec.CountsFirstFound}
	for _, o := range outs {
		if o.Record == nil {
			continue
		}
		found++
		if !before[o.Ref] {
			first.Value++
		}
	}
	if found > 0 { // also where none was the first: that is a figure too
		all = append(all, first)
	}
	return all
}
