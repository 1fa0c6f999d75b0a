package aopay_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, harness())
}

// TestRulesNotice runs each rule against an AOPay that breaks it.
func TestRulesNotice(t *testing.T) {
	t.Parallel()
	providertest.RunMutants(t, harness())
}

func TestDocumentIsCovered(t *testing.T) {
	t.Parallel()
	providertest.Conformance(t, "testdata/conformance.txt")
}

func harness() providertest.Harness {
	return providertest.Harness{
		New:      func(t testing.TB, baseURL string) providers.Provider { return newProvider(t, config(baseURL)) },
		Secrets:  []string{registration},
		Requests: []providers.Request{request("DL12CB4685")},
		Happy:    func() http.Handler { return http.HandlerFunc(upstream) },
		Want:     map[string]providers.Class{"r0": 0},
		Codes:    codes(),
	}
}

// codes are the answers that the document names, and some that it does not.
// The verdict is the envelope's alone, so each comes with other HTTP statuses
// and under both names.
func codes() []providertest.Code {
	var all []providertest.Code
	for code, class := range map[int]providers.Class{
		10: providers.Unauthorised,

		0:      providers.ProviderError,
		1:      providers.ProviderError, // with status false
		2:      providers.ProviderError,
		9:      providers.ProviderError,
		11:     providers.ProviderError,
		13:     providers.ProviderError,
		-1:     providers.ProviderError,
		999999: providers.ProviderError,
	} {
		for _, status := range []int{200, 400, 401, 412, 500} {
			for _, key := range []string{"response_code", "responsecode"} {
				all = append(all, providertest.Code{
					Name: fmt.Sprintf("%s %d with %d", key, code, status), Status: status,
					Body: refusal(key, code, "Words of AOPay about DL12CB4685"), Class: class, Code: fmt.Sprint(code),
				})
			}
		}
	}
	return append(all,
		providertest.Code{Name: "429 in the envelope", Status: 429, Body: refusal("response_code", 17, "slow down"),
			Class: providers.RateLimited, Scope: "aopay/fetch", Code: "http_429"},
		providertest.Code{Name: "found with 500", Status: 500, Body: bill("DL12CB4685"), Class: providers.Ambiguous, Code: "http_500"},
	)
}
