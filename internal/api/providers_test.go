package api_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/store"
)

// rich is Attestr that tells of credit.
type rich struct {
	*attestr.Provider
	balance func(context.Context) ([]providers.Balance, error)
}

func (p rich) Balance(ctx context.Context) ([]providers.Balance, error) { return p.balance(ctx) }

var until = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func withRich(t *testing.T, balance func(context.Context) ([]providers.Balance, error)) func(*api.Options) {
	t.Helper()
	p, err := attestr.New(attestr.Config{AuthToken: "c4n4ry"}, attestr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return func(o *api.Options) {
		o.Providers, err = providers.NewSet(rich{p, balance})
		if err != nil {
			t.Fatal(err)
		}
		o.Catalogue = []providers.Spec{{
			Name: "zeta", Title: "Zeta", Answers: "nothing", Countries: []string{"NO"}, MaxBatch: 1, Repeats: "yes: always",
			Params:  []providers.Param{{Name: "country", Default: "NO", Required: true}},
			Choices: []providers.Choice{{Name: "vehicle", Ways: []providers.Way{{Needs: []providers.Column{providers.VIN}, May: []providers.Column{providers.Plate}}}}},
		}, p.Spec()}
		o.Limits = func(string) api.Limits { return api.Limits{Rate: "learn", Burst: 1, Concurrency: 4, Daily: 5000} }
		o.Pace = func(_ context.Context, provider string) (api.Pace, bool) {
			return api.Pace{Rate: 7.5, Learnt: true, Limit: 8, Workers: 2, InFlight: 1, Used: 4000, Until: until, Paused: until.AddDate(-1, 0, 0)}, provider == "attestr"
		}
	}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	asked := 0
	w := newWorld(t, withRich(t, func(context.Context) ([]providers.Balance, error) {
		asked++
		return []providers.Balance{{Name: "day", Left: "12.5", Unit: "INR", Until: until}}, nil
	}))
	c := dialled(t, w)
	ctx := t.Context()
	b := w.submitted(t, "plate\nDL01AA1000\n")
	w.answer(t, b.ID)
	w.submitted(t, "plate\nDL01AA1001\nDL01AA1002\n")
	w.closed(t, store.GateClose{Scope: "attestr", Class: providers.OutOfCredit, Code: "4005", Until: until, Probe: true},
		store.GateClose{Scope: "zeta/ask", Class: providers.Unauthorised})

	all, err := c.Providers(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []client.Provider{
		{
			Name: "attestr", Title: "Attestr RC_MOBILE", Answers: "owner's mobile number", Countries: []string{"IN"}, SetUp: true,
			Needs: []string{"plate"}, Results: []string{"valid", "status", "contact"}, MaxBatch: 500, Later: true, Repeats: "no",
			Limits:   &client.Limits{Rate: "learn", Burst: 1, Concurrency: 4, Daily: 5000},
			Pace:     &client.Pace{Rate: new(7.5), Learnt: true, Limit: new(8.0), Workers: 2, InFlight: 1, UsedToday: 4000, DayEnds: &until},
			Gates:    []client.Gate{{Scope: "attestr", Reason: "out_of_credit", Code: "4005", Until: &until, Probe: true}},
			Open:     client.Backlog{Queued: 2},
			Readings: []client.Reading{{Name: "decoded", Value: 1}, {Name: "left", Value: 7, Gauge: true}},
		},
		{
			Name: "zeta", Title: "Zeta", Answers: "nothing", Countries: []string{"NO"}, MaxBatch: 1, Repeats: "yes: always",
			Choices: []client.Choice{{Name: "vehicle", Ways: []client.Way{{Needs: []string{"vin"}, May: []string{"plate"}}}}},
			Params:  []client.Param{{Name: "country", Required: true}},
			Limits:  &client.Limits{Rate: "learn", Burst: 1, Concurrency: 4, Daily: 5000},
			Gates:   []client.Gate{{Scope: "zeta/ask", Reason: "unauthorised"}},
		},
	}
	ignored := []cmp.Option{
		cmpopts.EquateEmpty(), cmpopts.IgnoreFields(client.Gate{}, "Since"), cmpopts.IgnoreFields(client.Reading{}, "At"),
		cmpopts.IgnoreFields(client.Provider{}, "DocumentedLimits"),
	}
	if diff := cmp.Diff(want, all, ignored...); diff != "" {
		t.Errorf("providers (-want +got):\n%s", diff)
	}
	if asked != 0 {
		t.Error("credit was asked for, want it only where it is wanted")
	}
	want[0].Balances = []client.Balance{{Name: "day", Left: "12.5", Unit: "INR", Until: &until}}
	if all, err = c.Providers(ctx, true); err != nil || asked != 1 {
		t.Fatalf("got %v, asked %d times", err, asked)
	}
	if diff := cmp.Diff(want, all, ignored...); diff != "" {
		t.Errorf("with balances (-want +got):\n%s", diff)
	}
}

// closed closes gates.
func (w *world) closed(t *testing.T, gates ...store.GateClose) {
	t.Helper()
	if _, err := w.store.SetGates(t.Context(), store.GateChanges{Close: gates}); err != nil {
		t.Fatal(err)
	}
}

func TestABalanceThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withRich(t, func(context.Context) ([]providers.Balance, error) {
		return nil, &providers.Error{Class: providers.Unauthorised, Code: "4016", Message: "who is DL01AA1000"}
	}))
	all, err := dialled(t, w).Providers(t.Context(), true)
	if err != nil || len(all) != 2 {
		t.Fatalf("got %v, %v", all, err)
	}
	if e := all[0].BalanceError; e == nil || *e != "attestr: balance: unauthorised (4016)" {
		t.Errorf("got %v, want the error as it may be shown", e)
	}
	if all[1].BalanceError != nil {
		t.Errorf("got %s of a provider that is not set up, want nothing", *all[1].BalanceError)
	}
	if rec := w.do(t, "GET", "/v1/providers?balance=perhaps", ""); rec.Code != 400 && rec.Code != 422 {
		t.Errorf("got %d, want the parameter to be refused", rec.Code)
	}
}

