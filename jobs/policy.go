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
	jitterPercent = 20
)

// door is what an outcome does to a gate.
type door uint8

const (
	stays   door = iota
	strikes      // a run of them closes the endpoint for seconds
	daily        // closes until the quota is new, then a probe
	refused      // closes the provider until a person or a slow probe
	circuit      // a run of them closes the endpoint, a probe opens it
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

// strike adds to the run of a scope and returns its length. Not counted is,
// in a run of at least enough, what was on its way when the last one was
// counted: it is of the same burst and says nothing new.
func (p *Policy) strike(scope string, sent time.Time, enough int) (n int, counted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.runs[scope]
	if r.n >= enough && sent.Before(r.at) {
		return r.n, false
	}
	r = run{r.n + 1, p.now()}
	p.runs[scope] = r
	return r.n, true
}

// asked is the request that an error is about.
type asked struct {
	sent     time.Time
	endpoint string // the scope of the operation
	probe    bool
}

// gate decides whether an error closes a gate; nil: it does not. shut says
// that the gate is closed, by this error or by another of the same burst.
func (p *Policy) gate(err *providers.Error, d door, a asked) (g *store.GateClose, shut bool) {
	now := p.now()
	g = &store.GateClose{Scope: err.Scope, Class: err.Class, Code: err.Code, By: "policy", Probe: true, Strikes: 1}
	switch d {
	case strikes:
		n, counted := p.strike(err.Scope, a.sent, 1)
		g.Probe, g.Strikes, g.Until, g.Told = false, n, err.Until, !err.Until.IsZero()
		if counted && n >= strikesClose {
			g.Until = later(err.Until, now.Add(grow(n-strikesClose)))
		}
		if g.Until.IsZero() {
			return nil, n >= strikesClose
		}
	case daily:
		g.Until = p.limits.NextReset(now)
		if a.probe {
			g.Until = sooner(g.Until, now.Add(p.limits.Probe))
		}
	case refused:
		g.Scope, g.Until = p.spec.Name, now.Add(slowProbe)
	case circuit:
		n, counted := p.strike(a.endpoint, a.sent, runOpens)
		if !a.probe && (!counted || n < runOpens) {
			return nil, n >= runOpens
		}
		g.Scope, g.Strikes = a.endpoint, n
		g.Until = now.Add(grow(max(0, n-runOpens)))
	default:
		return nil, false
	}
	return g, true
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
