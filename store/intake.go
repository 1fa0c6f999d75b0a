package store

import (
	"encoding/json"
	"time"

	"github.com/plateq/plateq/providers"
)

// NewBatch is what is known of a batch before its first row.
type NewBatch struct {
	Tenant   string // empty: DefaultTenant
	Provider string
	Params   providers.Params
	Name     string
	Purpose  string
	Metadata json.RawMessage
	Columns  []string
	Weight   float64 // 0: 1
	KeepRaw  bool
	Reuse    Reuse
	// MaxCost is the budget of the batch, from its first call on; nil: none.
	MaxCost *Limit
	// Callback is a URL that is told when the batch is done or paused, signed
	// with the secret of the tenant's callbacks; empty: none.
	Callback string
	// Kept is how long its rows are kept after it has ended; 0: as long as the
	// store was told to keep those of any list.
	Kept time.Duration
	// Traceparent is that of the request that brings it, see Trace.
	Traceparent string
}

// Reuse says which known answers a batch is content with.
type Reuse struct {
	// Fresh ignores known answers. An ask that is open is joined all the
	// same, and an unknown one is still waited on unless ResendUnknown is set.
	Fresh bool
	// FreshFor and FreshNotFoundFor are the ages up to which found and
	// not_found are reused.
	FreshFor, FreshNotFoundFor time.Duration
	// ResendUnknown asks again where the outcome of an earlier call is
	// unknown, and may pay twice; otherwise the row waits on it as unknown.
	ResendUnknown bool
}

// NewRow is a row to be accepted. Rows are numbered in the order they come.
type NewRow struct {
	CallerID string
	Subject  providers.Subject // canonical, everything that the row holds
	Line     []string          // the customer's columns
	// Problem makes the row invalid: it is kept, shown and never sent.
	Problem *Failure
	// Question is what the provider would be sent: the part of Subject that
	// its Spec uses, and the parameters of batch and row together. It alone
	// decides which rows share an ask.
	Question Question
	// Service is the part of the provider's service that the question is for:
	// it is held back while the gate of that part is closed. Empty: none. It is
	// kept in the clear.
	Service string `json:",omitempty"`
}

// Piece is rows on their way in. The zero value is empty.
type Piece struct {
	Rows []NewRow

	batch  BatchNo
	first  int
	sealed []SealedRow // for the place that batch and first tell; nil: not yet
}

// DefaultTenant has the batches that name no tenant.
const DefaultTenant = "default"

// Question is what makes two asks the same, within a tenant and a provider.
type Question struct {
	Subject providers.Subject `json:"s"`
	Params  providers.Params  `json:"p,omitempty"`
}

// Taken is what AddRows did with a piece of a list.
type Taken struct {
	Rows    int // accepted in this piece
	Invalid int
	Asks    int // new questions
	Shared  int // rows on an ask that was open already, or in this list
	Joined  int // those of Shared on an open ask of another list
	Cached  int // rows on a known answer
	Unknown int // rows on an ask whose outcome is unknown
}

// BatchFilter chooses batches, newest first.
type BatchFilter struct {
	Tenant   string // empty: all
	Provider string // empty: all
	States   []BatchState
	// From and To bound when it was made; To is out. Zero: no bound.
	From, To time.Time
	Before   BatchNo // only older ones; 0: from the newest
	Limit    int     // 0: 100
}

// RowFilter chooses rows of a batch, in order.
type RowFilter struct {
	After  int     // only rows with a greater number
	Until  int     // and none with a greater one than this; 0: up to the end
	Limit  int     // 0: all
	States []State // empty: all
	// Only are the numbers of rows, ascending: others are left out, and those
	// that are not there are passed over. After, Until and Limit do not count then.
	Only []int
	// Questions wants Row.Question and Row.Service filled in.
	Questions bool
}
