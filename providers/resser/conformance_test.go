package resser_test

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

// TestRulesNotice runs each rule against a Resser that breaks it.
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
		Secrets:  []string{key},
		Requests: fleet(),
		Happy:    func() http.Handler { return http.HandlerFunc(upstream) },
		Want:     map[string]providers.Class{"r0": 0, "r1": providers.NotFound, "r2": providers.ProviderError, "r3": 0},
		Codes:    documentedCodes(),
		Bare:     map[int]providers.Class{401: providers.Unauthorised},
	}
}

// documentedCodes are the errors of the document in the forms in which a
// server could write them, as the document does not say which it is.
func documentedCodes() []providertest.Code {
	var all []providertest.Code
	for _, c := range []struct {
		status                    int
		kind, detail, description string
		class                     providers.Class
		code                      string
	}{
		{400, "badRequest", "BadRequest", "You must specify at least one vehicle.", providers.Unauthorised, "BadRequest"},
		{400, "badRequest", "BadRequest", "Vehicle list was not provided or might be misspelled.", providers.Unauthorised, "BadRequest"},
		{400, "badRequest", "BadParameters", "VIN and/or plate is not valid.", providers.InvalidInput, "BadParameters"},
		{401, "unauthorize", "Unauthorize", "The requester is not allowed to use this request.", providers.Unauthorised, "Unauthorize"},

		{400, "invalid", "Other", "Something else.", providers.InvalidInput, "http_400"},
		{403, "forbidden", "Other", "Something else.", providers.Unauthorised, "http_403"},
	} {
		for name, body := range map[string]string{
			"as an object":       refusal(c.kind, c.detail, c.description),
			"as one text":        fmt.Sprintf("%q", c.detail+": "+c.description),
			"as plain text":      c.detail + " - " + c.description,
			"detail alone":       fmt.Sprintf(`{"error":%q}`, c.detail),
			"description alone":  fmt.Sprintf(`{"message":%q}`, c.description),
			"as a list":          fmt.Sprintf(`{"errors":[{"errorType":%q,"errorDetail":%q}]}`, c.kind, c.detail),
			"detail as a member": fmt.Sprintf(`{%q:[%q]}`, c.detail, c.description),
		} {
			all = append(all, providertest.Code{Name: fmt.Sprintf("%d %s %s", c.status, c.detail, name),
				Status: c.status, Body: body, Class: c.class, Code: c.code})
		}
	}
	return append(all,
		providertest.Code{Name: "429", Status: 429, Body: refusal("rateLimit", "TooMany", "Slow down."),
			Class: providers.RateLimited, Scope: "resser/scraping", Code: "http_429"},
		providertest.Code{Name: "500", Status: 500, Body: refusal("serverError", "Other", "Retry later."), Class: providers.Ambiguous, Code: "http_500"},
		providertest.Code{Name: "BadParameters with 500", Status: 500, Body: refusal("badRequest", "BadParameters", "no"), Class: providers.Ambiguous},
		providertest.Code{Name: "404", Status: 404, Body: refusal("notFound", "Other", "No such path."), Class: providers.Ambiguous},
	)
}
