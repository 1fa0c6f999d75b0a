package storetest

import (
	"errors"
	"time"

	"github.com/plateq/plateq/store"
)

var budgetRules = []rule{
	{"a claim takes no more than every budget has room for", budgetShrinks},
	{"a budget without room refuses the claim, and nothing is recorded", budgetRefuses},
	{"what turns out to be free goes back to the budget", budgetFree},
	{"what is unknown stays held", budgetUnknown},
	{"what a wrong ticket leaves unknown is held again", budgetDisowned},
	{"a settlement counts in the day of its call", budgetDayOfCall},
	{"what was asked before a budget was set counts", budgetCountsBefore},
	{"a budget that is set wins over configuration", budgetPrecedence},
	{"a budget in another currency lets nothing pass", budgetCurrency},
	{"a question that costs nothing needs no room", budgetForNothing},
	{"the budgets of who pays count, whoever was first", budgetOfPayer},
	{"a list may come with its budget", budgetOfList},
	{"budgets are shown as they stand", budgetShown},
	{"the budgets of one list, tenant or provider can be chosen", budgetChosen},
}

// bounds sets a budget of so many questions at inr.
func (w *world) bounds(s store.BudgetScope, questions int) {
	w.t.Helper()
	w.must(w.s.SetBudget(w.ctx, store.Budget{BudgetScope: s, Limit: *questionsOf(questions)}, "somebody"), "set budget")
}

func questionsOf(n int) *store.Limit { return &store.Limit{Amount: inr.Of(n), Currency: "INR"} }

func (w *world) ofBatch(b store.BatchNo) store.BudgetScope {
	w.t.Helper()
	return store.BatchBudget(w.batch(b).ID)
}

var (
	tenantDay   = store.TenantBudget(store.DefaultTenant, store.EachDay)
	tenantMonth = store.TenantBudget(store.DefaultTenant, store.EachMonth)
	providerDay = store.ProviderBudget(provider, store.EachDay)
)

// spend claims what a chunk and the budgets have left, at inr.
func (w *world) spend(c store.ChunkID, d store.BudgetDefaults) (store.Claim, error) {
	w.t.Helper()
	r := w.request(c)
	r.Price, r.Budgets = inr, d
	return w.s.Claim(w.ctx, r)
}

// spends is spend of so many asks.
func (w *world) spends(c store.ChunkID, d store.BudgetDefaults, asks int) store.Claim {
	w.t.Helper()
	got, err := w.spend(c, d)
	w.must(err, "claim")
	equal(w, "asks that were claimed", len(got.Asks), asks)
	return got
}

// spent expects a claim to be refused, and that this pauses a batch or does
// not. It returns the one that would have paid.
func (w *world) spent(c store.ChunkID, d store.BudgetDefaults, pauses bool) store.BatchNo {
	w.t.Helper()
	_, err := w.spend(c, d)
	refused := wantError[*store.BudgetError](w, "claim", err)
	paused, err := w.s.PauseUnfunded(w.ctx, refused, d)
	w.must(err, "pause")
	equal(w, "paused", paused, pauses)
	return refused.Batch
}

// stands holds a budget against what should be held and spent of it, in
// questions at inr.
func (w *world) stands(s store.BudgetScope, held, spent int) {
	w.t.Helper()
	for _, u := range w.budgets(store.BudgetsRequest{}) {
		if u.BudgetScope == s {
			equal(w, "held and spent of "+s.String(), []store.Money{u.Held, u.Spent}, []store.Money{inr.Of(held), inr.Of(spent)})
			return
		}
	}
	w.t.Errorf("there is no budget %s", s)
}

func (w *world) budgets(r store.BudgetsRequest) []store.BudgetUse {
	w.t.Helper()
	all, err := w.s.Budgets(w.ctx, r)
	w.must(err, "read budgets")
	return all
}

