package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

// budgetView is a budget as it is sent.
type budgetView struct {
	client.Budget
	Until *timestamp `json:"until"`
	SetAt *timestamp `json:"set_at"`
}

func viewBudget(b client.Budget) budgetView {
	v := budgetView{Budget: b}
	if b.Until != nil {
		v.Until = new(timestamp(*b.Until))
	}
	if b.SetAt != nil {
		v.SetAt = new(timestamp(*b.SetAt))
	}
	return v
}

func viewBudgets(all []client.Budget) []budgetView {
	views := make([]budgetView, len(all))
	for i, b := range all {
		views[i] = viewBudget(b)
	}
	return views
}

// budgets are those that a request chooses.
func (o Options) budgets(ctx context.Context, r store.BudgetsRequest) ([]client.Budget, error) {
	r.Defaults = o.Budgets
	uses, err := o.Store.Budgets(ctx, r)
	all := make([]client.Budget, len(uses))
	for i, u := range uses {
		all[i] = budgetOf(u)
	}
	return all, err
}

func budgetOf(u store.BudgetUse) client.Budget {
	b := client.Budget{
		Scope: u.BudgetScope.String(), Amount: u.Amount.Figure(u.Currency), Spent: u.Spent.Figure(u.Currency),
		Held: u.Held.Figure(u.Currency), Left: u.Left().Figure(u.Currency),
	}
	if u.Currency != "" {
		b.Currency = new(u.Currency)
	}
	if !u.Until.IsZero() {
		b.Until = new(u.Until)
	}
	if !u.Default {
		b.SetBy, b.SetAt = new(u.By), new(u.At)
	}
	return b
}

// listBudgets answers with how budgets stand.
func (s *server) listBudgets(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	batch := q.text("batch")
	if err := q.err(); err != nil {
		return err
	}
	var req store.BudgetsRequest
	if batch != "" {
		b, err := s.visible(r.Context(), batch)
		if err != nil {
			return err
		}
		req.Batch, req.Tenant, req.Provider = b.ID, b.Tenant, b.Provider
	}
	all, err := s.budgets(r.Context(), req)
	if err == nil {
		all, err = s.ownBudgets(r.Context(), all)
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, items[budgetView]{viewBudgets(all)})
}

// ownBudgets leaves those that are the caller's to see. What is spent at a
// provider is spent by all tenants.
func (s *server) ownBudgets(ctx context.Context, all []client.Budget) ([]client.Budget, error) {
	own := make([]client.Budget, 0, len(all))
	for _, b := range all {
		scope, err := store.ParseBudgetScope(b.Scope)
		if err != nil {
			return nil, err
		}
		err = s.ownScope(ctx, scope)
		switch _, refused := errors.AsType[*Problem](err); {
		case err == nil:
			own = append(own, b)
		case !refused && !errors.Is(err, store.ErrNoBatch):
			return nil, err
		}
	}
	return own, nil
}

// ownScope returns an error where a budget of that scope is not the caller's to
// see and to set, as if there were nothing of that name.
func (s *server) ownScope(ctx context.Context, scope store.BudgetScope) error {
	if ofAll(ctx) {
		return nil
	}
	switch scope.Kind {
	case store.BudgetOfBatch:
		_, err := s.visible(ctx, scope.Name)
		return err
	case store.BudgetOfProvider:
		return wholeOnly(ctx)
	}
	if !sees(ctx, scope.Name) {
		return badBudget("scope", "there is no tenant %q", clip(scope.Name))
	}
	return nil
}

// budgetChange is what a change of a budget came to.
type budgetChange struct {
	Budget  *budgetView `json:"budget"`
	Resumed []string    `json:"resumed"`
}

// budgetRequest is a budget that somebody sets.
type budgetRequest struct {
	Amount   string  `json:"amount" doc:"A decimal or, where nothing has a price, a number of questions."`
	Currency *string `json:"currency,omitempty" nullable:"true" doc:"That of what it bounds, where it is not said."`
}

