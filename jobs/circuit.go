package jobs

import (
	"slices"

	"github.com/plateq/plateq/store"
)

// trip counts a failure, and closes the scope of the part of the service that
// failed where it is the last of a run. Where parts fail one like the other and
// nothing comes through between them it is the endpoint that is down: that
// closes as a whole, so that no part need find out for itself.
func (p *Policy) trip(g store.GateClose, a asked) (closes []store.GateClose, shut bool) {
	own, parted := p.circuitOf(a)
	probesEndpoint := parted && slices.Contains(a.probes, a.endpoint)
	r, counted := p.strike(own, a, runOpens)
	if a.probe && !probesEndpoint || counted && r.n >= runOpens {
		closes = append(closes, p.open(g, own, r.n))
	}
	shut = r.n >= runOpens || len(closes) > 0
	if !parted || a.probe && !probesEndpoint {
		return closes, shut
	}
	r, counted = p.strike(a.endpoint, a, runOpens)
	if probesEndpoint || counted && r.mixed && r.n >= runOpens {
		closes = append(closes, p.open(g, a.endpoint, r.n))
	}
	return closes, shut || len(closes) > 0 || r.mixed && r.n >= runOpens
}

// circuitOf returns the scope whose run a failure belongs to, and whether that
// is one of a part of the service. The names of parts come from those who ask:
// beyond a number that any provider has, they share the run of the endpoint.
func (p *Policy) circuitOf(a asked) (scope string, parted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.runs[a.service]; a.service == "" || !known && len(p.runs) >= maxRuns {
		return a.endpoint, false
	}
	return a.service, true
}

// open is what closes the gate of a scope after a run of n failures.
func (p *Policy) open(g store.GateClose, scope string, n int) store.GateClose {
	g.Scope, g.Strikes = scope, n
	g.Until = p.now().Add(grow(max(0, n-runOpens)))
	return g
}
