// Package providertest holds the rules that every provider keeps, as tests by
// name. A provider's own tests build a Harness and call Run.
package providertest

import (
	"net/http"
	"testing"

	"github.com/plateq/plateq/providers"
)

// Harness is what the rules need to know of a provider.
type Harness struct {
	// New returns the provider, set up against baseURL with Secrets as its
	// credentials. A second value must know nothing of the first.
	New func(t testing.TB, baseURL string) providers.Provider
	// Secrets are texts that may appear in no error and no print of a value.
	Secrets []string
	// Requests are good ones, no more than Spec.MaxBatch; two or more where
	// that allows it. Their subjects may appear in no error either.
	Requests []providers.Request
	// Happy returns an upstream that answers Requests as documented. It is
	// used by several goroutines at once.
	Happy func() http.Handler
	// Want is the class in which each Ref ends against Happy, 0 for a Record.
	Want map[string]providers.Class
	// Codes are the documented answers that are errors.
	Codes []Code
}

// Code is an answer that the provider documents as an error.
type Code struct {
	Name   string
	Poll   bool // drawn by a poll rather than by a submit
	Status int
	Header http.Header
	Body   string

	Class providers.Class
	Scope string // as in providers.Error; empty: the provider's name
	Code  string // empty: not looked at
}

// Rule is one thing that a provider must keep.
type Rule struct {
	Name  string
	Check func(testing.TB, Harness)
}

// Rules returns every rule.
func Rules() []Rule {
	return []Rule{
		{"spec agrees with methods", specAgrees},
		{"one outcome per request in order", oneOutcomeEach},
		{"documented answers end as documented", happyEnds},
		{"documented codes land in their class", codesLand},
		{"status without envelope is not believed", statusFloor},
		{"truncated answer is not believed", truncated},
		{"oversized answer is not read on", oversized},
		{"web page is not believed", webPage},
		{"other encoding is read right or not believed", otherEncoding},
		{"slow body ends with the context", slowBody},
		{"cancelled before sending is unavailable", cancelledBefore},
		{"cancelled after sending is ambiguous", cancelledAfter},
		{"nobody listening is unavailable", nobodyListening},
		{"no secret and no subject in errors", nothingLeaks},
		{"no secret in a print of the provider", nothingPrinted},
		{"one request per submit", oneRequest},
		{"redirect is not followed", noRedirect},
		{"poll goes on from the stored ticket alone", pollAfterRestart},
		{"failed poll settles nothing", failedPoll},
		{"two goroutines at once", twoAtOnce},
	}
}

// Run checks every rule in a sub-test of its name.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			r.Check(t, h)
		})
	}
}
