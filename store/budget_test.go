package store_test

import (
	"cmp"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

func TestBudgetScopesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]store.BudgetScope{
		"batch:b_01j":            store.BatchBudget("b_01j"),
		"tenant:default:day":     store.TenantBudget("default", store.EachDay),
		"tenant:a:b:month":       store.TenantBudget("a:b", store.EachMonth),
		"provider:attestr:day":   store.ProviderBudget("attestr", store.EachDay),
		"provider:attestr:month": store.ProviderBudget("attestr", store.EachMonth),
	} {
		got, err := store.ParseBudgetScope(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %+v, %q, %v, want %+v", text, got, got, err, want)
		}
	}
}

func TestBudgetScopesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "batch", "batch:", "tenant", "tenant:", "tenant:default", "tenant::day", "tenant:day", "tenant:default:", "tenant:default:week",
		"provider:attestr", "provider:attestr:year", "list:b_01j", "Batch:b_01j", ":b_01j",
	} {
		if got, err := store.ParseBudgetScope(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func FuzzParseBudgetScope(f *testing.F) {
	for _, text := range []string{"batch:b_01j", "tenant:default:day", "provider:attestr:month", "tenant::", "::"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := store.ParseBudgetScope(text)
		if err == nil && s.String() != text {
			t.Errorf("%q was read as %q", text, s)
		}
	})
}

func TestBudgetPeriodsAreThoseOfUTC(t *testing.T) {
	t.Parallel()
	kolkata := time.FixedZone("Asia/Kolkata", 5*3600+1800)
	at := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	last := time.Date(2026, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	for _, c := range []struct {
		name   string
		period store.BudgetPeriod
		t      time.Time
		want   store.BudgetSpan
	}{
		{"the last moment of a day", store.EachDay, last, store.BudgetSpan{Name: "2026-12-31", From: at(2026, 12, 31), Until: at(2027, 1, 1)}},
		{"the first of the next", store.EachDay, last.Add(1), store.BudgetSpan{Name: "2027-01-01", From: at(2027, 1, 1), Until: at(2027, 1, 2)}},
		{"a day elsewhere", store.EachDay, time.Date(2026, 3, 1, 4, 0, 0, 0, kolkata), store.BudgetSpan{Name: "2026-02-28", From: at(2026, 2, 28), Until: at(2026, 3, 1)}},
		{"the last moment of a month", store.EachMonth, last, store.BudgetSpan{Name: "2026-12", From: at(2026, 12, 1), Until: at(2027, 1, 1)}},
		{"a month elsewhere", store.EachMonth, time.Date(2026, 3, 1, 4, 0, 0, 0, kolkata), store.BudgetSpan{Name: "2026-02", From: at(2026, 2, 1), Until: at(2026, 3, 1)}},
		{"a life", store.WholeLife, last, store.BudgetSpan{}},
	} {
		if got := c.period.At(c.t); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if got, err := c.period.Named(c.want.Name); got != c.want || err != nil {
			t.Errorf("%s by its name: got %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	if got, err := store.EachDay.Named("2026-12"); err == nil {
		t.Errorf("the day 2026-12 is %+v", got)
	}
}

func TestBudgetDefaultsAreFoundByTheirScope(t *testing.T) {
	t.Parallel()
	day, month, regnum := store.Limit{Amount: 1, Currency: "INR"}, store.Limit{Amount: 2, Currency: "INR"}, store.Limit{Amount: 3}
	d := store.BudgetDefaults{TenantDay: &day, TenantMonth: &month, ProviderDay: map[string]store.Limit{"regnum": regnum}}
	for scope, want := range map[store.BudgetScope]*store.Limit{
		store.TenantBudget("default", store.EachDay):    &day,
		store.TenantBudget("default", store.EachMonth):  &month,
		store.ProviderBudget("regnum", store.EachDay):   &regnum,
		store.ProviderBudget("regnum", store.EachMonth): nil,
		store.ProviderBudget("aopay", store.EachDay):    nil,
		store.BatchBudget("b_1"):                        nil,
	} {
		got, ok := d.Of(scope)
		if ok != (want != nil) || ok && got != *want {
			t.Errorf("%s: got %v, %v, want %v", scope, got, ok, want)
		}
	}
	if got, ok := (store.BudgetDefaults{}).Of(store.TenantBudget("default", store.EachDay)); ok {
		t.Errorf("no defaults: got %v", got)
	}
}

func TestBudgetErrorsSayWhatThereIsTooLittleOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	rupees := func(n int) store.Limit { return store.Limit{Amount: store.Money(n) * store.One, Currency: "INR"} }
	use := func(s store.BudgetScope, l store.Limit, held, spent int) store.BudgetUse {
		return store.BudgetUse{Budget: store.Budget{BudgetScope: s, Limit: l}, BudgetSpan: s.Period.At(now),
			Held: store.Money(held) * store.One, Spent: store.Money(spent) * store.One}
	}
	five := store.Price{Each: 5 * store.One, Currency: "INR"}
	for _, c := range []struct {
		use    store.BudgetUse
		price  store.Price
		want   string
		reason string // empty: the same
	}{
		{use(store.TenantBudget("default", store.EachDay), rupees(500), 100, 400), five,
			"budget tenant:default:day: 500.00 of 500.00 INR are used or held, until 2026-11-23", ""},
		{use(store.BatchBudget("b_1"), rupees(500), 0, 498), five,
			"budget batch:b_1: 498.00 of 500.00 INR are used or held, and a question costs 5.00 INR", ""},
		{use(store.ProviderBudget("regnum", store.EachMonth), store.Limit{Amount: 1000 * store.One}, 0, 1000), store.Price{},
			"budget provider:regnum:month: 1000 of 1000 questions are used or held, until 2026-12-01",
			"budget provider:regnum:month has no room until 2026-12-01"},
		{use(store.BatchBudget("b_1"), rupees(500), 0, 0), store.Price{Each: store.One, Currency: "EUR"},
			"budget batch:b_1 is an amount of INR, and a question costs 1.00 EUR", ""},
		{use(store.BatchBudget("b_1"), store.Limit{Amount: store.One}, 0, 0), five,
			"budget batch:b_1 is an amount of questions, and a question costs 5.00 INR", ""},
	} {
		err := &store.BudgetError{Use: c.use, Price: c.price}
		if err.Error() != c.want {
			t.Errorf("got %q, want %q", err, c.want)
		}
		if want := cmp.Or(c.reason, c.want); err.Reason() != want {
			t.Errorf("reason: got %q, want %q", err.Reason(), want)
		}
	}
}