// setBudget sets the budget of a scope.
func (s *server) setBudget(w http.ResponseWriter, r *http.Request) error {
	var req budgetRequest
	if err := readBody(r, &req); err != nil {
		return err
	}
	b, err := s.budget(r.Context(), r.PathValue("scope"), req)
	if err != nil {
		return err
	}
	held, err := s.held(r.Context())
	if err != nil {
		return err
	}
	if err := s.noteBudget(r.Context(), store.ActBudgetSet, b.BudgetScope); err != nil {
		return err
	}
	if err := s.Store.SetBudget(r.Context(), b, requester(r.Context())); err != nil {
		return err
	}
	s.Log.Info().Str("budget", b.BudgetScope.String()).Stringer("limit", b.Limit).Str("by", requester(r.Context())).Msg("a budget is set by a person")
	return s.answerBudget(w, r, b.BudgetScope, held)
}

// unsetBudget takes back what somebody has set.
func (s *server) unsetBudget(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	scope, err := store.ParseBudgetScope(r.PathValue("scope"))
	if err != nil {
		return badBudget("scope", "%v", err)
	}
	if err := s.ownScope(r.Context(), scope); err != nil {
		return err
	}
	held, err := s.held(r.Context())
	if err != nil {
		return err
	}
	if err := s.isSet(r.Context(), scope); err != nil {
		return err
	}
	if err := s.noteBudget(r.Context(), store.ActBudgetUnset, scope); err != nil {
		return err
	}
	if err := s.Store.UnsetBudget(r.Context(), scope); err != nil {
		return err
	}
	s.Log.Info().Str("budget", scope.String()).Str("by", requester(r.Context())).Msg("a budget is taken back by a person")
	return s.answerBudget(w, r, scope, held)
}

// isSet returns nil if somebody has set a budget of that scope, store.ErrNoBudget
// or, of a batch, store.ErrNoBatch.
func (s *server) isSet(ctx context.Context, scope store.BudgetScope) error {
	var r store.BudgetsRequest // without defaults: those of configuration nobody has set
	switch scope.Kind {
	case store.BudgetOfBatch:
		b, err := s.Store.Batch(ctx, scope.Name)
		if err != nil {
			return err
		}
		r.Batch = b.ID
	case store.BudgetOfTenant:
		r.Tenant = scope.Name
	case store.BudgetOfProvider:
		r.Provider = scope.Name
	}
	set, err := s.Store.Budgets(ctx, r)
	if err == nil && !slices.ContainsFunc(set, func(u store.BudgetUse) bool { return u.BudgetScope == scope }) {
		err = store.ErrNoBudget
	}
	return err
}

// held lists the batches that a budget holds, the newest hundred paused ones of
// the caller being looked at.
func (s *server) held(ctx context.Context) ([]store.Batch, error) {
	paused, err := s.Store.Batches(ctx, store.BatchFilter{Tenant: tenantOf(ctx), States: []store.BatchState{store.BatchPaused}})
	return slices.DeleteFunc(paused, func(b store.Batch) bool { return b.HeldBy == store.BudgetScope{} }), err
}

// released returns the ids of batches that were held and are not any more. The
// scheduler may have let them go on before we could.
func (s *server) released(ctx context.Context, held []store.Batch) ([]string, error) {
	var ids []string
	for _, b := range held {
		now, err := s.Store.Batch(ctx, b.ID)
		if err != nil {
			return nil, err
		}
		if now.State != store.BatchPaused {
			ids = append(ids, b.ID)
		}
	}
	return ids, nil
}

// answerBudget says what bounds a scope now, once those go on that can, of
// which some were held before.
func (s *server) answerBudget(w http.ResponseWriter, r *http.Request, scope store.BudgetScope, held []store.Batch) error {
	resumed, err := s.resumeFunded(r.Context())
	if err != nil {
		return err
	}
	released, err := s.released(r.Context(), held)
	if err != nil {
		return err
	}
	for _, id := range released {
		if !slices.Contains(resumed, id) {
			resumed = append(resumed, id)
		}
	}
	answer := budgetChange{Resumed: resumed}
	all, err := s.budgets(r.Context(), store.BudgetsRequest{})
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(all, func(b client.Budget) bool { return b.Scope == scope.String() }); i >= 0 {
		answer.Budget = new(viewBudget(all[i]))
	}
	return writeJSON(w, http.StatusOK, answer)
}

