package api_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// budgeted has a price and a budget of the day.
func budgeted(o *api.Options) {
	o.Price = func(string) store.Price { return rupees }
	o.Budgets = store.BudgetDefaults{TenantDay: &store.Limit{Amount: 100 * store.One, Currency: "INR"}}
}

var rupees = store.Price{Each: 2_500_000, Currency: "INR"}

func TestBudgetsAreSetAndTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, budgeted)
	c := dialled(t, w)
	ctx := t.Context()
	tomorrow := store.EachDay.At(time.Now()).Until
	configured := client.Budget{
		Scope: "tenant:default:day", Amount: "100.00", Currency: new("INR"), Spent: "0.00", Held: "0.00", Left: "100.00", Until: &tomorrow,
	}
	set := configured
	set.Amount, set.Left, set.SetBy = "250.50", "250.50", new("request")
	month := client.Budget{
		Scope: "provider:attestr:month", Amount: "7.00", Currency: new("INR"), Spent: "0.00", Held: "0.00", Left: "7.00",
		Until: new(store.EachMonth.At(time.Now()).Until), SetBy: new("request"),
	}
	equal := func(what string, got, want []client.Budget) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(client.Budget{}, "SetAt")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	list := func() []client.Budget {
		t.Helper()
		all, err := c.Budgets(ctx, client.BudgetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	equal("at first", list(), []client.Budget{configured})
	got, err := c.SetBudget(ctx, "tenant:default:day", "250.5", "")
	if err != nil || got.Budget.SetAt == nil || len(got.Resumed) != 0 {
		t.Fatalf("set: %+v, %v", got, err)
	}
	equal("what was set", []client.Budget{*got.Budget}, []client.Budget{set})
	if _, err := c.SetBudget(ctx, "provider:attestr:month", "7", "INR"); err != nil {
		t.Fatal(err)
	}
	equal("then", list(), []client.Budget{month, set})
	got, err = c.UnsetBudget(ctx, "tenant:default:day")
	if err != nil {
		t.Fatal(err)
	}
	equal("what counts again", []client.Budget{*got.Budget}, []client.Budget{configured})
	if got, err = c.UnsetBudget(ctx, "provider:attestr:month"); err != nil || got.Budget != nil {
		t.Errorf("unset: got %+v, %v; want no budget", got, err)
	}
	equal("in the end", list(), []client.Budget{configured})
	checkProblem(t, w.do(t, "DELETE", "/v1/budgets/tenant:default:day", ""), http.StatusNotFound, "no_such_budget")
}

func TestABudgetIsOfSomethingThatIsThereAndInItsCurrency(t *testing.T) {
	t.Parallel()
	priced, unpriced := newWorld(t, budgeted), newWorld(t, nil)
	mixed := newWorld(t, func(o *api.Options) {
		o.Currency = func() (string, error) {
			return store.OneCurrency(map[string]store.Price{"attestr": rupees, "aopay": {}})
		}
	})
	for _, tt := range []struct {
		name, scope, body string
		world             *world
		code, field       string
	}{
		{"no scope", "everything", `{"amount":"1"}`, priced, "bad_budget", "scope"},
		{"no period", "tenant:default", `{"amount":"1"}`, priced, "bad_budget", "scope"},
		{"no name of a tenant", "tenant:Others:day", `{"amount":"1"}`, priced, "bad_budget", "scope"},
		{"no such provider", "provider:nobody:day", `{"amount":"1"}`, priced, "bad_budget", "scope"},
		{"no amount", "tenant:default:day", `{}`, priced, "bad_budget", "amount"},
		{"below nothing", "tenant:default:day", `{"amount":"-1"}`, priced, "bad_budget", "amount"},
		{"half a question", "provider:attestr:day", `{"amount":"0.5"}`, unpriced, "bad_budget", "amount"},
		{"another currency", "provider:attestr:day", `{"amount":"1","currency":"EUR"}`, priced, "bad_budget", "currency"},
		{"no currency", "provider:attestr:day", `{"amount":"1","currency":"rupees"}`, priced, "bad_budget", "currency"},
		{"money for questions", "tenant:default:day", `{"amount":"1","currency":"INR"}`, unpriced, "bad_budget", "currency"},
		{"several currencies", "tenant:default:day", `{"amount":"1"}`, mixed, "bad_budget", "scope"},
		{"an amount that is no text", "tenant:default:day", `{"amount":1}`, priced, "bad_body", "amount"},
	} {
		rec := tt.world.do(t, "PUT", "/v1/budgets/"+tt.scope, tt.body, jsonBody)
		checkProblem(t, rec, http.StatusUnprocessableEntity, tt.code)
		p := decoded[client.Problem](t, rec)
		if len(p.Errors) != 1 || p.Errors[0].Field != tt.field {
			t.Errorf("%s: got %s, want a fault of %s", tt.name, rec.Body, tt.field)
		}
	}
	checkProblem(t, priced.do(t, "PUT", "/v1/budgets/batch:b_none", `{"amount":"1"}`, jsonBody), http.StatusNotFound, "no_such_batch")
	checkProblem(t, priced.do(t, "GET", "/v1/budgets?batch=b_none", ""), http.StatusNotFound, "no_such_batch")
	for name, w := range map[string]*world{"priced": priced, "unpriced": unpriced, "mixed": mixed} {
		all, err := w.store.Budgets(t.Context(), store.BudgetsRequest{})
		if err != nil || len(all) != 0 {
			t.Errorf("%s: %d budgets were left, %v", name, len(all), err)
		}
	}
}

// TestAListPausesAtItsCostAndGoesOn: a list that came with a budget for two of
// its three questions says what holds it, and goes on once that is raised.
func TestAListPausesAtItsCostAndGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, budgeted)
	c := dialled(t, w)
	ctx := t.Context()
	b, err := c.SubmitItems(ctx, client.SubmitOptions{Provider: "attestr", MaxCost: "5.00"},
		[]client.Item{{"plate": "DL01AA1000"}, {"plate": "DL01AA1001"}, {"plate": "DL01AA1002"}})
	if err != nil {
		t.Fatal(err)
	}
	w.answer(t, b.ID)
	w.refused(t, b.ID)
	if b, err = c.Batch(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	scope := "batch:" + b.ID
	want := client.Waiting{Scope: scope, Reason: client.ReasonBudget}
	if b.State != client.Paused || b.WaitingFor == nil || *b.WaitingFor != want || b.Reason != "budget "+scope+": 5.00 of 5.00 INR are used or held" {
		t.Errorf("held: %s, %+v, %q", b.State, b.WaitingFor, b.Reason)
	}
	bounds, err := c.Budgets(ctx, client.BudgetOptions{Batch: b.ID})
	if err != nil || len(bounds) != 2 || bounds[0].Scope != scope || bounds[0].Left != "0.00" || bounds[0].Spent != "5.00" || *bounds[0].SetBy != "max_cost" {
		t.Errorf("budgets of the list: %+v, %v", bounds, err)
	}
	for len(w.wakes) > 0 {
		<-w.wakes
	}
	if got, err := c.SetBudget(ctx, scope, "6", ""); err != nil || len(got.Resumed) != 0 || len(w.wakes) != 0 {
		t.Errorf("raised by too little: %+v, %v, woken %d times", got, err, len(w.wakes))
	}
	got, err := c.SetBudget(ctx, scope, "7.5", "")
	if err != nil || len(got.Resumed) != 1 || got.Resumed[0] != b.ID || len(w.wakes) != 1 {
		t.Errorf("raised: %+v, %v, woken %d times", got, err, len(w.wakes))
	}
	if b, err = c.Batch(ctx, b.ID); err != nil || b.State != client.Running || b.WaitingFor != nil || b.Reason != "" {
		t.Errorf("raised: %+v, %v", b, err)
	}
	w.answer(t, b.ID)
	if b, err = c.Batch(ctx, b.ID); err != nil || b.State != client.Done {
		t.Errorf("in the end: %s, %v", b.State, err)
	}
}

