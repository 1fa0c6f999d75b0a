package store

import "fmt"

// State is where a row or an ask stands. Values are stored: append only.
type State uint8

// The states of an ask, and those that only a row has.
const (
	Queued State = iota + 1
	Sending
	Waiting
	Found
	NotFound
	Failed
	Unknown
	// Dropped is an ask that nobody wants any more. A row on it is Cancelled.
	Dropped
	// Invalid is a row that cannot be asked about, and an ask that must not be:
	// it was erased before it was asked.
	Invalid
	// Cancelled is a state of rows only.
	Cancelled
)

var stateNames = [...]string{
	Queued: "queued", Sending: "sending", Waiting: "waiting", Found: "found", NotFound: "not_found",
	Failed: "failed", Unknown: "unknown", Dropped: "dropped", Invalid: "invalid", Cancelled: "cancelled",
}

// String returns the name of the state as contracts write it.
func (s State) String() string {
	if s == 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("state(%d)", uint8(s))
	}
	return stateNames[s]
}

// ParseState is the inverse of State.String, for states that a row can show.
func ParseState(name string) (State, bool) {
	for _, s := range RowStates() {
		if stateNames[s] == name {
			return s, true
		}
	}
	return 0, false
}

// RowStates lists the states that a row can show, in the order in which
// people read them.
func RowStates() []State {
	return []State{Queued, Sending, Waiting, Found, NotFound, Failed, Invalid, Unknown, Cancelled}
}

// Unanswered lists the states of rows that will have no answer by themselves.
func Unanswered() []State { return []State{Failed, Invalid, Unknown, Cancelled} }

// NotUnanswered lists the other states of rows: those with an answer, or with one
// still to come.
func NotUnanswered() []State { return []State{Queued, Sending, Waiting, Found, NotFound} }

// Open reports whether work on the ask goes on by itself.
func (s State) Open() bool { return s == Queued || s == Sending || s == Waiting }

// Event is what makes an ask move.
type Event string

// The events. Each is one decision of the gate around paid calls.
const (
	EvClaim       Event = "claim"        // a call took it
	EvFound       Event = "found"        // the provider answered
	EvNotFound    Event = "not found"    // the provider holds nothing
	EvFail        Event = "fail"         // the provider refused or gave up
	EvTicket      Event = "ticket"       // the provider will answer later
	EvNotAccepted Event = "not accepted" // proven: nothing was charged
	EvLost        Event = "lost"         // sent, and nobody knows
	EvDrop        Event = "drop"         // nobody wants it
	EvErase       Event = "erase"        // it must not be asked any more
	EvFoundLate   Event = "found late"   // an answer after it was given up
	EvNoneLate    Event = "not found late"
	EvAdopt       Event = "adopt"   // a ticket of an unknown call was named
	EvGiveUp      Event = "give up" // a person gave an unknown up
	EvDisown      Event = "disown"  // the ticket that was adopted does not hold it
)

// Transition is one line of the table of states.
type Transition struct {
	From  State
	Event Event
	To    State
}

// Transitions is the whole table: what is not in it cannot happen. The slice
// is new at each call.
func Transitions() []Transition {
	return []Transition{
		{Queued, EvClaim, Sending},
		{Queued, EvDrop, Dropped},
		{Queued, EvErase, Invalid},
		{Sending, EvFound, Found},
		{Sending, EvNotFound, NotFound},
		{Sending, EvFail, Failed},
		{Sending, EvTicket, Waiting},
		{Sending, EvNotAccepted, Queued},
		{Sending, EvLost, Unknown},
		{Waiting, EvFound, Found},
		{Waiting, EvNotFound, NotFound},
		{Waiting, EvFail, Failed},
		{Waiting, EvDisown, Unknown},
		{Unknown, EvFoundLate, Found},
		{Unknown, EvNoneLate, NotFound},
		{Unknown, EvFail, Failed},
		{Unknown, EvTicket, Waiting},
		{Unknown, EvAdopt, Waiting},
		{Unknown, EvGiveUp, Failed},
		{Failed, EvFoundLate, Found},
		{Failed, EvNoneLate, NotFound},
	}
}

// reachable[from][to] says that some event leads there.
var reachable = func() (m [Cancelled + 1][Cancelled + 1]bool) {
	for _, t := range Transitions() {
		m[t.From][t.To] = true
	}
	return m
}()

// CanMove reports whether the table has an event that leads from from to to.
func CanMove(from, to State) bool {
	return from <= Cancelled && to <= Cancelled && reachable[from][to]
}

// BatchState is where a batch stands.
type BatchState string

// The states of a batch.
const (
	BatchIntake    BatchState = "intake"
	BatchRunning   BatchState = "running"
	BatchPaused    BatchState = "paused"
	BatchDone      BatchState = "done"
	BatchCancelled BatchState = "cancelled"
)

// Finished reports whether nothing more happens to the batch by itself.
func (s BatchState) Finished() bool { return s == BatchDone || s == BatchCancelled }