func TestAPersonOpensGates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	ctx := t.Context()
	for name, tc := range map[string]struct {
		scope string
		want  string
	}{
		"all of a provider": {"attestr", "attestr attestr/items attestr/odd attestr/submit"},
		"one of them":       {"attestr/submit", "attestr/submit"},
		"an odd one":        {"attestr/odd", "attestr/odd"},
	} {
		w.closed(t, store.GateClose{Scope: "attestr", Class: providers.OutOfCredit},
			store.GateClose{Scope: "attestr/submit", Class: providers.RateLimited}, store.GateClose{Scope: "attestr/items", Class: providers.RateLimited},
			store.GateClose{Scope: "attestr/odd", Class: providers.Unauthorised}, store.GateClose{Scope: "other", Class: providers.Unauthorised})
		got, err := c.OpenGate(ctx, tc.scope)
		if err != nil || strings.Join(slices.Sorted(slices.Values(got)), " ") != tc.want {
			t.Errorf("%s: got %v, %v, want %s", name, got, err, tc.want)
		}
		if again, err := c.OpenGate(ctx, tc.scope); err != nil || len(again) > 0 {
			t.Errorf("%s again: got %v, %v, want nothing to open", name, again, err)
		}
	}
	select {
	case <-w.wakes:
	default:
		t.Error("nobody was told that there is work again")
	}
	for scope, code := range map[string]string{"nobody": "no_such_provider", "other": "no_such_provider", "attestr/nothing": "no_such_gate", "": "no_such_provider"} {
		_, err := c.OpenGate(ctx, scope)
		p, _ := errors.AsType[*client.Problem](err)
		if p == nil || p.Status != 404 || scope != "" && p.Code != code {
			t.Errorf("%q: got %v, want %s", scope, err, code)
		}
	}
}
