package providers_test

import (
	"testing"

	"github.com/plateq/plateq/providers"
)

func TestWhatIsChargedByARule(t *testing.T) {
	t.Parallel()
	regnum := providers.Charges{NotFoundFree: true, FailedFree: true, FirstFound: true}
	found := providers.Outcome{Record: &providers.Record{}}
	accepted := providers.Outcome{Ticket: &providers.Ticket{}}
	failed := func(c providers.Class) providers.Outcome { return providers.Outcome{Err: &providers.Error{Class: c}} }
	for _, c := range []struct {
		name                  string
		out                   providers.Outcome
		before                bool
		assumed, onlyDecoding bool
	}{
		{"found", found, false, true, true},
		{"found again", found, true, true, false},
		{"accepted", accepted, true, true, true},
		{"not found", failed(providers.NotFound), false, true, false},
		{"failed there", failed(providers.ProviderError), false, true, false},
		{"missing", failed(providers.Missing), false, true, false},
		{"refused", failed(providers.InvalidInput), false, false, false},
		{"too fast", failed(providers.RateLimited), false, false, false},
		{"over the quota", failed(providers.DailyLimited), false, false, false},
		{"out of credit", failed(providers.OutOfCredit), false, false, false},
		{"unauthorised", failed(providers.Unauthorised), false, false, false},
		{"not reached", failed(providers.Unavailable), false, false, false},
		{"not understood", failed(providers.Ambiguous), false, true, true},
		{"broken here", failed(providers.Poison), false, false, false},
	} {
		if got := (providers.Charges{}).Charged(c.out, c.before); got != c.assumed {
			t.Errorf("%s, where all that is accepted is charged: got %t", c.name, got)
		}
		if got := regnum.Charged(c.out, c.before); got != c.onlyDecoding {
			t.Errorf("%s, where only a first decoding is charged: got %t", c.name, got)
		}
	}
}