// refused lets a worker try to claim of a batch that no budget has room for.
func (w *world) refused(t *testing.T, id string) {
	t.Helper()
	ctx := t.Context()
	b, err := w.store.Batch(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := w.store.Offer(ctx, store.OfferRequest{Batch: b.No, Size: 500, Limit: 1})
	if err != nil || len(chunks) != 1 {
		t.Fatalf("offer: %d chunks, %v", len(chunks), err)
	}
	_, err = w.store.Claim(ctx, w.claim(chunks[0].ID))
	full, ok := errors.AsType[*store.BudgetError](err)
	if !ok {
		t.Fatalf("claim: got %v, want a *store.BudgetError", err)
	}
	if held, err := w.store.PauseUnfunded(ctx, full, store.BudgetDefaults{}); err != nil || !held {
		t.Fatalf("pause: %t, %v", held, err)
	}
}

func TestACostThatMeansNothingIsRefused(t *testing.T) {
	t.Parallel()
	priced, unpriced := newWorld(t, budgeted), newWorld(t, nil)
	const list = "plate\nDL01AA1000\n"
	for name, tt := range map[string]struct {
		w          *world
		path, body string
		media      string
		status     int
		code       string
	}{
		"no price, CSV":      {unpriced, "/v1/batches?provider=attestr&max_cost=5", list, csvBody, 422, "no_price"},
		"no price, JSON":     {unpriced, "/v1/batches", `{"provider":"attestr","max_cost":5,"items":[{"plate":"DL01AA1000"}]}`, jsonBody, 422, "no_price"},
		"no price, estimate": {unpriced, "/v1/estimates?provider=attestr&max_cost=5", list, csvBody, 422, "no_price"},
		"no amount, CSV":     {priced, "/v1/batches?provider=attestr&max_cost=5,5", list, csvBody, 422, "bad_envelope"},
		"no amount, JSON":    {priced, "/v1/batches", `{"provider":"attestr","max_cost":1e3,"items":[{"plate":"DL01AA1000"}]}`, jsonBody, 422, "bad_envelope"},
		"no number":          {priced, "/v1/batches", `{"provider":"attestr","max_cost":true,"items":[{"plate":"DL01AA1000"}]}`, jsonBody, 422, "bad_envelope"},
	} {
		rec := tt.w.do(t, "POST", tt.path, tt.body, tt.media)
		if checkProblem(t, rec, tt.status, tt.code); t.Failed() {
			t.Fatal(name)
		}
		if p := decoded[client.Problem](t, rec); len(p.Errors) != 1 || p.Errors[0].Field != "max_cost" {
			t.Errorf("%s: got %s, want a fault of max_cost", name, rec.Body)
		}
		if n := tt.w.batches(t); n != 0 {
			t.Errorf("%s: %d batches were left", name, n)
		}
	}
}

func TestAnEstimateSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	rec := newWorld(t, budgeted).do(t, "POST", "/v1/estimates?provider=attestr", "plate\nDL01AA1000\n", csvBody)
	if rec.Code != http.StatusOK {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	got := decoded[client.Estimate](t, rec)
	if len(got.Budgets) != 1 || got.Budgets[0].Scope != "tenant:default:day" || got.Budgets[0].Left != "100.00" {
		t.Errorf("budgets %+v", got.Budgets)
	}
	none := newWorld(t, nil).do(t, "POST", "/v1/estimates?provider=attestr", "plate\nDL01AA1000\n", csvBody)
	if e := decoded[client.Estimate](t, none); e.Budgets == nil || len(e.Budgets) != 0 {
		t.Errorf("budgets of none: %s", none.Body)
	}
}
