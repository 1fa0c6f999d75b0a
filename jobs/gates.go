package jobs

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// gateAge is how old a copy of the gates may be.
const gateAge = time.Second

// Gates is a copy of the store's gates, at most a second old, that spares the
// store a question for every task. What it says is a hint: claims ask the
// store itself.
type Gates struct {
	st  store.Store
	now func() time.Time

	mu   sync.Mutex
	read time.Time
	all  map[string]store.Gate
}

// NewGates returns a copy that has not been read yet.
func NewGates(st store.Store, now func() time.Time) *Gates {
	return &Gates{st: st, now: now}
}

// Closed returns the first of the scopes whose gate lets nobody pass now. A
// gate whose time has come is open to one who asks the store.
func (g *Gates) Closed(ctx context.Context, scopes ...string) (store.Gate, bool) {
	return g.find(ctx, scopes, store.Gate.Shut)
}

// PollScopes returns the gates that polls of a provider must find open, widest
// first. One that is closed for want of credit is none of theirs: a poll is
// free, and would prove nothing about credit if it passed.
func (g *Gates) PollScopes(ctx context.Context, spec providers.Spec) []string {
	_, broke := g.find(ctx, []string{spec.Name}, func(gate store.Gate, _ time.Time) bool {
		return gate.Closed && gate.Class == providers.OutOfCredit
	})
	if broke {
		return []string{spec.PollScope()}
	}
	return []string{spec.Name, spec.PollScope()}
}

// Below returns the scopes of the parts of the service behind a scope whose
// gates let nobody pass now.
func (g *Gates) Below(ctx context.Context, scope string) []string {
	var below []string
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.refresh(ctx)
	for s, gate := range g.all {
		if strings.HasPrefix(s, scope+"/") && gate.Shut(now) {
			below = append(below, s)
		}
	}
	return below
}

// Circuit reports whether one of the scopes is closed over a run of failures
// and its time has come: the next call finds out whether it may open.
func (g *Gates) Circuit(ctx context.Context, scopes ...string) bool {
	_, found := g.find(ctx, scopes, func(gate store.Gate, now time.Time) bool {
		return gate.Closed && !gate.Shut(now) && (gate.Class == providers.Unavailable || gate.Class == providers.Ambiguous)
	})
	return found
}

func (g *Gates) find(ctx context.Context, scopes []string, is func(store.Gate, time.Time) bool) (store.Gate, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.refresh(ctx)
	for _, s := range scopes {
		if gate, ok := g.all[s]; ok && is(gate, now) {
			return gate, true
		}
	}
	return store.Gate{}, false
}

// refresh reads the store where the copy is too old, and returns the time.
func (g *Gates) refresh(ctx context.Context) time.Time {
	now := g.now()
	if g.all == nil || now.Sub(g.read) >= gateAge || now.Before(g.read) {
		if fresh, err := g.st.Gates(ctx); err == nil {
			g.all, g.read = byScope(fresh), now
		}
	}
	return now
}

// Forget makes the next question read the store.
func (g *Gates) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = nil
}

func byScope(gates []store.Gate) map[string]store.Gate {
	m := make(map[string]store.Gate, len(gates))
	for _, g := range gates {
		m[g.Scope] = g
	}
	return m
}
