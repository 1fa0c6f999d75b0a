package regnum_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"json", "xml"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, harness(t, form))
		})
	}
}

func TestRulesNotice(t *testing.T) {
	t.Parallel()
	providertest.RunMutants(t, harness(t, "json"))
}

func TestDocumentIsCovered(t *testing.T) {
	t.Parallel()
	providertest.Conformance(t, "testdata/conformance.txt")
}

func harness(t testing.TB, form string) providertest.Harness {
	return providertest.Harness{
		New: func(t testing.TB, baseURL string) providers.Provider {
			cfg := config(baseURL)
			cfg.Format = form
			return newProvider(t, cfg)
		},
		Secrets:  []string{id, seccode},
		Requests: requests("AB123CD"),
		Happy:    func() http.Handler { return newUpstream(t) },
		Want:     map[string]providers.Class{"r0": 0},
		Codes:    documentedCodes(),
		Bare: map[int]providers.Class{
			401: providers.Unauthorised, 402: providers.OutOfCredit, 403: providers.Unauthorised,
			404: providers.Unauthorised, 503: providers.Unavailable,
		},
	}
}

// documentedCodes are the statuses of the document that are errors, and some
// that it does not name, in both forms. The verdict is the body's alone, so
// each comes with other HTTP statuses too.
func documentedCodes() []providertest.Code {
	var all []providertest.Code
	for _, c := range []struct {
		status int
		class  providers.Class
		scope  string
	}{
		{401, providers.Unauthorised, ""},
		{402, providers.OutOfCredit, ""},
		{403, providers.Unauthorised, ""},
		{404, providers.NotFound, ""},
		{503, providers.Unavailable, "regnum/lookup"},

		{200, providers.NotFound, ""}, // without a car
		{400, providers.ProviderError, ""},
		{418, providers.ProviderError, ""},
		{1001, providers.ProviderError, ""},
		{429, providers.RateLimited, "regnum/lookup"},
		{500, providers.Unavailable, "regnum/lookup"},
	} {
		for _, http := range []int{200, 404, 418, 500, 503} {
			for _, form := range []string{"JSON", "XML"} {
				all = append(all, providertest.Code{
					Name: fmt.Sprintf("%d with %d in %s", c.status, http, form), Status: http, Body: said(form, c.status, "Words of the service"),
					Class: c.class, Scope: c.scope, Code: fmt.Sprint(c.status),
				})
			}
		}
	}
	return all
}