func budgetShrinks(w *world) {
	b := w.list(many("P", 10)...)
	ref := w.chunk(b)
	w.bounds(w.ofBatch(b), 7)
	w.bounds(tenantDay, 5)
	d := store.BudgetDefaults{ProviderDay: map[string]store.Limit{provider: {Amount: inr.Of(3) + 1, Currency: "INR"}}}
	w.settleRest(w.spends(ref.ID, d, 3), w.found(0))
	c := w.spends(ref.ID, store.BudgetDefaults{}, 2)
	equal(w, "asks that are left", c.Left, 5)
	w.bounds(tenantDay, 9)
	w.spends(ref.ID, store.BudgetDefaults{}, 2)
	w.stands(tenantDay, 4, 3)
	w.stands(w.ofBatch(b), 4, 3)
	w.states(b, store.Found, store.Found, store.Found, store.Sending, store.Sending, store.Sending, store.Sending,
		store.Queued, store.Queued, store.Queued)
}

func budgetRefuses(w *world) {
	b := w.list("A", "B", "C")
	ref := w.chunk(b)
	w.bounds(tenantMonth, 2)
	w.spends(ref.ID, store.BudgetDefaults{}, 2)
	calls := w.calls()
	_, err := w.spend(ref.ID, store.BudgetDefaults{})
	refused := wantError[*store.BudgetError](w, "claim", err)
	equal(w, "who would have paid", refused.Batch, b)
	equal(w, "text", refused.Error(), "budget tenant:default:month: 5.00 of 5.00 INR are used or held, until 2031-06-01")
	equal(w, "calls", w.calls(), calls)
	w.batchState(b, store.BatchRunning)
	w.states(b, store.Sending, store.Sending, store.Queued)
}

func budgetFree(w *world) {
	b := w.list("A", "B", "C", "D")
	ref := w.chunk(b)
	w.bounds(providerDay, 2)
	c := w.spends(ref.ID, store.BudgetDefaults{}, 2)
	w.settle(c, free(w.notFound(c.Asks[0].ID)), w.found(c.Asks[1].ID))
	w.stands(providerDay, 0, 1)
	c = w.spends(ref.ID, store.BudgetDefaults{}, 1)
	w.settleRest(c, queued(0))
	w.stands(providerDay, 0, 1)
	w.spends(ref.ID, store.BudgetDefaults{}, 1)
	w.stands(providerDay, 1, 1)
}

func budgetUnknown(w *world) {
	b := w.list("A", "B", "C")
	ref := w.chunk(b)
	w.bounds(w.ofBatch(b), 2)
	c := w.spends(ref.ID, store.BudgetDefaults{}, 2)
	w.settleRest(c, unknown(0))
	w.stands(w.ofBatch(b), 2, 0)
	w.spent(ref.ID, store.BudgetDefaults{}, true)
	n, err := w.s.GiveUp(w.ctx, c.Call, store.Decision{By: "somebody"})
	w.must(err, "give up")
	equal(w, "asks given up", n, 2)
	w.stands(w.ofBatch(b), 2, 0)
	w.settle(c, w.found(c.Asks[0].ID))
	w.stands(w.ofBatch(b), 1, 1)
}

func budgetDisowned(w *world) {
	b := w.list("A", "B")
	ref := w.chunk(b)
	w.bounds(tenantDay, 2)
	c := w.spends(ref.ID, store.BudgetDefaults{}, 2)
	w.settleRest(c, unknown(0))
	_, err := w.s.Adopt(w.ctx, c.Call, 0, newTicket("T-1", w.now()), store.Decision{By: "somebody"})
	w.must(err, "adopt")
	w.stands(tenantDay, 0, 2)
	w.settleTicket(w.takeTicket(w.due()[0].ID), w.found(c.Asks[0].ID), unknown(c.Asks[1].ID))
	w.stands(tenantDay, 1, 1)
}

func budgetDayOfCall(w *world) {
	b := w.list("A", "B", "C", "D", "E")
	ref := w.chunk(b)
	w.bounds(tenantDay, 2)
	w.bounds(tenantMonth, 4)
	first := w.spends(ref.ID, store.BudgetDefaults{}, 2)
	w.pass(24 * time.Hour)
	w.stands(tenantDay, 0, 0)
	w.spends(ref.ID, store.BudgetDefaults{}, 2)
	w.settleRest(first, free(w.notFound(0)))
	w.stands(tenantDay, 2, 0)
	w.stands(tenantMonth, 2, 0)
	w.booksBalance()
	w.pass(30 * 24 * time.Hour)
	w.stands(tenantMonth, 0, 0)
	w.spends(ref.ID, store.BudgetDefaults{}, 1)
}

