package store

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
)

// Outbox is what other systems are told of, and how that goes. An event is
// written in the transaction of what it tells of, with a delivery for each
// hook that wants it, and where no hook does nothing is written. What is told
// of rows is derived from the tallies, which move in the settlement's own
// transaction, so that settlements take no notice of hooks.
//
// A delivery is made at least once, in no order.
type Outbox interface {
	// AddHook adds an endpoint. It is told of what happens from then on. o is
	// the request for it, nil: it has no key; *RepeatError: it came before.
	AddHook(ctx context.Context, n NewHook, o *Once) (Hook, error)
	// Hooks returns endpoints and callbacks of a tenant, or with "" of all,
	// oldest first.
	Hooks(ctx context.Context, tenant string) ([]Hook, error)
	// RotateHook gives a hook a new secret, or ErrNoHook. A callback has that of
	// its tenant, and none of its own.
	RotateHook(ctx context.Context, r Rotation) error
	// RemoveHook forgets a hook and its deliveries, or ErrNoHook.
	RemoveHook(ctx context.Context, tenant, id string) error

	// TellProgress writes events about rows that were settled, or became
	// unknown, since their hooks were last told: of a batch that runs, no more
	// than one each in ProgressEvery. It returns how many batches these are.
	TellProgress(ctx context.Context) (int, error)

	// ClaimDeliveries takes deliveries that are due, from the hooks in turn. Of
	// several who claim at once each gets others. What is not settled by
	// r.Until is due again.
	ClaimDeliveries(ctx context.Context, r DeliveryClaim) ([]OpenDelivery, error)
	// SettleDelivery writes what became of a delivery. False: it is somebody
	// else's by now, and nothing was written.
	SettleDelivery(ctx context.Context, r DeliveryResult) (bool, error)
	// Deliveries returns deliveries, newest first.
	Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, error)
	// Replay makes a delivery again: one that is pending is due at once, of one
	// that has ended there is a new one, of the same event. ErrNoDelivery,
	// ErrHookDisabled.
	Replay(ctx context.Context, tenant, id string) (Delivery, error)
	// TidyOutbox gives up what could not be delivered in DeliveryLife, and
	// forgets what ended OutboxLife ago. It returns how many were given up.
	TidyOutbox(ctx context.Context) (int, error)
}

const (
	// ProgressEvery is the shortest pause between two events about the rows of
	// a batch that runs.
	ProgressEvery = 10 * time.Second
	// DeliveryLife is how long a delivery is tried.
	DeliveryLife = 72 * time.Hour
	// OutboxLife is how long a delivery that has ended is shown.
	OutboxLife = 30 * 24 * time.Hour
	// TidyAtOnce bounds how many records TidyOutbox forgets.
	TidyAtOnce = 5000
)

// DeliveryNo numbers the deliveries of a store.
type DeliveryNo int64

// DeliveryState is how a delivery stands. Values are stored.
type DeliveryState int

// The states of a delivery.
const (
	DeliveryPending DeliveryState = iota + 1
	DeliveryDone
	DeliveryFailed
)

var deliveryStates = [...]string{DeliveryPending: "pending", DeliveryDone: "delivered", DeliveryFailed: "failed"}

// String returns the name of the state.
func (s DeliveryState) String() string { return deliveryStates[s] }

// ParseDeliveryState is the inverse of DeliveryState.String.
func ParseDeliveryState(name string) (DeliveryState, bool) {
	for s := DeliveryPending; s <= DeliveryFailed; s++ {
		if deliveryStates[s] == name {
			return s, true
		}
	}
	return 0, false
}

// Why a delivery failed that nobody sent.
const (
	ReasonExpired = "expired" // its time was over
	ReasonGone    = "gone"    // the receiver answered another one with 410
)

// Delivery is one event on its way to one hook.
type Delivery struct {
	No       DeliveryNo
	ID       string // "dlv_…"
	Hook     string // its id
	Event    string // its id, "evt_…", which is the same in all attempts and replays
	Kind     EventKind
	Batch    string // its id; empty: of none
	State    DeliveryState
	Attempts int
	Created  time.Time
	Due      time.Time // of the next attempt, while it is pending
	Tried    time.Time // when the last attempt ended; zero: none did
	Ended    time.Time // zero while it is pending
	Status   int       // what the receiver answered last; 0: nothing
	Reason   string    // why the last attempt failed
}

// DeliveryFilter chooses deliveries. Empty fields choose all.
type DeliveryFilter struct {
	Tenant string
	Hook   string
	Batch  string
	Kind   EventKind
	State  DeliveryState
	Before DeliveryNo
	Limit  int // 0: 100
}

// DeliveryClaim takes deliveries to be sent.
type DeliveryClaim struct {
	Limit int
	// PerHook bounds how many of one hook are under way at once.
	PerHook int
	Until   time.Time
}

// OpenDelivery is a delivery to be sent now.
type OpenDelivery struct {
	No      DeliveryNo
	Lease   int64 // SettleDelivery is refused to who lost it
	Hook    string
	URL     string
	Secrets [][]byte // the newest first
	Event   string
	Kind    EventKind
	At      time.Time // of the event
	Data    []byte    // JSON
	Attempt int       // from 1
}

// DeliveryResult is what became of an attempt.
type DeliveryResult struct {
	No    DeliveryNo
	Lease int64
	// Delivered: the receiver took it. Gone: it wants no more of anything.
	Delivered, Gone bool
	Status          int
	Reason          string
	// Again is when to try again; zero: never. Beyond the delivery's life it is
	// never too.
	Again time.Time
}

// Lane is how a hook answers. One that fails is asked by one delivery at a
// time, with pauses, so that what waits for it takes up nobody.
type Lane struct {
	Failures int       // in a row
	RetryAt  time.Time // nothing is sent before; zero: no pause
}

const (
	// LaneBreaks is after how many failures in a row a lane is Broken.
	LaneBreaks   = 3
	laneShortest = 10 * time.Second
	laneLongest  = 5 * time.Minute
)

// Broken reports whether only one delivery at a time is tried.
func (l Lane) Broken() bool { return l.Failures >= LaneBreaks }

// Room is how many deliveries may set out where so many are on their way.
func (l Lane) Room(perHook, underWay int, now time.Time) int {
	if l.RetryAt.After(now) {
		return 0
	}
	if l.Broken() {
		perHook = 1
	}
	return max(0, perHook-underWay)
}

// After returns the lane as an attempt leaves it.
func (l Lane) After(r DeliveryResult, now time.Time) Lane {
	if r.Delivered {
		return Lane{}
	}
	l.Failures++
	if l.Broken() {
		pause := laneShortest << min(l.Failures-LaneBreaks, 10)
		l.RetryAt = Millis(now.Add(min(pause, laneLongest)))
	}
	return l
}

// Ends returns the state of a delivery after an attempt.
func (r DeliveryResult) Ends(until time.Time) DeliveryState {
	switch {
	case r.Delivered:
		return DeliveryDone
	case r.Gone || r.Again.IsZero() || r.Again.After(until):
		return DeliveryFailed
	default:
		return DeliveryPending
	}
}

// PublicID makes an id at random: the prefix and 100 bits.
func PublicID(prefix string) string { return prefix + strings.ToLower(rand.Text()[:20]) }
