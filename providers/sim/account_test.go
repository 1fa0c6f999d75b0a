package sim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// one returns options of a single account and a clock that stands still.
func one(a sim.Account) (sim.Options, *clock) {
	clk := newClock()
	a.Name, a.Token = "one", sim.DefaultToken
	return sim.Options{Now: clk.now, Accounts: []sim.Account{a}}, clk
}

func TestRefusedAccounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		account sim.Account
		code    int
	}{
		{"disabled", sim.Account{Credit: 9, Disabled: true}, 4031},
		{"not provisioned", sim.Account{Credit: 9, Withheld: true}, 4035},
		{"address", sim.Account{Credit: 9, IPRefused: true}, 4039},
		{"no credit", sim.Account{}, 4005},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			opts, _ := one(c.account)
			u := start(t, opts)
			u.submit(t, "KA01AB1234").wantCode(t, c.code)
			if got := len(u.Ledger()); got != 0 {
				t.Errorf("got %d charges, want none", got)
			}
		})
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	for _, header := range []string{"", "Basic", "Basic ", "Basic wrong", sim.DefaultToken, "Bearer " + sim.DefaultToken} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.url+batchx, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", header)
		u.send(req).wantCode(t, 4016)
	}
}

func TestBatchOfAnotherAccount(t *testing.T) {
	t.Parallel()
	opts := sim.Fast()
	opts.Accounts = []sim.Account{
		{Name: "a", Token: sim.DefaultToken, Credit: sim.Unlimited},
		{Name: "b", Token: "other", Credit: sim.Unlimited},
	}
	u := start(t, opts)
	id := u.mustSubmit(t, "KA01AB1234")
	u.token = "other"
	u.items(t, id, 0, 10).wantCode(t, 4031)
}

func TestCreditRunsOut(t *testing.T) {
	t.Parallel()
	opts, _ := one(sim.Account{Credit: 5})
	u := start(t, opts)
	id := u.mustSubmit(t, plates(3)...)
	u.submit(t, plates(3)...).wantCode(t, 4005)
	u.mustSubmit(t, plates(2)...)
	u.submit(t, "KA01AB1234").wantCode(t, 4005)
	if got := u.Accounts()[0].Credit; got != 0 {
		t.Errorf("credit: got %d, want 0", got)
	}
	if got := len(u.mustItems(t, id, 0, 10)); got != 3 {
		t.Errorf("what was paid stays readable: got %d rows, want 3", got)
	}
	a := u.Accounts()[0]
	a.Credit = 1
	if err := u.SetAccount(a); err != nil {
		t.Fatal(err)
	}
	u.mustSubmit(t, "KA01AB1234")
}

func TestRatePerSecond(t *testing.T) {
	t.Parallel()
	t.Run("account", func(t *testing.T) {
		t.Parallel()
		opts, clk := one(sim.Account{Credit: sim.Unlimited, Limits: sim.Limits{Rate: 2, Burst: 3}})
		u := start(t, opts)
		id := u.mustSubmit(t, "KA01AB1234")
		u.mustItems(t, id, 0, 1)
		u.mustItems(t, id, 0, 1)
		u.items(t, id, 0, 1).wantCode(t, 4291)
		u.submit(t, "KA01AB1234").wantCode(t, 4291)
		clk.advance(500 * time.Millisecond)
		u.mustItems(t, id, 0, 1)
		u.items(t, id, 0, 1).wantCode(t, 4291)
		clk.advance(time.Hour)
		for range 3 {
			u.mustItems(t, id, 0, 1)
		}
		u.items(t, id, 0, 1).wantCode(t, 4291)
	})
	t.Run("endpoint", func(t *testing.T) {
		t.Parallel()
		opts, clk := one(sim.Account{Credit: sim.Unlimited, Endpoints: map[string]sim.Limits{"submit": {Rate: 1}}})
		u := start(t, opts)
		id := u.mustSubmit(t, "KA01AB1234")
		u.submit(t, "KA01AB1234").wantCode(t, 4292)
		u.mustItems(t, id, 0, 1)
		clk.advance(time.Second)
		u.mustSubmit(t, "KA01AB1234")
	})
	t.Run("clock jumps back", func(t *testing.T) {
		t.Parallel()
		opts, clk := one(sim.Account{Credit: sim.Unlimited, Limits: sim.Limits{Rate: 1}})
		u := start(t, opts)
		u.mustSubmit(t, "KA01AB1234")
		clk.advance(-time.Hour)
		u.submit(t, "KA01AB1234").wantCode(t, 4291)
		clk.advance(time.Second)
		u.mustSubmit(t, "KA01AB1234")
	})
}