// resumeFunded lets batches go on for which there is room now. It returns the
// ids of those that are the caller's.
func (s *server) resumeFunded(ctx context.Context) ([]string, error) {
	resumed, err := s.Store.ResumeFunded(ctx, s.Budgets, s.prices())
	if err != nil {
		return nil, err
	}
	all, own := []string{}, []string{}
	for _, no := range resumed {
		b, err := s.Store.BatchByNo(ctx, no)
		if err != nil {
			return nil, err
		}
		all = append(all, b.ID)
		if sees(ctx, b.Tenant) {
			own = append(own, b.ID)
		}
	}
	if len(all) > 0 {
		s.Log.Info().Strs("batches", all).Msg("batches go on within their budget")
		s.Wake()
	}
	return own, nil
}

// prices are those of all providers there are.
func (s *server) prices() map[string]store.Price {
	all := map[string]store.Price{}
	for _, spec := range s.Catalogue {
		all[spec.Name] = s.Price(spec.Name)
	}
	return all
}

// isCurrency is the form of a currency.
var isCurrency = regexp.MustCompile(`^[A-Z]{3}$`)

// budget checks what somebody sets: it must be of something that is there, in
// the currency of what that costs.
func (s *server) budget(ctx context.Context, text string, req budgetRequest) (store.Budget, error) {
	scope, err := store.ParseBudgetScope(text)
	if err != nil {
		return store.Budget{}, badBudget("scope", "%v", err)
	}
	if err := s.ownScope(ctx, scope); err != nil {
		return store.Budget{}, err
	}
	currency, err := s.currencyOf(ctx, scope)
	if err != nil {
		return store.Budget{}, err
	}
	if given := req.Currency; given != nil && *given != currency {
		switch {
		case !isCurrency.MatchString(*given):
			return store.Budget{}, badBudget("currency", "%q is no code of three capital letters, such as INR", clip(*given))
		case currency == "":
			return store.Budget{}, badBudget("currency", "no price is set for what this bounds, so that it counts questions: leave the currency out")
		}
		return store.Budget{}, badBudget("currency", "what this bounds is paid in %s", currency)
	}
	limit, err := limitOf(req.Amount, currency)
	if err != nil {
		return store.Budget{}, badBudget("amount", "%v", err)
	}
	return store.Budget{BudgetScope: scope, Limit: limit}, nil
}

func badBudget(field, format string, args ...any) error {
	p := problem(http.StatusUnprocessableEntity, "bad_budget", format, args...)
	p.Errors = []FieldError{{Field: field, Detail: p.Detail}}
	return p
}

// limitOf reads a limit of a currency.
func limitOf(amount, currency string) (store.Limit, error) {
	m, err := store.ParseMoney(amount)
	if err == nil && currency == "" && m%store.One != 0 {
		err = errors.New("no price is set for what this bounds, so that it counts questions: it must be a whole number")
	}
	return store.Limit{Amount: m, Currency: currency}, err
}

// currencyOf is the currency in which the calls of a scope are paid; empty: no
// price is set.
func (s *server) currencyOf(ctx context.Context, scope store.BudgetScope) (string, error) {
	switch scope.Kind {
	case store.BudgetOfBatch:
		b, err := s.Store.Batch(ctx, scope.Name)
		return s.Price(b.Provider).Currency, err
	case store.BudgetOfProvider:
		price, ok := s.prices()[scope.Name]
		if !ok {
			return "", badBudget("scope", "there is no provider %q", clip(scope.Name))
		}
		return price.Currency, nil
	}
	if err := store.CheckTenant(scope.Name); err != nil {
		return "", badBudget("scope", "%v", err)
	}
	currency, err := s.Currency()
	if err != nil {
		return "", badBudget("scope", "it has no currency that fits all: %v: set one for each provider", err)
	}
	return currency, nil
}
