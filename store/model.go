package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/plateq/plateq/providers"
)

// BatchNo numbers the batches of a store, from 1.
type BatchNo int32

// AskID names an ask: its home batch in the upper 32 bits, its place there,
// from 0, in the lower ones.
type AskID int64

// NewAskID returns the id of the ask at place pos of its home batch.
func NewAskID(home BatchNo, pos int) AskID { return AskID(int64(home)<<32 | int64(pos)) }

// Home returns the batch that first wanted the ask.
func (a AskID) Home() BatchNo { return BatchNo(a >> 32) } //nolint:gosec // built from a BatchNo

// Pos returns the ask's place among the asks of its home batch.
func (a AskID) Pos() int { return int(a & (1<<32 - 1)) }

// RowID names a row in the same way: its batch, and its number from 1.
type RowID int64

// NewRowID returns the id of row n of a batch; n counts from 1.
func NewRowID(batch BatchNo, n int) RowID { return RowID(int64(batch)<<32 | int64(n)) }

// Name is how messages name a row.
func (r RowID) Name() string { return fmt.Sprintf("row %d of batch %d", r.Number(), r>>32) }

// Number returns the row's number in its batch, from 1.
func (r RowID) Number() int { return int(r & (1<<32 - 1)) }

// ChunkID is the id of the chunk's first ask.
type ChunkID = AskID

// CallID names a call. It is the fence: an outcome is accepted only for asks
// that still belong to the call that brings it.
type CallID int64

// TicketID names a ticket in the store.
type TicketID int64

// WorkerID names a process that claims, unique for each start of it.
type WorkerID string

// Batch is a list of rows submitted together, for one provider.
type Batch struct {
	No       BatchNo
	ID       string // "b_…", as everyone outside names it
	Tenant   string
	Provider string
	Params   providers.Params
	Name     string
	Purpose  string
	Metadata json.RawMessage // the customer's own, an object or nil
	Columns  []string        // names of the customer's columns, in file order
	Weight   float64
	KeepRaw  bool
	Fresh    bool // known answers were ignored
	State    BatchState
	Reason   string // why it is paused or cancelled
	// HeldBy is the budget by which it is paused; zero: it is not, or not by
	// a budget.
	HeldBy BudgetScope
	Rows   int
	Asks   int // asks that this batch was the first to want
	Counts Counts
	Shared Shared
	// Costs are what its calls cost, by currency.
	Costs []Cost
	// Unasked is how many of its own asks are queued.
	Unasked int
	Created time.Time
	Done    time.Time // zero while it is not
	// Ended is when it was done or cancelled, from when on it is Kept for so
	// long; 0: for ever. Expired is when that was over, and its rows went.
	Ended   time.Time
	Kept    time.Duration
	Expired time.Time
	// OwnKept is what the list itself says of that, as NewBatch.Kept: 0 where
	// Kept is what the store says at this time, and will be what it says then.
	// Whoever makes another list after this one gives it OwnKept.
	OwnKept time.Duration
	// Destroyed says that the key of the list was, and that nothing personal of
	// it can be read any more.
	Destroyed bool
}

// Shared counts the rows of a batch that cost no ask of its own: what it did
// not pay for. It follows rows that are asked again.
type Shared struct {
	Known      int // rows on an answer that was known before
	Joined     int // rows on an ask of another list, under way or unknown
	Duplicates int // rows on an ask that another row of the batch has
}

// Rows returns how many rows there are in all.
func (s Shared) Rows() int { return s.Known + s.Joined + s.Duplicates }

// Counts are rows by state. Absent states count 0.
type Counts map[State]int

// Open returns how many rows are still being worked on.
func (c Counts) Open() int { return c[Queued] + c[Sending] + c[Waiting] }