func TestLimitPerDay(t *testing.T) {
	t.Parallel()
	t.Run("account", func(t *testing.T) {
		t.Parallel()
		// The clock stands at noon in Kolkata: the day ends in twelve hours.
		opts, clk := one(sim.Account{Credit: sim.Unlimited, Limits: sim.Limits{Daily: 2}})
		u := start(t, opts)
		id := u.mustSubmit(t, "KA01AB1234")
		u.mustItems(t, id, 0, 1)
		u.items(t, id, 0, 1).wantCode(t, 4293)
		clk.advance(12*time.Hour - time.Second)
		u.submit(t, "KA01AB1234").wantCode(t, 4293)
		clk.advance(time.Second)
		u.mustSubmit(t, "KA01AB1234")
	})
	t.Run("endpoint, other zone", func(t *testing.T) {
		t.Parallel()
		opts, clk := one(sim.Account{
			Credit:    sim.Unlimited,
			Endpoints: map[string]sim.Limits{"submit": {Daily: 1}},
			Reset:     "07:00 UTC",
		})
		u := start(t, opts)
		id := u.mustSubmit(t, "KA01AB1234")
		u.submit(t, "KA01AB1234").wantCode(t, 4294)
		u.mustItems(t, id, 0, 1)
		clk.advance(30 * time.Minute)
		u.mustSubmit(t, "KA01AB1234")
	})
}

func TestRefusedRequestsUseNoLimit(t *testing.T) {
	t.Parallel()
	opts, clk := one(sim.Account{Credit: sim.Unlimited, Limits: sim.Limits{Rate: 1, Daily: 2}})
	u := start(t, opts)
	u.mustSubmit(t, "KA01AB1234")
	for range 5 {
		u.submit(t, "KA01AB1234").wantCode(t, 4291)
	}
	clk.advance(time.Second)
	u.mustSubmit(t, "KA01AB1234")
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	account := sim.Account{Name: "a", Token: "t", Credit: 1}
	with := func(change func(*sim.Account)) sim.Options {
		a := account
		change(&a)
		return sim.Options{Accounts: []sim.Account{a}}
	}
	for name, opts := range map[string]sim.Options{
		"no name":        with(func(a *sim.Account) { a.Name = "" }),
		"no token":       with(func(a *sim.Account) { a.Token = "" }),
		"credit":         with(func(a *sim.Account) { a.Credit = -2 }),
		"rate":           with(func(a *sim.Account) { a.Limits.Rate = -1 }),
		"endpoint":       with(func(a *sim.Account) { a.Endpoints = map[string]sim.Limits{"nothing": {}} }),
		"endpoint limit": with(func(a *sim.Account) { a.Endpoints = map[string]sim.Limits{"items": {Daily: -1}} }),
		"page":           with(func(a *sim.Account) { a.PageMax = -1 }),
		"reset":          with(func(a *sim.Account) { a.Reset = "midnight" }),
		"zone":           with(func(a *sim.Account) { a.Reset = "00:00 Nowhere/City" }),
		"one token":      {Accounts: []sim.Account{account, {Name: "b", Token: "t"}}},
		"answers":        {Answers: sim.Answers{Found: -1}},
		"completion":     {Completion: sim.Completion{Min: 2, Max: 1}},
		"order":          {Completion: sim.Completion{Order: "backwards"}},
		"kind":           {Faults: []sim.Fault{{Kind: "4999"}}},
		"where":          {Faults: []sim.Fault{{Kind: "4291", Where: "poll"}}},
		"rate of fault":  {Faults: []sim.Fault{{Kind: "4291", Rate: 1.5}}},
		"two choices":    {Faults: []sim.Fault{{Kind: "4291", Rate: 0.5, Every: 2}}},
		"pattern":        {Faults: []sim.Fault{{Kind: "4291", Pattern: "("}}},
		"parameter":      {Faults: []sim.Fault{{Kind: "cut", N: -1}}},
		"status":         {Faults: []sim.Fault{{Kind: "html", Status: 42}}},
	} {
		if _, err := sim.New(opts); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestAFixedWindowBeginsWithTheSecond(t *testing.T) {
	t.Parallel()
	opts, clk := one(sim.Account{Credit: sim.Unlimited, Limits: sim.Limits{Rate: 2, Burst: 9, Fixed: true}})
	u := start(t, opts)
	whole := func() {
		t.Helper()
		u.mustSubmit(t, "KA01AB1234")
		u.mustSubmit(t, "KA01AB1234")
		u.submit(t, "KA01AB1234").wantCode(t, 4291)
	}
	clk.advance(900 * time.Millisecond)
	whole()
	clk.advance(99 * time.Millisecond)
	u.submit(t, "KA01AB1234").wantCode(t, 4291)
	clk.advance(time.Millisecond)
	whole()
}
