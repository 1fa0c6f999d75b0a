package providers

import (
	"encoding/json"
	"time"
)

// Outcome is what became of one Request: exactly one of Record, Ticket and
// Err is set.
type Outcome struct {
	Ref    string
	Record *Record
	Ticket *Ticket
	Err    error
	// PollAfter is when the provider said that its Ticket is worth a first
	// poll. Zero: it did not say.
	PollAfter time.Time
	// Readings are figures that came along with the answer, whichever it is.
	Readings []Reading
}

// Reading is a figure that a provider's answer moves: something to be counted,
// such as requests that were decoded, or the provider's own counter as it
// stands, such as the free requests that are left.
type Reading struct {
	Name  string // stable, shown: "decoded"
	Value int64
	// Gauge: Value replaces the last one. Otherwise it is added up.
	Gauge bool
}

// Record is an answer with content.
type Record struct {
	// Result is a JSON object with the field names of the provider's own
	// document, fields that the document does not name left out.
	Result json.RawMessage
	// Raw is the provider's answer about this subject, byte for byte.
	Raw json.RawMessage
}

// Ticket is the provider's handle on work that it finishes later. ID and
// Cursor may embed plates and are personal data.
type Ticket struct {
	// ID is what the provider is asked with.
	ID string
	// Number is the handle that people see at the provider, if there is one.
	Number string
	// Cursor is the provider package's own, opaque to everyone else: where a
	// pass over the records stands, what was seen of them.
	Cursor []byte
	// Plan belongs to those who poll: what is known of the parts of the ticket
	// and when each is to be read. A provider leaves it alone.
	Plan []byte
	// Named: a person named it as that of the requests, so that it may be about
	// something else. It is told to a Poll, and not kept.
	Named bool
}

// Progress is what one poll of a ticket brought.
type Progress struct {
	// Ticket replaces the one that was polled.
	Ticket Ticket
	// Outcomes are the requests that became final in this poll, by Ref; a
	// request that is not among them is still being worked on.
	Outcomes []Outcome
	// More says that the pass over the records has not ended: poll again at
	// once rather than after a pause.
	More bool
	// Names are what else the provider's webhooks may call the records by that
	// were listed.
	Names []string
	// Notices are oddities worth a line in the log and a count.
	Notices []Notice
}

// Notice is an oddity in what a provider sent that does no harm by itself.
type Notice struct {
	Kind  string // "regression", "foreign_record", "unknown_status", …
	Count int
}
