package config

import (
	"fmt"
	"regexp"
	"slices"
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
	l.add(each > store.MaxPrice, prefix+"PRICE", "it is more than "+store.MaxPrice.String()+" for one question")
}

// currencies: an amount over several providers is in the one currency that all
// of them have or, where none has a price, a number of questions.
func (l *faultList) currencies(c *Config) {
	if text := c.mixed(); text != "" {
		for _, a := range c.amounts() {
			l.add(a.value != "", a.variable, text)
		}
	}
}

// amount is a setting that is meant in the currency of all providers.
type amount struct {
	variable string
	value    Amount
}

func (c *Config) amounts() []amount {
	return []amount{{"CONFIRM_ABOVE", c.ConfirmAbove}}
}

// mixed says which providers are paid in different currencies; empty: those
// that are set up agree.
func (c *Config) mixed() string {
	var paid []string
	known := map[string]bool{}
	for _, p := range c.Providers {
		if !p.Enabled {
			continue
		}
		known[p.Currency] = true
		if p.Currency == "" {
			paid = append(paid, p.Name+" has no price")
		} else {
			paid = append(paid, p.Name+" is paid in "+p.Currency)
		}
	}
	if len(known) < 2 {
		return ""
	}
	slices.Sort(paid)
	return "it has no currency that fits all: " + strings.Join(paid, ", ")
}