// Total returns how many rows there are.
func (c Counts) Total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// Row is one line of a batch as it stands.
type Row struct {
	Number   int
	CallerID string
	Subject  providers.Subject
	Line     []string // the customer's columns, as in Batch.Columns
	State    State
	Problem  *Failure // why it is invalid
	Answer   *Answer  // of a settled ask
	Attempts int
	Cached   bool // it was known before this batch wanted it
	// Question is what was asked, Service for which part of the provider's
	// service: only where RowFilter wants them, and of rows that are not
	// invalid.
	Question Question
	Service  string
}

// Answer is what is known of an ask in the end: found and not_found carry
// what the provider said, failed says why.
type Answer struct {
	At      time.Time
	Result  json.RawMessage
	Raw     json.RawMessage // only where the batch keeps it
	Failure *Failure
}

// Cause says why there is no answer, empty where there is one.
func (a Answer) Cause() (ErrorClass, string) {
	if a.Failure == nil {
		return "", ""
	}
	return a.Failure.Class, a.Failure.Code
}

// Failure says why there is no answer.
type Failure struct {
	Class   ErrorClass `json:"class"`
	Code    string     `json:"code"`
	Message string     `json:"message"`
}

// ErrorClass is the class of a row's error, a contract with those who read
// results.
type ErrorClass string

// The classes of a failed or invalid row.
const (
	ClassInvalidInput    ErrorClass = "invalid_input"
	ClassSuppressed      ErrorClass = "suppressed"
	ClassProviderError   ErrorClass = "provider_error"
	ClassUnavailable     ErrorClass = "unavailable"
	ClassProviderTimeout ErrorClass = "provider_timeout"
	ClassMissing         ErrorClass = "missing_at_provider"
	ClassPoison          ErrorClass = "poison"
	ClassGivenUp         ErrorClass = "given_up"
)

// LateAnswersCount reports whether an answer that comes after the ask failed
// so replaces the failure.
func (c ErrorClass) LateAnswersCount() bool {
	return c == ClassProviderTimeout || c == ClassMissing || c == ClassGivenUp
}

// Ask is one question as a call takes it.
type Ask struct {
	ID       AskID
	Subject  providers.Subject
	Params   providers.Params
	Service  string // the part of the provider's service, as in NewRow
	Attempts int    // counted before this call
	// FoundBefore: an earlier ask of the same question had been found when
	// this one was made.
	FoundBefore bool
	// Prior is the ticket of the ask before it that failed, where this one was
	// made by Retry; nil: there was none.
	Prior *providers.Ticket
}

// Gate is a door on a scope ("attestr", "attestr/submit"). There is a record
// only for gates that were ever closed.
type Gate struct {
	Scope   string
	Closed  bool
	Class   providers.Class
	Code    string
	By      string    // "policy", or the person
	Since   time.Time // of the first of the closings that have kept it closed
	Until   time.Time // when a probe, or for a short limit everyone, may pass; zero: a person opens it
	Probe   bool      // at Until one probe passes, not everyone
	Strikes int       // closings in a row without a success in between
	// ProbeUntil is not zero while a probe is out.
	ProbeUntil time.Time
}

// ByHand is the code of a gate that a person closed, whose class is none.
const ByHand = "by_hand"

// ByHand reports whether a person closed the gate. Nobody else opens it.
func (g Gate) ByHand() bool { return g.Class == 0 && g.Code == ByHand }

// Outlasts reports whether g holds calls back for longer than h, where both do:
// what only a person opens outlasts all that opens by time.
func (g Gate) Outlasts(h Gate) bool {
	if g.Until.IsZero() || h.Until.IsZero() {
		return g.Until.IsZero() && !h.Until.IsZero()
	}
	return g.Until.After(h.Until)
}

// Reason says in one word why the gate was closed.
func (g Gate) Reason() string {
	if g.ByHand() {
		return ByHand
	}
	return g.Class.String()
}

// Shut reports whether nobody may pass at that time: it is closed, its time
// has not come, or its probe is still out.
func (g Gate) Shut(now time.Time) bool {
	return g.Closed && (g.Until.IsZero() || now.Before(g.Until) || g.Probe && now.Before(g.ProbeUntil))
}
