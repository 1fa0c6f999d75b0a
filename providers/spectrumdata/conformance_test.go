package spectrumdata_test

import (
	"net/http"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, harness())
}

func TestEveryWordOfTheDocument(t *testing.T) {
	t.Parallel()
	providertest.Conformance(t, "testdata/conformance.txt")
}

// TestRulesNotice runs each rule against a SpectrumData that breaks it.
func TestRulesNotice(t *testing.T) {
	t.Parallel()
	providertest.RunMutants(t, harness())
}

// sentToken is the token that the provider sends at noon.
const sentToken = "c29tZWJvZHlAZXhhbXBsZToxNzk1MjYyMzQwOjM2NjA6WkNOZmI5b0VmS2VFVld2bDRVMm00QT09"

func harness() providertest.Harness {
	return providertest.Harness{
		New: func(t testing.TB, baseURL string) providers.Provider {
			return newProvider(t, config(baseURL))
		},
		Secrets:  []string{password, sentToken},
		Requests: []providers.Request{request(nil)},
		Happy:    newUpstream,
		Want:     map[string]providers.Class{"r0": 0},
		Codes:    documentedCodes(),
	}
}

// documentedCodes are the errors of the document, where a report is made and
// where it is read. The verdict is the event's alone, so each comes with other
// statuses too.
func documentedCodes() []providertest.Code {
	const making, reading = "spectrumdata/make", "spectrumdata/report"
	const grz = making + "/" + kindGRZ // what the harness asks for
	malformed := bare("Security", "SecurityAuthMalformedToken", "Неверная структура токена авторизации",
		"Неверная структура токена авторизации:"+sentToken, `{"token":"`+sentToken+`"}`)
	var all []providertest.Code
	for _, c := range []struct {
		name, body, code       string
		status                 int
		make, report           providers.Class
		makeScope, reportScope string
	}{
		{"token refused over its time", lateStamp("never"), "SecurityAuthTimeoutedStamp", 403, providers.Unauthorised, providers.Unauthorised, "", ""},
		{"malformed token", malformed, "SecurityAuthMalformedToken", 400, providers.Unauthorised, providers.Unauthorised, "", ""},
		{
			"other security", fail("Security", "SecurityAccessDenied", "Доступ запрещён", "", "{}"), "SecurityAccessDenied",
			403, providers.Unauthorised, providers.Unauthorised, "", "",
		},
		{"report type unknown", noSuch("Report_Type"), "DataSeekObjectError", 500, providers.Unauthorised, providers.Unauthorised, grz, ""},
		{"report unknown", noSuch("Report"), "DataSeekObjectError", 500, providers.Unauthorised, providers.ProviderError, grz, ""},
		{"system error", systemError(), "GenericSystemError", 500, providers.Ambiguous, providers.Unavailable, "", reading},
		{
			"fault of the identifiers", fail("Data", "DataValidationError", "Некорректные данные", "inn", "{}"), "DataValidationError",
			400, providers.ProviderError, providers.ProviderError, "", "",
		},
		{"fault without a type that can be shown", fail("Data", "A111AA00", "", "", "{}"), "other_event", 400, providers.ProviderError, providers.ProviderError, "", ""},
		{"body that is no JSON", spring(400), "http_400", 400, providers.InvalidInput, providers.InvalidInput, "", ""},
		{"framework: unauthorised", spring(401), "http_401", 401, providers.Unauthorised, providers.Unauthorised, "", ""},
		{"framework: forbidden", spring(403), "http_403", 403, providers.Unauthorised, providers.Unauthorised, "", ""},
		{"framework: no such path", spring(404), "http_404", 404, providers.Unauthorised, providers.Unauthorised, "", ""},
		{"framework: no such method", spring(405), "http_405", 405, providers.Unauthorised, providers.Unauthorised, "", ""},
		{"framework: other", spring(415), "http_415", 415, providers.ProviderError, providers.ProviderError, "", ""},
		{"framework: too many requests", spring(429), "http_429", 429, providers.RateLimited, providers.RateLimited, making, reading},
		{"framework: broken", spring(500), "http_500", 500, providers.Ambiguous, providers.Unavailable, "", reading},
		{"framework: away", spring(503), "http_503", 503, providers.Ambiguous, providers.Unavailable, "", reading},
	} {
		for _, status := range []int{c.status, 200, 418} {
			all = append(all,
				providertest.Code{Name: c.name, Status: status, Body: c.body, Code: c.code, Class: c.make, Scope: c.makeScope},
				providertest.Code{Name: c.name + ", poll", Poll: true, Status: status, Body: c.body, Code: c.code, Class: c.report, Scope: c.reportScope})
		}
	}
	return all
}

// TestTheTokenInTheHarnessIsTheOneSent: else nobody would look for it.
func TestTheTokenInTheHarnessIsTheOneSent(t *testing.T) {
	t.Parallel()
	var got string
	s := newServer(t, func(r *http.Request, _ int) (int, string) {
		got = r.Header.Get("Authorization")
		return 200, `{"data":[{}]}`
	})
	if err := newProvider(t, config(s.URL)).Check(t.Context()); err != nil || got != "AR-REST "+sentToken {
		t.Errorf("got %q, %v, want %q", got, err, sentToken)
	}
}
