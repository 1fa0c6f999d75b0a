package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoBudget says that nobody has set a budget of that scope.
var ErrNoBudget = errors.New("no such budget")

// BudgetKind is whose calls a budget bounds.
type BudgetKind string

// The kinds of budgets. A batch is named by its public id.
const (
	BudgetOfBatch    BudgetKind = "batch"
	BudgetOfTenant   BudgetKind = "tenant"
	BudgetOfProvider BudgetKind = "provider"
)

// BudgetPeriod is after what a budget begins anew, in UTC.
type BudgetPeriod string

// The periods. That of a batch is its life.
const (
	WholeLife BudgetPeriod = ""
	EachDay   BudgetPeriod = "day"
	EachMonth BudgetPeriod = "month"
)

// BudgetScope says which calls a budget bounds: those that one batch pays for,
// or those of one tenant or provider in a day or a month.
type BudgetScope struct {
	Kind   BudgetKind
	Name   string
	Period BudgetPeriod
}

// BatchBudget returns the scope of what a batch costs in its whole life.
func BatchBudget(id string) BudgetScope { return BudgetScope{Kind: BudgetOfBatch, Name: id} }

// TenantBudget returns the scope of what a tenant spends in a period.
func TenantBudget(name string, p BudgetPeriod) BudgetScope {
	return BudgetScope{Kind: BudgetOfTenant, Name: name, Period: p}
}

// ProviderBudget returns the scope of what is spent at a provider in a period.
func ProviderBudget(name string, p BudgetPeriod) BudgetScope {
	return BudgetScope{Kind: BudgetOfProvider, Name: name, Period: p}
}

// String writes a scope as people and programs name it: "batch:b_…",
// "tenant:default:day", "provider:attestr:month".
func (s BudgetScope) String() string {
	if s.Period == WholeLife {
		return string(s.Kind) + ":" + s.Name
	}
	return string(s.Kind) + ":" + s.Name + ":" + string(s.Period)
}

// ParseBudgetScope is the inverse of BudgetScope.String. It does not know
// whether there is a batch, tenant or provider of that name.
func ParseBudgetScope(text string) (BudgetScope, error) {
	kind, name, _ := strings.Cut(text, ":")
	s := BudgetScope{Kind: BudgetKind(kind), Name: name}
	known := s.Kind == BudgetOfBatch
	if s.Kind == BudgetOfTenant || s.Kind == BudgetOfProvider {
		i := max(0, strings.LastIndexByte(name, ':'))
		s.Name, s.Period = name[:i], BudgetPeriod(strings.TrimPrefix(name[i:], ":"))
		known = s.Period == EachDay || s.Period == EachMonth
	}
	if !known || s.Name == "" {
		return BudgetScope{}, fmt.Errorf("%q is no scope of a budget such as batch:ID, tenant:NAME:day or provider:NAME:month", text)
	}
	return s, nil
}

// BudgetSpan is one turn of a budget: the calls that were recorded from From
// on and before Until. The life of a batch has neither.
type BudgetSpan struct {
	Name        string // "2026-11-22", "2026-11", empty for a whole life
	From, Until time.Time
}

// At returns the turn that a time is in.
func (p BudgetPeriod) At(t time.Time) BudgetSpan {
	year, month, day := t.UTC().Date()
	switch p {
	case EachDay:
		from := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
		return BudgetSpan{Name: from.Format(time.DateOnly), From: from, Until: from.AddDate(0, 0, 1)}
	case EachMonth:
		from := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
		return BudgetSpan{Name: from.Format(monthOnly), From: from, Until: from.AddDate(0, 1, 0)}
	default:
		return BudgetSpan{}
	}
}

// Named returns the turn of that name.
func (p BudgetPeriod) Named(name string) (BudgetSpan, error) {
	layout := map[BudgetPeriod]string{WholeLife: "", EachDay: time.DateOnly, EachMonth: monthOnly}[p]
	t, err := time.Parse(layout, name)
	if err != nil {
		return BudgetSpan{}, fmt.Errorf("read turn of a budget: %w", err)
	}
	return p.At(t), nil
}

// monthOnly is how a month is written.
const monthOnly = "2006-01"

// Limit is the most that may be spent: an amount or, of no currency, a number
// of asks, each of which is One.
type Limit struct {
	Amount   Money
	Currency string
}

// String writes a limit for people.
func (l Limit) String() string { return WriteMoney(l.Amount, l.Currency) }

// Budget bounds what the calls of a scope may cost. A call in another currency
// is not made.
type Budget struct {
	BudgetScope
	Limit
}

// String writes a budget for people.
func (b Budget) String() string { return b.BudgetScope.String() + " of " + b.Limit.String() }

