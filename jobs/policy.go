package jobs

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Bounds of repeating what was not accepted.
const (
	maxAttempts   = 5
	backoffBase   = time.Second
	backoffMax    = time.Minute
	runOpens      = 5 // failures in a row that open the circuit
	strikesClose  = 3 // refusals in a row that close a scope
	slowProbe     = 15 * time.Minute
	maxRuns       = 256 // of parts of the service that are kept apart
	jitterPercent = 20
)

// door is what an outcome does to a gate.
type door uint8

const (
	stays   door = iota
	strikes      // a run of them closes the endpoint for seconds
	daily        // closes until the quota is new, then a probe
	refused      // closes the provider until a person or a slow probe
	circuit      // a run of them closes the part of the service or the endpoint, a probe opens it
)

// ruling is what a class of outcome means for one ask of a submit.
type ruling struct {
	to      store.State
	counted bool
	door    door
}

// rulings is the whole of what an outcome does; docs/outcomes.md is the same
// table in words. An Ambiguous call that may be repeated free of charge is
// ruled as Unavailable.
func rulings() map[providers.Class]ruling {
	return map[providers.Class]ruling{
		providers.NotFound:      {to: store.NotFound, counted: true},
		providers.InvalidInput:  {to: store.Failed, counted: true},
		providers.ProviderError: {to: store.Failed, counted: true},
		providers.Missing:       {to: store.Failed, counted: true},
		providers.RateLimited:   {to: store.Queued, door: strikes},
		providers.DailyLimited:  {to: store.Queued, door: daily},
		providers.OutOfCredit:   {to: store.Queued, door: refused},
		providers.Unauthorised:  {to: store.Queued, door: refused},
		providers.Unavailable:   {to: store.Queued, counted: true, door: circuit},
		providers.Ambiguous:     {to: store.Unknown, counted: true, door: circuit},
		providers.Poison:        {to: store.Queued},
	}
}

// failureClass is how a failed ask's class is written for those who read
// results.
var failureClass = map[providers.Class]store.ErrorClass{
	providers.InvalidInput:  store.ClassInvalidInput,
	providers.ProviderError: store.ClassProviderError,
	providers.Missing:       store.ClassMissing,
	providers.Unavailable:   store.ClassUnavailable,
	providers.Ambiguous:     store.ClassUnavailable,
}

// Policy judges outcomes of one provider. It remembers runs of refusals and
// failures by scope; everything else is in the store. Safe for concurrent use.
type Policy struct {
	spec   providers.Spec
	limits Limits
	now    func() time.Time
	rules  map[providers.Class]ruling

	hazards hazards // of records, since tickets were brought

	mu   sync.Mutex
	runs map[string]run // by scope
}

// run is failures, or refusals, in a row.
type run struct {
	n  int
	at time.Time // when the last one was counted
	// of is the part of the service that the first one was about; mixed: not
	// all were about that.
	of    string
	mixed bool
}

// NewPolicy returns the policy for a provider.
func NewPolicy(spec providers.Spec, l Limits, now func() time.Time) *Policy {
	return &Policy{spec: spec, limits: l, now: now, rules: rulings(), runs: map[string]run{}}
}

// rule returns what err means. Ambiguous turns into Unavailable where asking
// again costs nothing.
func (p *Policy) rule(err *providers.Error, repeatable bool) (providers.Class, ruling) {
	class := err.Class
	if class == providers.Ambiguous && repeatable {
		class = providers.Unavailable
	}
	r, ok := p.rules[class]
	if !ok {
		class, r = providers.Ambiguous, p.rules[providers.Ambiguous]
	}
	return class, r
}

// succeed forgets the runs of the scopes that a call has passed.
func (p *Policy) succeed(scopes ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range scopes {
		delete(p.runs, s)
	}
}

// strike adds to the run of a scope and returns it. Not counted is, in a run
// of at least enough, what was on its way when the last one was counted: it is
// of the same burst and says nothing new.
func (p *Policy) strike(scope string, a asked, enough int) (r run, counted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, known := p.runs[scope]
	if r.n >= enough && a.sent.Before(r.at) {
		return r, false
	}
	if !known {
		r.of = a.service
	}
	r.n, r.at, r.mixed = r.n+1, p.now(), r.mixed || r.of != a.service
	p.runs[scope] = r
	return r, true
}

// asked is the request that an error is about.
type asked struct {
	sent     time.Time
	endpoint string // the scope of the operation
	service  string // that of the part of the service; empty: of none
	probe    bool
	probes   []string // scopes of the gates that it probes, where these are known
}

// gate decides which gates an error closes. shut says that one is closed, by
// this error or by another of the same burst.
func (p *Policy) gate(err *providers.Error, d door, a asked) (closes []store.GateClose, shut bool) {
	now := p.now()
	g := store.GateClose{Scope: err.Scope, Class: err.Class, Code: err.Code, By: "policy", Probe: true, Strikes: 1}
	switch d {
	case strikes:
		r, counted := p.strike(err.Scope, a, 1)
		g.Probe, g.Strikes, g.Until, g.Told = false, r.n, err.Until, !err.Until.IsZero()
		if counted && r.n >= strikesClose {
			g.Until = later(err.Until, now.Add(grow(r.n-strikesClose)))
		}
		if g.Until.IsZero() {
			return nil, r.n >= strikesClose
		}
	case daily:
		g.Until = p.limits.NextReset(now)
		if a.probe {
			g.Until = sooner(g.Until, now.Add(p.limits.Probe))
		}
	case refused:
		if a.service == "" || g.Scope != a.service {
			g.Scope = p.spec.Name
		}
		g.Until = now.Add(slowProbe)
	case circuit:
		return p.trip(g, a)
	default:
		return nil, false
	}
	return []store.GateClose{g}, true
}

// grow is 1 s doubling to a minute, within a fifth.
func grow(n int) time.Duration {
	d := backoffMax
	if n < 6 {
		d = min(backoffMax, backoffBase<<n)
	}
	spread := d * jitterPercent / 100
	return d - spread + rand.N(2*spread+1) //nolint:gosec // spreading load needs no secret numbers
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sooner(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
