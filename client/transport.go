package client

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// unanswered is the error of a request that brought no answer. It names the
// request without its query, which holds what somebody typed and has no place in
// a log.
type unanswered struct {
	method, path string
	cause        error
}

// Error tells the cause up to where an address in it has its query: that to
// which a server sends its clients on may repeat ours.
func (e *unanswered) Error() string {
	cause, _, cut := strings.Cut(e.cause.Error(), "?")
	if cut {
		cause += "?…"
	}
	return "reach server: " + e.method + " " + e.path + ": " + cause
}

// Unwrap returns the cause.
func (e *unanswered) Unwrap() error { return e.cause }

// withoutURL returns err without the URL that net/http puts into its errors.
func withoutURL(err error) error {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = u.Err
	}
}

// maxRedirects is how often a request is sent on, as net/http has it.
const maxRedirects = 10

// errRedirects says that a request was sent on again and again.
var errRedirects = errors.New("the server sends it on without an end")

// sentOn is how redirects are dealt with: requests for something go on to where
// they are sent, without telling from which URL they come. What changes
// something stays: net/http would go on as a GET, whose answer says nothing of
// what was to be done. theirs, if it is not nil, is asked besides.
func sentOn(theirs func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, before []*http.Request) error {
		if before[0].Method != http.MethodGet {
			return http.ErrUseLastResponse
		}
		next.Header.Del("Referer")
		switch {
		case theirs != nil:
			return theirs(next, before)
		case len(before) >= maxRedirects:
			return errRedirects
		}
		return nil
	}
}