func budgetCountsBefore(w *world) {
	b := w.list(many("P", 9)...)
	other := w.submit(store.NewBatch{Provider: "regnum"}, rows("X", "Y"))
	ref := w.chunk(b)
	w.settleRest(w.pricedMax(b, inr, 2), w.found(0))
	w.pricedMax(other, inr, 2)
	w.pass(24 * time.Hour)
	w.pricedMax(b, inr, 1)
	w.pricedMax(b, store.Price{Each: 1, Currency: "EUR"}, 1)
	w.bounds(tenantMonth, 8)
	w.bounds(w.ofBatch(b), 7)
	w.bounds(providerDay, 4)
	w.stands(tenantMonth, 3, 2)
	w.spends(ref.ID, store.BudgetDefaults{}, 3)
	w.stands(tenantMonth, 6, 2)
	w.stands(w.ofBatch(b), 4, 2)
	w.stands(providerDay, 4, 0)
}

func budgetPrecedence(w *world) {
	b := w.list(many("P", 9)...)
	ref := w.chunk(b)
	d := store.BudgetDefaults{TenantDay: questionsOf(2), TenantMonth: questionsOf(8)}
	w.spends(ref.ID, d, 2)
	w.spent(ref.ID, d, false)
	w.bounds(tenantDay, 5)
	w.spends(ref.ID, d, 3)
	w.bounds(tenantDay, 1)
	_, err := w.spend(ref.ID, d)
	refuses[*store.BudgetError](w, "claim of a budget that was lowered", err)
	w.must(w.s.UnsetBudget(w.ctx, tenantDay), "unset budget")
	_, err = w.spend(ref.ID, d)
	refuses[*store.BudgetError](w, "claim of a budget that is unset", err)
	d.TenantDay = nil
	w.spends(ref.ID, d, 3)
	if err := w.s.UnsetBudget(w.ctx, tenantDay); !errors.Is(err, store.ErrNoBudget) {
		w.t.Errorf("unset a budget that nobody has set: got %v", err)
	}
}

func budgetCurrency(w *world) {
	b := w.list("A", "B")
	ref := w.chunk(b)
	w.must(w.s.SetBudget(w.ctx, store.Budget{BudgetScope: tenantDay, Limit: store.Limit{Amount: 9 * store.One}}, "somebody"), "set budget")
	w.spent(ref.ID, store.BudgetDefaults{}, true)
	equal(w, "reason", w.batch(b).Reason, "budget tenant:default:day is an amount of questions, and a question costs 2.50 INR")
	w.funded(store.BudgetDefaults{})
	w.bounds(tenantDay, 1)
	w.funded(store.BudgetDefaults{}, b)
	w.spends(ref.ID, store.BudgetDefaults{}, 1)
}

func budgetForNothing(w *world) {
	b := w.list("A", "B", "C")
	w.bounds(w.ofBatch(b), 0)
	r := w.request(w.chunk(b).ID)
	r.Price = store.Price{Currency: "INR"}
	c, err := w.s.Claim(w.ctx, r)
	w.must(err, "claim")
	equal(w, "asks that were claimed", len(c.Asks), 3)
}

func budgetOfPayer(w *world) {
	first := w.list("A", "B", "C")
	ref := w.chunk(first)
	second := w.list("B", "C")
	w.bounds(w.ofBatch(first), 0)
	w.bounds(w.ofBatch(second), 1)
	equal(w, "who is refused", w.spent(ref.ID, store.BudgetDefaults{}, true), first)
	c := w.spends(ref.ID, store.BudgetDefaults{}, 1)
	equal(w, "who pays", c.Payer, second)
	w.stands(w.ofBatch(first), 0, 0)
	w.stands(w.ofBatch(second), 1, 0)
	w.settleRest(c, w.found(0))
	w.stands(w.ofBatch(second), 0, 1)
	equal(w, "who is refused then", w.spent(ref.ID, store.BudgetDefaults{}, true), second)
}

