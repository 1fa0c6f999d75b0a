package providers

import (
	"fmt"
	"time"
)

// Class says what an error means to the one who asked, whatever the provider
// called it. The zero value is no class. What follows from a class is decided
// in one table, by the jobs package.
type Class uint8

const (
	// NotFound: the provider answered that it holds nothing on the subject.
	NotFound Class = iota + 1
	// InvalidInput: the provider refused the request as it was written;
	// the same request will be refused again.
	InvalidInput
	// ProviderError: the provider answered, in its own envelope, that it
	// failed on this request for good.
	ProviderError
	// RateLimited: too many requests in a short time; nothing was accepted.
	RateLimited
	// DailyLimited: the quota of the day is used up; nothing was accepted.
	DailyLimited
	// OutOfCredit: the account has no money left; nothing was accepted.
	OutOfCredit
	// Unauthorised: credentials, permissions or the caller's address were
	// refused; nothing was accepted.
	Unauthorised
	// Unavailable: the request provably did not reach the provider, or the
	// provider says that it is out of service; nothing was accepted.
	Unavailable
	// Ambiguous: the request may have been accepted and nobody can tell.
	Ambiguous
	// Missing: the provider lost a record that it had accepted.
	Missing
	// Poison: our own code broke on the request before anything was sent.
	Poison
)

// classNames are stable: they are stored and shown.
var classNames = [...]string{
	NotFound:      "not_found",
	InvalidInput:  "invalid_input",
	ProviderError: "provider_error",
	RateLimited:   "rate_limited",
	DailyLimited:  "daily_limited",
	OutOfCredit:   "out_of_credit",
	Unauthorised:  "unauthorised",
	Unavailable:   "unavailable",
	Ambiguous:     "ambiguous",
	Missing:       "missing_at_provider",
	Poison:        "poison",
}

// Classes lists every class there is, for tables that must cover them all.
func Classes() []Class {
	all := make([]Class, 0, len(classNames)-1)
	for c := NotFound; int(c) < len(classNames); c++ {
		all = append(all, c)
	}
	return all
}

// String returns the stable name of the class, such as "rate_limited".
func (c Class) String() string {
	if c == 0 || int(c) >= len(classNames) {
		return fmt.Sprintf("class(%d)", uint8(c))
	}
	return classNames[c]
}

// Error makes a Class usable as the target of errors.Is.
func (c Class) Error() string { return c.String() }

// ParseClass is the inverse of Class.String.
func ParseClass(name string) (Class, bool) {
	for c, n := range classNames {
		if n == name && n != "" {
			return Class(c), true
		}
	}
	return 0, false
}

// Error is the only error that leaves a Set. Its text names provider,
// operation, class and code and is safe to log; see Message for what is not.
type Error struct {
	Provider string
	Op       string // "submit", "items", …: the endpoint, as in a scope
	Class    Class
	// Scope is what the error is about where that is not the endpoint alone:
	// "attestr" for the whole account, "attestr/submit" for one endpoint.
	// Empty: the provider's own name.
	Scope string
	// Until is the earliest time at which asking again makes sense, where the
	// provider said so (Retry-After). Zero: it did not.
	Until time.Time
	// Code is the provider's own code or, without one, "http_502" and such.
	Code string
	// Message is what the provider said, for people. It may hold personal
	// data and is not part of the text of the error.
	Message string
	// Head is the beginning of a body that could not be understood. It may
	// hold personal data; sealed with the call, never logged.
	Head []byte
	// Err is the cause, free of URLs, headers and bodies. May be nil.
	Err error
}

// Error returns "attestr: submit: rate_limited (4291)", and the cause.
func (e *Error) Error() string {
	s := e.Provider + ": " + e.Op + ": " + e.Class.String()
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the class of e.
func (e *Error) Is(target error) bool {
	c, ok := target.(Class)
	return ok && c == e.Class
}
