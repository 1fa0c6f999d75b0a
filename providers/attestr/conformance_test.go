package attestr_test

import (
	"fmt"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, harness())
}

// TestDocumentIsCovered: each word of the document has its test.
func TestDocumentIsCovered(t *testing.T) {
	t.Parallel()
	providertest.Conformance(t, "testdata/conformance.txt")
}

func harness() providertest.Harness {
	return providertest.Harness{
		New: func(t testing.TB, baseURL string) providers.Provider {
			cfg := config(baseURL)
			cfg.PageSize = 2
			return newProvider(t, cfg)
		},
		Secrets:  []string{token, secret, "canary-webhook"},
		Requests: requests("DL01AA1000", "DL01AA1001", "DL01AA1002", "DL01AA1003", "DL01AA1004"),
		Happy:    newUpstream,
		Want: map[string]providers.Class{
			"r0": 0, "r1": providers.NotFound, "r2": providers.ProviderError, "r3": 0, "r4": 0,
		},
		Codes:     documentedCodes(),
		Callbacks: documentedCallbacks(),
	}
}

// documentedCallbacks are the two events, and what no one must believe.
func documentedCallbacks() []providertest.Callback {
	h := basic(webhookToken)
	return []providertest.Callback{
		{Name: "completed", Header: h, Body: signed(recordOutput), Want: wholeRecord()},
		{Name: "completed, the output alone", Header: h, Body: signed(innerOutput), Want: about("raw", payloadAlone()...)},
		{Name: "errored", Header: h, Body: errored(), Want: payloadAlone()},
		{Name: "of another product", Header: h, Body: `{"event":"factx.query","payload":{}}`},
		{Name: "not signed", Header: h, Body: completed(recordOutput, "null"), Forged: true},
		{Name: "signed for another output", Header: h, Body: completed(recordOutput, `"`+signature(innerOutput)+`"`), Forged: true},
	}
}

// documentedCodes are the lines of the two documents, on both endpoints.
func documentedCodes() []providertest.Code {
	var all []providertest.Code
	for _, c := range []struct {
		status, code  int
		submit, items providers.Class
		endpoint      bool
	}{
		{400, 4001, providers.InvalidInput, providers.InvalidInput, false},
		{400, 4005, providers.OutOfCredit, providers.OutOfCredit, false},
		{401, 4016, providers.Unauthorised, providers.Unauthorised, false},
		{403, 4031, providers.Unauthorised, providers.Unauthorised, false},
		{403, 4035, providers.Unauthorised, providers.Unauthorised, false},
		{403, 4039, providers.Unauthorised, providers.Unauthorised, false},
		{403, 4035, providers.Unauthorised, providers.Unauthorised, false},
		{429, 4291, providers.RateLimited, providers.RateLimited, false},
		{429, 4292, providers.RateLimited, providers.RateLimited, true},
		{429, 4293, providers.DailyLimited, providers.DailyLimited, false},
		{429, 4294, providers.DailyLimited, providers.DailyLimited, true},
		{500, 5001, providers.ProviderError, providers.Unavailable, false},

		{400, 4002, providers.InvalidInput, providers.InvalidInput, false},
		{400, 4003, providers.InvalidInput, providers.InvalidInput, false},
		{400, 40015, providers.Unauthorised, providers.Unauthorised, false},
		{400, 40051, providers.Unauthorised, providers.Unauthorised, false},
		{403, 40398, providers.Unauthorised, providers.Unauthorised, false},
		{403, 40399, providers.Unauthorised, providers.Unauthorised, false},
		{400, 4999, providers.ProviderError, providers.ProviderError, false}, // not documented
	} {
		// The verdict is the code's alone, so each comes with other statuses too.
		for _, status := range []int{c.status, 200, 418} {
			for _, poll := range []bool{false, true} {
				code := providertest.Code{
					Name: fmt.Sprintf("%d with %d, poll %v", c.code, status, poll), Poll: poll,
					Status: status, Body: envelope(c.code), Code: fmt.Sprint(c.code), Class: c.submit,
				}
				op := "submit"
				if poll {
					op, code.Class = "items", c.items
				}
				if c.endpoint || code.Class == providers.Unavailable {
					code.Scope = "attestr/" + op
				}
				all = append(all, code)
			}
		}
	}
	return all
}
