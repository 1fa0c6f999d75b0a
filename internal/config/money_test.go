package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/store"
)

const (
	attestrToken = "PLATEQ_ATTESTR_AUTH_TOKEN=dGVzdDp0ZXN0"
	aopayID      = "PLATEQ_AOPAY_REGISTRATION_ID=1"
)

func TestThePriceOfAProviderIsExact(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load([]string{"PLATEQ_ATTESTR_PRICE=0.07", "PLATEQ_ATTESTR_CURRENCY=INR", "PLATEQ_CONFIRM_ABOVE=1000"})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Provider("attestr")
	if got, want := p.Cost(), (store.Price{Each: 70_000, Currency: "INR"}); got != want {
		t.Errorf("price: got %+v, want %+v", got, want)
	}
	other, _ := c.Provider("regnum")
	if other.Cost().Known() {
		t.Errorf("regnum has a price of %+v, want none", other.Cost())
	}
	if got, ok := c.ConfirmAbove.Money(); !ok || got != 1000*store.One {
		t.Errorf("confirm above: got %s, %t, want 1000", got, ok)
	}
}

func TestPricesThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"no currency": {[]string{"PLATEQ_ATTESTR_PRICE=1"}, "PLATEQ_ATTESTR_PRICE: it goes with"},
		"no price":    {[]string{"PLATEQ_ATTESTR_CURRENCY=INR"}, "PLATEQ_ATTESTR_CURRENCY: it goes with"},
		"no code":     {[]string{"PLATEQ_ATTESTR_PRICE=1", "PLATEQ_ATTESTR_CURRENCY=rupees"}, `"rupees" is no code`},
		"too much":    {[]string{"PLATEQ_ATTESTR_PRICE=100000.01", "PLATEQ_ATTESTR_CURRENCY=INR"}, "more than 100000.00"},
		"no amount":   {[]string{"PLATEQ_ATTESTR_PRICE=1,50", "PLATEQ_ATTESTR_CURRENCY=INR"}, "no amount such as 12.50"},
		"two currencies": {[]string{
			attestrToken, aopayID, "PLATEQ_ATTESTR_PRICE=1", "PLATEQ_ATTESTR_CURRENCY=INR",
			"PLATEQ_AOPAY_PRICE=1", "PLATEQ_AOPAY_CURRENCY=EUR", "PLATEQ_CONFIRM_ABOVE=10",
		}, "aopay is paid in EUR, attestr is paid in INR"},
		"a budget in two currencies": {[]string{
			attestrToken, aopayID, "PLATEQ_ATTESTR_PRICE=1", "PLATEQ_ATTESTR_CURRENCY=INR",
			"PLATEQ_AOPAY_PRICE=1", "PLATEQ_AOPAY_CURRENCY=EUR", "PLATEQ_BUDGET_DAY=10",
		}, "PLATEQ_BUDGET_DAY: it has no currency that fits all: aopay is paid in EUR, attestr is paid in INR"},
		"a budget in two currencies, with nothing set up": {[]string{
			"PLATEQ_ATTESTR_PRICE=1", "PLATEQ_ATTESTR_CURRENCY=INR", "PLATEQ_AOPAY_PRICE=1", "PLATEQ_AOPAY_CURRENCY=EUR", "PLATEQ_BUDGET_MONTH=10",
		}, "PLATEQ_BUDGET_MONTH: it has no currency that fits all"},
		"half a question":               {[]string{attestrToken, "PLATEQ_BUDGET_MONTH=10.5"}, "PLATEQ_BUDGET_MONTH: no price is set, so that it counts questions"},
		"half a question to a provider": {[]string{"PLATEQ_REGNUM_BUDGET_DAY=0.5"}, "PLATEQ_REGNUM_BUDGET_DAY: no price is set"},
		"one without a price": {[]string{
			attestrToken, aopayID, "PLATEQ_ATTESTR_PRICE=1", "PLATEQ_ATTESTR_CURRENCY=INR", "PLATEQ_CONFIRM_ABOVE=10",
		}, "aopay has no price, attestr is paid in INR"},
	} {
		_, _, err := config.Load(c.env)
		if _, ok := errors.AsType[*config.FaultsError](err); !ok || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
}

func TestProvidersThatAreNotSetUpMixNoCurrencies(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load([]string{
		attestrToken, "PLATEQ_ATTESTR_PRICE=1", "PLATEQ_ATTESTR_CURRENCY=INR",
		"PLATEQ_AOPAY_PRICE=1", "PLATEQ_AOPAY_CURRENCY=EUR", "PLATEQ_CONFIRM_ABOVE=10",
	})
	if err != nil {
		t.Errorf("got %v, want no fault", err)
	}
}

func TestBudgetsAreMeantInTheCurrencyOfWhatTheyBound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want store.BudgetDefaults
	}{
		"none": {nil, store.BudgetDefaults{ProviderDay: map[string]store.Limit{}}},
		"questions": {[]string{attestrToken, "PLATEQ_BUDGET_DAY=1000", "PLATEQ_ATTESTR_BUDGET_DAY=400"}, store.BudgetDefaults{
			TenantDay: &store.Limit{Amount: 1000 * store.One}, ProviderDay: map[string]store.Limit{"attestr": {Amount: 400 * store.One}},
		}},
		"money": {[]string{
			attestrToken, "PLATEQ_ATTESTR_PRICE=1.5", "PLATEQ_ATTESTR_CURRENCY=INR", "PLATEQ_AOPAY_PRICE=2", "PLATEQ_AOPAY_CURRENCY=EUR",
			"PLATEQ_BUDGET_DAY=10.5", "PLATEQ_BUDGET_MONTH=100", "PLATEQ_AOPAY_BUDGET_DAY=0",
		}, store.BudgetDefaults{
			TenantDay: &store.Limit{Amount: 10_500_000, Currency: "INR"}, TenantMonth: &store.Limit{Amount: 100 * store.One, Currency: "INR"},
			ProviderDay: map[string]store.Limit{"aopay": {Currency: "EUR"}},
		}},
		"a rehearsal, with nothing set up": {[]string{"PLATEQ_REGNUM_PRICE=1", "PLATEQ_REGNUM_CURRENCY=EUR", "PLATEQ_BUDGET_DAY=10"}, store.BudgetDefaults{
			TenantDay: &store.Limit{Amount: 10 * store.One, Currency: "EUR"}, ProviderDay: map[string]store.Limit{},
		}},
	} {
		got, _, err := config.Load(c.env)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got.Budgets()); diff != "" {
			t.Errorf("%s: budgets (-want +got):\n%s", name, diff)
		}
	}
}
