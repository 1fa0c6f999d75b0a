package regnum

import (
	"errors"
	"net/http"
	"strings"

	"github.com/plateq/plateq/providers"
)

// statuses are those of the document that are errors.
var statuses = map[string]providers.Class{
	"401": providers.Unauthorised, // client not found: wrong id and/or seccode
	"402": providers.OutOfCredit,  // not processed: zero balance
	"403": providers.Unauthorised, // client found, but awaits confirmation
	"404": providers.NotFound,     // not decoded
	"503": providers.Unavailable,  // maintenance: try again in some time
}

// class returns what a status means. They are HTTP's own numbers, and those
// that the document leaves out are read as such: 429 and 5xx say that asking
// again helps, which costs nothing here. Anything else is the service's last
// word.
func classOf(status string) providers.Class {
	class, documented := statuses[status]
	switch {
	case documented:
		return class
	case status == "429":
		return providers.RateLimited
	case len(status) == 3 && status[0] == '5':
		return providers.Unavailable
	default:
		return providers.ProviderError
	}
}

// judge returns the error that an answer means, nil where it names cars. It
// keeps the answer, as a call was made for it.
func (p *Provider) judge(got answer, a *providers.Answer) *providers.Error {
	class := providers.NotFound
	if got.status != statusDone {
		class = classOf(got.status)
	} else if len(got.cars) > 0 {
		return nil
	}
	e := &providers.Error{Provider: Name, Op: opLookup, Class: class, Scope: Name, Code: got.status,
		Message: p.client.mask(got.text), Head: providers.Head(got.raw)}
	switch class {
	case providers.RateLimited, providers.Unavailable:
		e.Scope = lookupScope
		e.Until = providers.RetryAfter(a.Header, p.now())
	}
	return e
}

// Codes of what stands before the service rather than of the service.
const (
	bare      = "http_"
	wrongPath = "wrong_path"
)

// foreign judges an answer that is not in the documented form. What it says by
// its HTTP status about the account or about maintenance is believed: asking
// again is free, so that nothing is lost if it was not the service that spoke.
// A 404 is a path at which the service is not, and stops everything as bad
// credentials do.
func (p *Provider) foreign(a *providers.Answer) *providers.Error {
	e := a.Foreign(Name, opLookup, p.now())
	e.Head = p.client.maskRaw(e.Head)
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Class = providers.Unauthorised
	case http.StatusPaymentRequired:
		e.Class = providers.OutOfCredit
	case http.StatusServiceUnavailable:
		e.Class, e.Scope = providers.Unavailable, lookupScope
	case http.StatusNotFound:
		e.Class, e.Code = providers.Unauthorised, wrongPath
		e.Err = errors.New("the service is not at this path: see the list of URLs")
	}
	return e
}

// isBare reports whether err is a refusal by the HTTP status alone: the word of
// what stands before one server, not of the service on the account.
func isBare(err *providers.Error) bool {
	refused := err.Class == providers.Unauthorised || err.Class == providers.OutOfCredit
	return refused && (err.Code == wrongPath || strings.HasPrefix(err.Code, bare))
}

// asError returns err, which a Client made, as what it is.
func asError(err error) *providers.Error {
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return e
	}
	return &providers.Error{Provider: Name, Op: opLookup, Class: providers.Ambiguous, Code: "unjudged"}
}