func budgetOfList(w *world) {
	nb := plain()
	nb.MaxCost = questionsOf(2)
	gone := w.begin(nb)
	w.must(w.s.AbandonBatch(w.ctx, gone), "abandon batch")
	equal(w, "budgets of a list that is gone", w.budgets(store.BudgetsRequest{}), nil)
	b := w.submit(nb, rows("A", "B", "C"))
	ref := w.chunk(b)
	w.settleRest(w.spends(ref.ID, store.BudgetDefaults{}, 2), w.found(0))
	w.spent(ref.ID, store.BudgetDefaults{}, true)
	set := w.budgets(store.BudgetsRequest{})
	equal(w, "budgets", set, []store.BudgetUse{{
		Budget: store.Budget{BudgetScope: w.ofBatch(b), Limit: *nb.MaxCost}, Spent: inr.Of(2), By: store.ByMaxCost, At: w.now(),
	}})
}

func budgetShown(w *world) {
	b := w.list("A", "B", "C")
	w.priced(b, inr)
	d := store.BudgetDefaults{TenantDay: questionsOf(2), ProviderDay: map[string]store.Limit{"regnum": {Amount: store.One}}}
	day := store.BudgetSpan{Name: "2031-05-06", From: time.Date(2031, 5, 6, 0, 0, 0, 0, time.UTC), Until: time.Date(2031, 5, 7, 0, 0, 0, 0, time.UTC)}
	w.bounds(w.ofBatch(b), 4)
	want := []store.BudgetUse{
		{Budget: store.Budget{BudgetScope: w.ofBatch(b), Limit: *questionsOf(4)}, Held: inr.Of(3), By: "somebody", At: w.now()},
		{Budget: store.Budget{BudgetScope: store.ProviderBudget("regnum", store.EachDay), Limit: store.Limit{Amount: store.One}}, BudgetSpan: day, Default: true},
		{Budget: store.Budget{BudgetScope: tenantDay, Limit: *questionsOf(2)}, BudgetSpan: day, Held: inr.Of(3), Default: true},
	}
	equal(w, "budgets", w.budgets(store.BudgetsRequest{Defaults: d}), want)
	equal(w, "left", []store.Money{want[0].Left(), want[2].Left()}, []store.Money{inr.Of(1), 0})
	w.must(w.s.Cancel(w.ctx, b, "done with it"), "cancel")
	equal(w, "budgets without that of a finished list", w.budgets(store.BudgetsRequest{Defaults: d}), want[1:])
	err := w.s.SetBudget(w.ctx, store.Budget{BudgetScope: store.BatchBudget("b_none"), Limit: *questionsOf(1)}, "somebody")
	if !errors.Is(err, store.ErrNoBatch) {
		w.t.Errorf("set the budget of no list: got %v", err)
	}
}

func budgetChosen(w *world) {
	b := w.list("A")
	w.bounds(w.ofBatch(b), 1)
	w.bounds(providerDay, 1)
	w.bounds(store.TenantBudget("another", store.EachMonth), 1)
	d := store.BudgetDefaults{TenantDay: questionsOf(2)}
	w.must(w.s.Cancel(w.ctx, b, "done with it"), "cancel")
	scopes := func(r store.BudgetsRequest) (all []store.BudgetScope) {
		r.Defaults = d
		for _, u := range w.budgets(r) {
			all = append(all, u.BudgetScope)
		}
		return all
	}
	other := []store.BudgetScope{store.TenantBudget("another", store.EachDay), store.TenantBudget("another", store.EachMonth)}
	equal(w, "all", scopes(store.BudgetsRequest{}), []store.BudgetScope{providerDay, other[1], tenantDay})
	equal(w, "of a batch", scopes(store.BudgetsRequest{Batch: w.batch(b).ID}), []store.BudgetScope{w.ofBatch(b)})
	equal(w, "of a provider", scopes(store.BudgetsRequest{Provider: provider}), []store.BudgetScope{providerDay})
	equal(w, "of a tenant without lists", scopes(store.BudgetsRequest{Tenant: "another"}), other)
	equal(w, "that bound a list", scopes(store.BudgetsRequest{Batch: w.batch(b).ID, Provider: provider, Tenant: store.DefaultTenant}),
		[]store.BudgetScope{w.ofBatch(b), providerDay, tenantDay})
}
