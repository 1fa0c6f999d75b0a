package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/plateq/plateq/store"
)

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

// Cost returns what one question costs; the zero Price where none is set.
func (c *Common) Cost() store.Price {
	each, ok := c.Price.Money()
	if !ok {
		return store.Price{}
	}
	return store.Price{Each: each, Currency: c.Currency}
}

// price: an amount without its currency means nothing.
func (l *faultList) price(p Provider) {
	prefix := strings.ToUpper(p.Name) + "_"
	each, set := p.Price.Money()
	l.add(set && p.Currency == "", prefix+"PRICE", "it goes with "+Prefix+prefix+"CURRENCY: set both or none")
	l.add(!set && p.Currency != "", prefix+"CURRENCY", "it goes with "+Prefix+prefix+"PRICE: set both or none")
	l.add(p.Currency != "" && !currency.MatchString(p.Currency), prefix+"CURRENCY",
		fmt.Sprintf("%q is no code of three capital letters, such as INR", p.Currency))
	if !set {
		l.whole(prefix+"BUDGET_DAY", p.BudgetDay)
	}
	l.add(each > store.MaxPrice, prefix+"PRICE", "it is more than "+store.MaxPrice.String()+" for one question")
}

// currencies: an amount over several providers is in the one currency that all
// of them have or, where none has a price, a number of questions.
func (l *faultList) currencies(c *Config) {
	currency, err := c.Currency()
	for _, a := range c.amounts() {
		l.add(a.value != "" && err != nil, a.variable, "it has no currency that fits all: "+fmt.Sprint(err))
	}
	if err == nil && currency == "" {
		l.whole("BUDGET_DAY", c.BudgetDay)
		l.whole("BUDGET_MONTH", c.BudgetMonth)
	}
}

// whole: there is no half a question.
func (l *faultList) whole(variable string, questions Amount) {
	n, set := questions.Money()
	l.add(set && n%store.One != 0, variable, "no price is set, so that it counts questions: it must be a whole number")
}

// amount is a setting that is meant in the currency of all providers.
type amount struct {
	variable string
	value    Amount
}

func (c *Config) amounts() []amount {
	return []amount{{"CONFIRM_ABOVE", c.ConfirmAbove}, {"BUDGET_DAY", c.BudgetDay}, {"BUDGET_MONTH", c.BudgetMonth}}
}

// Currency returns the one in which an amount over several providers is meant;
// empty: it counts questions. It is that of the providers that are set up or,
// where none is, as in a rehearsal, of those that have a price. There may be
// none that fits all: a *store.MixedError.
func (c *Config) Currency() (string, error) {
	enabled, priced := map[string]store.Price{}, map[string]store.Price{}
	for _, p := range c.Providers {
		if p.Enabled {
			enabled[p.Name] = p.Cost()
		}
		if p.Cost().Known() {
			priced[p.Name] = p.Cost()
		}
	}
	if len(enabled) > 0 {
		return store.OneCurrency(enabled)
	}
	return store.OneCurrency(priced)
}

// Budgets returns the budgets that are set here.
func (c *Config) Budgets() store.BudgetDefaults {
	currency, _ := c.Currency() // there is one, or no budget that needs it
	d := store.BudgetDefaults{
		TenantDay: c.BudgetDay.limit(currency), TenantMonth: c.BudgetMonth.limit(currency), ProviderDay: map[string]store.Limit{},
	}
	for _, p := range c.Providers {
		if l := p.BudgetDay.limit(p.Currency); l != nil {
			d.ProviderDay[p.Name] = *l
		}
	}
	return d
}

// limit returns the amount as one of a currency; nil: it is not set.
func (a Amount) limit(currency string) *store.Limit {
	m, set := a.Money()
	if !set {
		return nil
	}
	return &store.Limit{Amount: m, Currency: currency}
}
