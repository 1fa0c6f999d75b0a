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
	// Bare are the HTTP statuses that are believed without the provider's
	// envelope. Only for a provider whose calls may be repeated free of charge:
	// there a proxy that is believed costs nothing.
	Bare map[int]providers.Class
	// Callbacks are webhooks, a genuine one with a hint first; none unless
	// Spec.Callback.
	Callbacks []Callback
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
	// about tells whether the rule is about such a provider; nil: about any.
	about func(providers.Spec) bool
}

func (r Rule) applies(s providers.Spec) bool { return r.about == nil || r.about(s) }

// Rules returns every rule.
func Rules() []Rule {
	pending := func(s providers.Spec) bool { return s.Pending }
	inParts := func(s providers.Spec) bool { return s.Parts }
	callback := func(s providers.Spec) bool { return s.Callback }
	return []Rule{
		{"spec agrees with methods", specAgrees, nil},
		{"one outcome per request in order", oneOutcomeEach, nil},
		{"documented answers end as documented", happyEnds, nil},
		{"fields of a record are the spec's", fieldsNamed, nil},
		{"documented codes land in their class", codesLand, nil},
		{"status without envelope is not believed", statusFloor, nil},
		{"truncated answer is not believed", truncated, nil},
		{"oversized answer is not read on", oversized, nil},
		{"web page is not believed", webPage, nil},
		{"other encoding is read right or not believed", otherEncoding, nil},
		{"slow body ends with the context", slowBody, nil},
		{"cancelled before sending is unavailable", cancelledBefore, nil},
		{"cancelled after sending is ambiguous", cancelledAfter, nil},
		{"nobody listening is unavailable", nobodyListening, nil},
		{"no secret and no subject in errors", nothingLeaks, nil},
		{"no secret in the provider's words", nothingQuoted, nil},
		{"no secret in a print of the provider", nothingPrinted, nil},
		{"one request per submit", oneRequest, nil},
		{"redirect is not followed", noRedirect, nil},
		{"two goroutines at once", twoAtOnce, nil},
		{"poll goes on from the stored ticket alone", pollAfterRestart, pending},
		{"failed poll settles nothing", failedPoll, pending},
		{"parts bring all, in any order", partsBringAll, inParts},
		{"parts tell what is open in them", partsTell, inParts},
		{"callback is read as documented", callbackRead, callback},
		{"callback without proof is refused", callbackProof, callback},
		{"callback that makes no sense is refused", callbackNonsense, callback},
	}
}

// Run checks every rule about the provider in a sub-test of its name.
func Run(t *testing.T, h Harness) {
	t.Helper()
	spec := h.New(t, "http://127.0.0.1:1").Spec()
	for _, r := range Rules() {
		if !r.applies(spec) {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			r.Check(t, h)
		})
	}
}
