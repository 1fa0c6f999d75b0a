package store

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Money is an amount in millionths of its currency, so that every price with up
// to six decimals is exact and sums are too.
type Money int64

// One is one whole unit of a currency.
const One Money = 1_000_000

// decimals is how many digits behind the point a Money has.
const decimals = 6

var decimalAmount = regexp.MustCompile(`^([0-9]{1,12})(?:\.([0-9]{1,6}))?$`)

// ParseMoney reads a decimal number with a point: at most twelve digits before
// it and six behind it.
func ParseMoney(text string) (Money, error) {
	m := decimalAmount.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is no amount such as 12.50", text)
	}
	n, err := strconv.ParseInt(m[1]+m[2]+strings.Repeat("0", decimals-len(m[2])), 10, 64)
	return Money(n), err
}

// String writes the amount with two decimals, and with more where it has them.
func (m Money) String() string {
	sign, n := "", int64(m)
	if n < 0 {
		sign, n = "-", -n
	}
	whole, part := n/int64(One), fmt.Sprintf("%0*d", decimals, n%int64(One))
	for len(part) > 2 && part[len(part)-1] == '0' {
		part = part[:len(part)-1]
	}
	return sign + strconv.FormatInt(whole, 10) + "." + part
}

// Price is what one ask costs. The zero Price is none: asks are counted
// instead, each as One of no currency.
type Price struct {
	Each     Money
	Currency string // three capital letters; empty: no price is known
}

// MaxPrice bounds the price of one ask, so that no sum over a list or a month
// leaves the range of Money.
const MaxPrice = 100_000 * One

// Known reports whether there is a price.
func (p Price) Known() bool { return p.Currency != "" }

// Unit is what one ask counts for: its price or, where none is known, One.
func (p Price) Unit() Money {
	if !p.Known() {
		return One
	}
	return p.Each
}

// Of is what n asks count for.
func (p Price) Of(n int) Money { return p.Unit() * Money(n) }

// Write writes an amount as this price counts: "12.50 INR", or "12 questions".
func (p Price) Write(m Money) string { return WriteMoney(m, p.Currency) }

// MixedError says that providers are paid in different currencies.
type MixedError struct{ Paid []string } // "attestr is paid in INR", in order

func (e *MixedError) Error() string { return strings.Join(e.Paid, ", ") }

// OneCurrency returns the currency of all these prices, which are those of
// providers by name; empty: none has one. Where they differ it is a *MixedError.
func OneCurrency(prices map[string]Price) (string, error) {
	currencies := map[string]bool{}
	mixed := &MixedError{}
	for _, name := range slices.Sorted(maps.Keys(prices)) {
		p := prices[name]
		currencies[p.Currency] = true
		if p.Known() {
			mixed.Paid = append(mixed.Paid, name+" is paid in "+p.Currency)
		} else {
			mixed.Paid = append(mixed.Paid, name+" has no price")
		}
	}
	if len(currencies) > 1 {
		return "", mixed
	}
	for currency := range currencies {
		return currency, nil
	}
	return "", nil
}

// WriteMoney writes an amount for people: "12.50 INR" or, of no currency, "12
// questions".
func WriteMoney(m Money, currency string) string {
	if currency != "" {
		return m.String() + " " + currency
	}
	if m == One {
		return "1 question"
	}
	return m.Figure(currency) + " questions"
}

// Figure writes an amount without its currency, as programs read it: a decimal,
// or of no currency a whole number.
func (m Money) Figure(currency string) string {
	if currency == "" && m%One == 0 {
		return strconv.FormatInt(int64(m/One), 10)
	}
	return m.String()
}