// BudgetDefaults are the budgets of configuration. One that somebody has set
// for the same scope wins over them.
type BudgetDefaults struct {
	// TenantDay and TenantMonth bound every tenant; nil: they do not.
	TenantDay, TenantMonth *Limit
	// ProviderDay bounds providers, by name.
	ProviderDay map[string]Limit
}

// Of returns what the defaults have for a scope; false: nothing.
func (d BudgetDefaults) Of(s BudgetScope) (Limit, bool) {
	var l *Limit
	switch {
	case s.Kind == BudgetOfTenant && s.Period == EachDay:
		l = d.TenantDay
	case s.Kind == BudgetOfTenant && s.Period == EachMonth:
		l = d.TenantMonth
	case s.Kind == BudgetOfProvider && s.Period == EachDay:
		set, ok := d.ProviderDay[s.Name]
		return set, ok
	}
	if l == nil {
		return Limit{}, false
	}
	return *l, true
}

// None reports whether the defaults bound nothing.
func (d BudgetDefaults) None() bool {
	return d.TenantDay == nil && d.TenantMonth == nil && len(d.ProviderDay) == 0
}

// BudgetUse is how a budget stands in its present turn.
type BudgetUse struct {
	Budget
	BudgetSpan
	// Held may still turn out to be charged, Spent is.
	Held, Spent Money
	// Default: configuration has it. Otherwise By set it, At that time.
	Default bool
	By      string
	At      time.Time
}

// Left is what may still be spent, never less than nothing.
func (u BudgetUse) Left() Money { return max(0, u.Amount-u.Held-u.Spent) }

// BudgetsRequest chooses budgets.
type BudgetsRequest struct {
	Defaults BudgetDefaults
	// Tenant, Provider and Batch, by its public id, leave only budgets that
	// bound them, of each that is named. With none named it is all budgets, of
	// batches only those that are not finished.
	Tenant, Provider, Batch string
}

// Budgeting is what bounds the cost of calls. No claim takes more than there is
// room for, however many come at once. What is unknown stays held.
type Budgeting interface {
	// Budgets returns how budgets stand, in the order of their scopes.
	Budgets(ctx context.Context, r BudgetsRequest) ([]BudgetUse, error)
	// SetBudget sets a budget, by somebody: claims that are recorded after it
	// has returned are bound by it. ErrNoBatch: it is of no batch that is known.
	SetBudget(ctx context.Context, b Budget, by string) error
	// UnsetBudget takes back a budget that somebody has set. That of
	// configuration, if there is one, counts again. ErrNoBudget: nobody has.
	UnsetBudget(ctx context.Context, s BudgetScope) error
	// PauseUnfunded pauses the batch that Claim has refused, and reports whether
	// it did. It does not where the batch does not run any more, or a budget may
	// still have room for it: calls that are under way may turn out to be free.
	PauseUnfunded(ctx context.Context, e *BudgetError, d BudgetDefaults) (bool, error)
	// ResumeFunded sets batches running that PauseUnfunded paused and that their
	// budget has room for again, and returns them. Prices are what one ask costs,
	// by provider.
	ResumeFunded(ctx context.Context, d BudgetDefaults, prices map[string]Price) ([]BatchNo, error)
}

// ByMaxCost has set the budget of a batch that came with it.
const ByMaxCost = "max_cost"

// BudgetError says that a budget has no room for one question more. Nothing
// was recorded.
type BudgetError struct {
	// Batch is the one that would have paid.
	Batch BatchNo
	Use   BudgetUse
	// Price is what one question costs.
	Price Price
}

func (e *BudgetError) Error() string {
	u := e.Use
	if u.Currency != e.Price.Currency {
		return fmt.Sprintf("budget %s is an amount of %s, and a question costs %s",
			u.BudgetScope, countedIn(u.Currency), e.Price.Write(e.Price.Unit()))
	}
	text := fmt.Sprintf("budget %s: %s of %s are used or held", u.BudgetScope, (u.Held + u.Spent).Figure(u.Currency), u.Limit)
	if u.Left() > 0 {
		text += ", and a question costs " + e.Price.Write(e.Price.Unit())
	}
	if !u.Until.IsZero() {
		text += ", until " + u.Until.Format(time.DateOnly)
	}
	return text
}

// Reason says so to whoever sees the batch. What is spent at a provider in all
// is no business of one tenant.
func (e *BudgetError) Reason() string {
	u := e.Use
	if u.Kind != BudgetOfProvider || u.Currency != e.Price.Currency {
		return e.Error()
	}
	text := fmt.Sprintf("budget %s has no room", u.BudgetScope)
	if !u.Until.IsZero() {
		text += " until " + u.Until.Format(time.DateOnly)
	}
	return text
}

// countedIn names what an amount is counted in.
func countedIn(currency string) string {
	if currency == "" {
		return "questions"
	}
	return currency
}
