package store

import (
	"cmp"
	"slices"
	"time"
)

// Spender is who pays for calls to a provider.
type Spender struct {
	Batch    string // public id
	Tenant   string
	Provider string
}

// Scopes lists the budgets that may bound a spender, set or not.
func (s Spender) Scopes() []BudgetScope {
	return []BudgetScope{
		BatchBudget(s.Batch),
		ProviderBudget(s.Provider, EachDay), ProviderBudget(s.Provider, EachMonth),
		TenantBudget(s.Tenant, EachDay), TenantBudget(s.Tenant, EachMonth),
	}
}

// Bounds returns the budgets that bound a spender, in the order of their
// scopes: those that somebody has set, of which any may be given, and those of
// configuration.
func (s Spender) Bounds(set []Budget, d BudgetDefaults) []Budget {
	var bounds []Budget
	for _, scope := range s.Scopes() {
		i := slices.IndexFunc(set, func(b Budget) bool { return b.BudgetScope == scope })
		if i >= 0 {
			bounds = append(bounds, set[i])
		} else if l, ok := d.Of(scope); ok {
			bounds = append(bounds, Budget{BudgetScope: scope, Limit: l})
		}
	}
	return bounds
}

// Choose returns the budgets that the request is about, in the order of their
// scopes: of those that were set, and those that configuration has for these
// tenants. How they stand is not known to it.
func (r BudgetsRequest) Choose(set []BudgetUse, tenants []string) []BudgetUse {
	chosen := slices.Clone(set)
	add := func(s BudgetScope) {
		isSet := slices.ContainsFunc(set, func(u BudgetUse) bool { return u.BudgetScope == s })
		if l, ok := r.Defaults.Of(s); ok && !isSet {
			chosen = append(chosen, BudgetUse{Budget: Budget{BudgetScope: s, Limit: l}, Default: true})
		}
	}
	tenants = slices.Sorted(slices.Values(append(slices.Clone(tenants), cmp.Or(r.Tenant, DefaultTenant))))
	for _, t := range slices.Compact(tenants) {
		add(TenantBudget(t, EachDay))
		add(TenantBudget(t, EachMonth))
	}
	for p := range r.Defaults.ProviderDay {
		add(ProviderBudget(p, EachDay))
	}
	chosen = slices.DeleteFunc(chosen, func(u BudgetUse) bool { return !r.covers(u.BudgetScope) })
	slices.SortFunc(chosen, func(a, b BudgetUse) int { return cmp.Compare(a.BudgetScope.String(), b.BudgetScope.String()) })
	return chosen
}

// covers reports whether a budget bounds what the request is about.
func (r BudgetsRequest) covers(s BudgetScope) bool {
	if r.Tenant == "" && r.Provider == "" && r.Batch == "" {
		return true
	}
	names := map[BudgetKind]string{BudgetOfBatch: r.Batch, BudgetOfTenant: r.Tenant, BudgetOfProvider: r.Provider}
	return s.Name == names[s.Kind]
}

// Affords returns how many asks, of most (0: any number), these budgets have
// room for, or *BudgetError where it is none.
func Affords(uses []BudgetUse, p Price, most int) (int, error) {
	for _, u := range uses {
		n, bounded := u.affords(p)
		switch {
		case bounded && n == 0:
			return 0, &BudgetError{Use: u, Price: p}
		case bounded && (most <= 0 || n < most):
			most = n
		}
	}
	return most, nil
}

// affords returns how many asks there is room for, unless that is any number.
func (u BudgetUse) affords(p Price) (n int, bounded bool) {
	if u.Currency != p.Currency {
		return 0, true
	}
	if p.Unit() == 0 {
		return 0, false
	}
	return int(u.Left() / p.Unit()), true
}

// Unfunded returns the first budget that has no room for one ask, and would
// have none if everything turned out to be free that is under way, as pending
// says; nil: there is none such, and a later claim may find room.
func Unfunded(uses []BudgetUse, p Price, pending func(BudgetUse) (Money, error)) (*BudgetError, error) {
	for _, u := range uses {
		if n, bounded := u.affords(p); !bounded || n > 0 {
			continue
		}
		free, err := pending(u)
		if err != nil {
			return nil, err
		}
		if u.Currency == p.Currency && u.Amount-u.Held-u.Spent+free >= p.Unit() {
			continue
		}
		return &BudgetError{Use: u, Price: p}, nil
	}
	return nil, nil
}

// HeldBatch is a batch that a budget holds, which nobody but the budget paused.
type HeldBatch struct {
	No BatchNo
	Spender
	By BudgetScope
	// Queued is how many of its rows are, Unasked how many of its own asks.
	Queued, Unasked int
}

// Funding says which held batches may run again: the oldest first, and no more
// than will find room. How a budget stands is asked for once each.
type Funding struct {
	Defaults BudgetDefaults
	Set      []Budget
	// Prices are what one ask costs at present, by provider.
	Prices map[string]Price
	// Use returns how a budget stands.
	Use func(Budget) (BudgetUse, error)
}

// Funded returns those of the batches that their budgets have room for, or
// that have nothing left to ask. A batch that other budgets bound as well may
// soon be held by one of these.
func (f *Funding) Funded(held []HeldBatch) ([]HeldBatch, error) {
	slices.SortFunc(held, func(a, b HeldBatch) int { return cmp.Compare(a.No, b.No) })
	var funded []HeldBatch
	known := map[BudgetScope]BudgetUse{}
	for _, h := range held {
		bounds := h.Bounds(f.Set, f.Defaults)
		i := slices.IndexFunc(bounds, func(b Budget) bool { return b.BudgetScope == h.By })
		if i < 0 || h.Queued == 0 {
			funded = append(funded, h)
			continue
		}
		u, ok := known[h.By]
		if !ok {
			var err error
			if u, err = f.Use(bounds[i]); err != nil {
				return nil, err
			}
		}
		p := f.Prices[h.Provider]
		n, bounded := u.affords(p)
		if !bounded || n > 0 {
			funded = append(funded, h)
			u.Held += p.Of(max(1, h.Unasked))
		}
		known[h.By] = u
	}
	return funded, nil
}

// Turns lists the turns of budgets in which a call counts that was recorded at
// some time, by scope and name of the span.
func (s Spender) Turns(at time.Time) (scopes, spans []string) {
	for _, scope := range s.Scopes() {
		scopes, spans = append(scopes, scope.String()), append(spans, scope.Period.At(at).Name)
	}
	return scopes, spans
}

// Begin returns how a budget stands that nothing was spent of, in the turn in
// which a time is.
func (b Budget) Begin(at time.Time) BudgetUse {
	return BudgetUse{Budget: b, BudgetSpan: b.Period.At(at)}
}

// UncountedError says that the sums of some budgets have never been formed in
// their turn. Stores form them and begin again.
type UncountedError struct{ Uses []BudgetUse }

func (e *UncountedError) Error() string {
	return "the calls of budget " + e.Uses[0].BudgetScope.String() + " were never summed up"
}
