package app

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/plateq/plateq/store"
)

// Exit codes of the command line, a contract.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2   // usage or configuration
	ExitPartial     = 3   // some rows failed, are invalid or unknown
	ExitMoney       = 4   // stopped by budget or credit
	ExitProvider    = 5   // credentials refused, or the provider out of reach
	ExitInterrupted = 130 // stopped by a person
	ExitUnread      = 141 // whoever read standard output has stopped
)

// ExitError is an error with the exit code that it means.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// Usage marks err as one of usage or configuration.
func Usage(err error) error { return &ExitError{Code: ExitUsage, Err: err} }

// keepable refuses a text of a command line that not every store can keep, before
// anything is done that would have to be kept with it.
func keepable(what, text string) error {
	if utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
		return nil
	}
	return Usage(fmt.Errorf("%s is no text in UTF-8", what))
}

// ExitCode returns the exit code that err means; 0 for nil.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	if e, ok := errors.AsType[*ExitError](err); ok {
		return e.Code
	}
	return ExitFailure
}

// InUse reports whether err says that another process holds the data directory.
func InUse(err error) bool {
	_, locked := errors.AsType[*store.LockedError](err)
	return locked
}

// NewKeys returns new keys for a store that processes share, as lines of
// environment variables.
func NewKeys() string { return store.NewKeys().Lines() }
