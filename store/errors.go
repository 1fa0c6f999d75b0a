package store

import (
	"errors"
	"fmt"
	"time"
)

// Errors on which callers decide.
var (
	ErrNoBatch = errors.New("no such batch")
	// ErrNoCall: there is no such call, or nothing of it is unknown.
	ErrNoCall      = errors.New("no such unknown call")
	ErrTicketTaken = errors.New("the ticket belongs to another call")
	// ErrManyAsks: a ticket that answers one ask was named for several.
	ErrManyAsks = errors.New("the ticket answers one question, and several are unknown")
	// ErrNotOn: what a row asks is not among what is unknown of a call.
	ErrNotOn = errors.New("the row is on nothing that is unknown of the call")
	// ErrFull: no space is left. Nothing was written.
	ErrFull = errors.New("no space left for the store")
	// ErrAway: the store cannot be reached now and may be later.
	ErrAway = errors.New("the store is not reachable")
)

// GateClosedError says that a gate is closed to ordinary calls.
type GateClosedError struct{ Gate Gate }

func (e *GateClosedError) Error() string {
	return fmt.Sprintf("gate %s is closed: %s (%s)", e.Gate.Scope, e.Gate.Class, e.Gate.Code)
}

// IdentityError says that the same work is there already.
type IdentityError struct{ Batch Batch }

func (e *IdentityError) Error() string { return "the same work is batch " + e.Batch.ID }

// StateError says that a batch is in no state for what was asked.
type StateError struct {
	Batch string
	State BatchState
	Want  string // "pause", "resume", "cancel", "add rows to", "commit", "abandon"
}

func (e *StateError) Error() string {
	return fmt.Sprintf("%s batch %s: it is %s", e.Want, e.Batch, e.State)
}

// LockedError says that another process holds a directory.
type LockedError struct{ Path string }

func (e *LockedError) Error() string { return "another process uses " + e.Path }

// SpoolStoreError says that a spool holds answers for another store. They can
// be applied there only.
type SpoolStoreError struct {
	Path    string
	Records int
}

func (e *SpoolStoreError) Error() string {
	return fmt.Sprintf("%s holds %d answers for another store: start once with that store, which takes them, or move the file away and settle their calls by hand",
		e.Path, e.Records)
}

// SchemaError says that the store was written by a newer version.
type SchemaError struct{ Has, Knows int64 }

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the store has schema %d, this version knows schemas up to %d: use a newer plateq", e.Has, e.Knows)
}

// KeysError says that the store was sealed with other keys.
type KeysError struct{ Which string }

func (e *KeysError) Error() string {
	return fmt.Sprintf("the %s is not the one this store was made with", e.Which)
}

// ReplacedKeyError says that a key must not seal in a store any more: it was
// replaced there, and nobody else may have it.
type ReplacedKeyError struct{ Key string }

func (e *ReplacedKeyError) Error() string {
	return fmt.Sprintf("encryption key %s was replaced in this store: put the one in front that seals now", e.Key)
}

// SealKeyError says that a value cannot be opened as its key is not given. The
// value may be sound.
type SealKeyError struct{ Column, Key string }

func (e *SealKeyError) Error() string {
	return fmt.Sprintf("open %s: it was sealed with key %s, which is not given", e.Column, e.Key)
}

// DestroyedError says that a value was of a list whose key was destroyed.
// Nobody can read it any more.
type DestroyedError struct{ List BatchNo }

func (e *DestroyedError) Error() string {
	return fmt.Sprintf("the key of list %d was destroyed, and with it what was stored of the list", e.List)
}

// MarkError says that simulated and real use were mixed.
type MarkError struct{ Simulated bool }

func (e *MarkError) Error() string {
	if e.Simulated {
		return "this store was made with --simulate and holds invented answers"
	}
	return "this store was made for real use and --simulate must not touch it"
}

// RegionError says that a store is kept in a region that is not this process's.
type RegionError struct{ Store, Here string } // Here may be empty: none was named

func (e *RegionError) Error() string {
	here := "no region is named here"
	if e.Here != "" {
		here = fmt.Sprintf("this is %q", e.Here)
	}
	return fmt.Sprintf("the store is kept in region %q, and %s", e.Store, here)
}

// OldCopyError says that a store may be an older copy of itself, so that calls
// were paid for of which it knows nothing. No call must start from it until
// somebody has accepted that.
type OldCopyError struct {
	Restored bool   // from a backup, by command
	Seen     CallID // the last call that is known of outside the store
	Has      CallID // the last one that the store knows of
}

func (e *OldCopyError) Error() string {
	switch {
	case e.Restored:
		return "the store was restored from a backup: calls made after that backup are unknown to it"
	case e.Seen > e.Has:
		return fmt.Sprintf("the store is an older copy: it knows calls up to %d, and there were calls up to %d", e.Has, e.Seen)
	default:
		return "the store was put here from elsewhere: nothing tells whether it is the newest copy"
	}
}

// ReachError says that a database is not reached as its URL says, whatever one
// waits for, and what to change. It holds nothing of the URL that is secret.
type ReachError struct {
	Cause  error
	Advice string
}

func (e *ReachError) Error() string { return fmt.Sprintf("%v: %s", e.Cause, e.Advice) }

// Unwrap returns the cause.
func (e *ReachError) Unwrap() error { return e.Cause }

// Millis truncates a time to what a store keeps.
func Millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Fault is an error of a database under the name by which callers decide on
// it: ErrFull or ErrAway.
type Fault struct{ Kind, Cause error }

func (f *Fault) Error() string { return fmt.Sprintf("%v: %v", f.Kind, f.Cause) }

// Unwrap returns both.
func (f *Fault) Unwrap() []error { return []error{f.Kind, f.Cause} }
