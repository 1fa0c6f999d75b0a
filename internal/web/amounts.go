package web

import (
	"fmt"
	"strconv"

	"github.com/plateq/plateq/store"
)

// amount is money in one currency.
type amount struct{ Amount, Currency string }

// amounts sums money up by currency, as currencies are never added.
type amounts struct{ all []amount }

// add adds an amount as the API writes it. One that is not known adds nothing.
func (a *amounts) add(value, currency *string) error {
	if value == nil || currency == nil {
		return nil
	}
	more, err := store.ParseMoney(*value)
	if err != nil {
		return fmt.Errorf("read amount: %w", err)
	}
	for i, one := range a.all {
		if one.Currency != *currency {
			continue
		}
		sum, err := store.ParseMoney(one.Amount)
		if err != nil {
			return fmt.Errorf("read amount: %w", err)
		}
		a.all[i].Amount = (sum + more).String()
		return nil
	}
	a.all = append(a.all, amount{more.String(), *currency})
	return nil
}

// tenths writes a number with one decimal.
func tenths(f *float64) string { return strconv.FormatFloat(*f, 'f', 1, 64) }
