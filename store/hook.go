package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// EventKind names what hooks are told of, a contract with those who receive it.
type EventKind string

// The kinds of events.
const (
	EventBatchDone     EventKind = "batch.done"
	EventBatchPaused   EventKind = "batch.paused"
	EventRowsSettled   EventKind = "rows.settled"
	EventGateClosed    EventKind = "gate.closed"
	EventGateOpened    EventKind = "gate.opened"
	EventUnknownFound  EventKind = "unknown.found"
	EventBudgetReached EventKind = "budget.reached"
)

// EventKinds lists the kinds of events. Stores keep a kind by its place here:
// append only.
func EventKinds() []EventKind {
	return []EventKind{
		EventBatchDone, EventBatchPaused, EventRowsSettled, EventGateClosed, EventGateOpened, EventUnknownFound, EventBudgetReached,
	}
}

// Kinds is a set of EventKinds as stores keep it.
type Kinds int64

// KindsOf makes a set. Names that are no kind are left out.
func KindsOf(kinds ...EventKind) Kinds {
	var set Kinds
	for i, k := range EventKinds() {
		if slices.Contains(kinds, k) {
			set |= 1 << i
		}
	}
	return set
}

// List returns what is in the set.
func (s Kinds) List() []EventKind {
	var list []EventKind
	for i, k := range EventKinds() {
		if s&(1<<i) != 0 {
			list = append(list, k)
		}
	}
	return list
}

// CallbackKinds are the events that the callback URL of a batch is told.
const CallbackKinds = Kinds(1<<0 | 1<<1) // batch.done, batch.paused

// progressKinds are told of by TellProgress, grouped.
const progressKinds = Kinds(1<<2 | 1<<5) // rows.settled, unknown.found

// ProgressKinds are the events for which the rows of a batch are followed.
func ProgressKinds() Kinds { return progressKinds }

// ParseEventKinds reads names of events. An error names all that are none.
func ParseEventKinds(names []string) ([]EventKind, error) {
	var kinds []EventKind
	var wrong []string
	for _, name := range names {
		k := EventKind(strings.TrimSpace(name))
		if slices.Contains(EventKinds(), k) {
			kinds = append(kinds, k)
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%q", clipped(name)))
	}
	if len(wrong) > 0 {
		known := make([]string, 0, len(EventKinds()))
		for _, k := range EventKinds() {
			known = append(known, string(k))
		}
		return nil, fmt.Errorf("%s: there is no such event, only %s", strings.Join(wrong, ", "), strings.Join(known, ", "))
	}
	return kinds, nil
}

func clipped(s string) string { return s[:min(len(s), 40)] }

// HookNo numbers the hooks of a store.
type HookNo int64

// HookRole says what a hook is for. Values are stored.
type HookRole int

// The roles of hooks.
const (
	// HookEndpoint is told of all events of its tenant that it wants.
	HookEndpoint HookRole = iota
	// HookCallback is told of the batches that name its URL.
	HookCallback
	// HookSecret has no URL: it holds the secret of its tenant's callbacks.
	HookSecret
)

// CallbacksID names the secret of a tenant's callbacks where hooks are named.
const CallbacksID = "callbacks"

// Hook is a URL of another system that is told of events.
type Hook struct {
	No      HookNo
	ID      string // "hook_…"
	Tenant  string
	Role    HookRole
	URL     string
	Events  []EventKind
	Created time.Time
	// Disabled is when the receiver said that it is gone, and is told of
	// nothing since; zero: it did not.
	Disabled time.Time
	// Lane is how it answers.
	Lane Lane
	// Pending is how many deliveries it has still to get.
	Pending int
}

// NewHook is an endpoint to be added.
type NewHook struct {
	ID     string // as NewHookID makes them; empty: it gets one
	Tenant string // empty: DefaultTenant
	URL    string
	Events []EventKind
	Secret []byte
}

// NewHookID makes an id for a hook.
func NewHookID() string { return PublicID("hook_") }

// Rotation gives a hook a new secret. The old ones sign beside it for a while.
type Rotation struct {
	Tenant string // empty: DefaultTenant
	// ID is a hook's, or CallbacksID: that secret is made where there is none.
	ID      string
	Secret  []byte
	Overlap time.Duration
}

// Errors of hooks and deliveries.
var (
	ErrNoHook     = errors.New("no such hook")
	ErrNoDelivery = errors.New("no such delivery")
	// ErrHookDisabled: the receiver said that it is gone.
	ErrHookDisabled = errors.New("the hook is disabled")
	// ErrNoCallbackSecret: a batch names a callback URL, and its tenant has no
	// secret to sign with.
	ErrNoCallbackSecret = errors.New("there is no secret for callbacks")
)

// HookBody is the sealed part of a hook.
type HookBody struct {
	URL     string          `json:"url,omitempty"`
	Secrets []HookSecretKey `json:"secrets,omitempty"`
}

// HookSecretKey signs what is sent to a hook, for ever or until a time.
type HookSecretKey struct {
	Key   []byte `json:"key"`
	Until int64  `json:"until,omitempty"` // milliseconds since 1970; 0: for ever
}

// Rotate returns the body with a new secret in front of those that are still
// good, which end after the overlap, or sooner if they were to.
func (b HookBody) Rotate(key []byte, now time.Time, overlap time.Duration) HookBody {
	secrets := []HookSecretKey{{Key: key}}
	end := now.Add(overlap).UnixMilli()
	for _, s := range b.Secrets {
		if s.Until == 0 || s.Until > end {
			s.Until = end
		}
		if s.Until > now.UnixMilli() {
			secrets = append(secrets, s)
		}
	}
	b.Secrets = secrets
	return b
}

// Keys returns the secrets that sign now, the newest first.
func (b HookBody) Keys(now time.Time) [][]byte {
	var keys [][]byte
	for _, s := range b.Secrets {
		if s.Until == 0 || s.Until > now.UnixMilli() {
			keys = append(keys, s.Key)
		}
	}
	return keys
}

// SealHook seals a hook's URL and secrets. URLs of receivers may hold tokens.
func (s *Sealer) SealHook(no HookNo, b HookBody) ([]byte, error) {
	text, err := encode("hook", b)
	if err != nil {
		return nil, err
	}
	return s.Seal(columnHook, int64(no), text), nil
}

// OpenHook is the inverse of SealHook.
func (s *Sealer) OpenHook(no HookNo, sealed []byte) (b HookBody, err error) {
	text, err := s.Open(columnHook, int64(no), sealed)
	if err == nil {
		err = decode("hook", text, &b)
	}
	return b, err
}

// CallbackKey is the keyed hash by which the callbacks of a tenant to one URL
// are one hook, or with an empty URL its secret is found.
func (s *Sealer) CallbackKey(tenant, url string) []byte { return s.Hash("callback", tenant, url) }
