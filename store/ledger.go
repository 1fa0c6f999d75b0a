package store

import "time"

// LedgerFilter chooses calls.
type LedgerFilter struct {
	Batch    BatchNo // that paid; 0: all
	Tenant   string  // whose batch paid; empty: all
	Provider string  // empty: all
	// From and To bound when calls were recorded: From is in, To is out. Zero:
	// no bound.
	From, To time.Time
	// Before are only older calls than that; 0: from the newest.
	Before CallID
	Limit  int // 0: 100
}

// LedgerLine is a call in the ledger, newest first.
type LedgerLine struct {
	Call     CallID
	At       time.Time // when it was recorded, which is before it was sent
	Settled  time.Time // when its outcome was written down last; zero: never
	Provider string
	Tenant   string
	Batch    string // that pays, by its public id
	State    CallState
	Asks     int
	Bill
	// Class and Code say why it was refused, or not understood.
	Class, Code string
}

// Unknown is of how many asks nobody can say whether they are charged. While
// a call is under way there are none.
func (l LedgerLine) Unknown() int {
	if l.State == CallSending {
		return 0
	}
	return l.Open(l.Asks)
}

// LedgerGroup names what ledger totals are summed up over.
type LedgerGroup string

// The groups. Currencies are never summed up.
const (
	ByBatch    LedgerGroup = "batch"
	ByDay      LedgerGroup = "day"   // UTC
	ByMonth    LedgerGroup = "month" // UTC
	ByProvider LedgerGroup = "provider"
	ByCurrency LedgerGroup = "currency"
)

// LedgerGroups lists the groups.
func LedgerGroups() []LedgerGroup {
	return []LedgerGroup{ByBatch, ByDay, ByMonth, ByProvider, ByCurrency}
}

// LedgerTotal sums up calls of one group in one currency.
type LedgerTotal struct {
	// Group is the batch's id, "2026-11-21", "2026-11", the provider or the
	// currency.
	Group    string
	Currency string
	Calls    int
	// Asks are all that were carried. Those that are neither charged nor free
	// are under way or unknown.
	Asks, Charged, Free int
	// Spent is charged, Held may still turn out to be; both in the currency
	// or, of none, in asks.
	Spent, Held Money
}
