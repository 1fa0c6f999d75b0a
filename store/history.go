package store

import (
	"context"
	"strings"
	"time"
)

// Monitoring is what people look at who watch over the whole: what happened,
// and how much of it. None of it is needed to do the work, and nothing in it is
// personal: ids, classes, counts.
type Monitoring interface {
	// History returns what happened, newest first. An entry is written in the
	// transaction of what it tells of.
	History(ctx context.Context, f HistoryFilter) ([]Entry, error)
	// AddCounts adds counts to those of their minute and of their hour.
	AddCounts(ctx context.Context, all []Count) error
	// Series returns the counts of minutes or of hours, by provider, time and
	// measure.
	Series(ctx context.Context, f SeriesFilter) ([]Count, error)
	// TidyHistory forgets entries after HistoryLife, likewise the runs of
	// schedules but for the last of each that made a batch and the last that made
	// none, and counts after the life of their span. It returns how many records
	// these were.
	TidyHistory(ctx context.Context) (int, error)
}

// HistoryLife is how long it is known what happened.
const HistoryLife = 90 * 24 * time.Hour

// OldRuns is which runs of schedules TidyHistory forgets, behind the time up to
// which they are old.
const OldRuns = ` AND due_at NOT IN (SELECT max(n.due_at) FROM schedule_runs n WHERE n.schedule = r.schedule GROUP BY n.batch > 0)`

// EntryNo numbers the entries of a store.
type EntryNo int64

// EntryKind says what happened. Values are stored and shown.
type EntryKind string

// What happens to batches and gates.
const (
	EntryAccepted   EntryKind = "accepted"
	EntryPaused     EntryKind = "paused"
	EntryResumed    EntryKind = "resumed"
	EntryReopened   EntryKind = "reopened" // it was done, and rows of it are open again
	EntryCancelled  EntryKind = "cancelled"
	EntryDone       EntryKind = "done"
	EntryExpired    EntryKind = "expired" // its time was over, and its rows went
	EntryGateClosed EntryKind = "gate_closed"
	EntryGateOpened EntryKind = "gate_opened"
)

// EntryKinds lists what can happen.
func EntryKinds() []EntryKind {
	return []EntryKind{EntryAccepted, EntryPaused, EntryResumed, EntryReopened, EntryCancelled, EntryDone, EntryExpired, EntryGateClosed, EntryGateOpened}
}

// Entry is one thing that happened, to a batch or to a gate.
type Entry struct {
	No       EntryNo
	At       time.Time
	What     EntryKind
	Batch    BatchNo // 0: it happened to a gate
	Provider string  // whose gate; empty: it happened to a batch
	Scope    string  // the gate, or the budget that holds the batch
	Reason   string  // why, as Gate.Reason or Batch.Reason has it
	Code     string
	Until    time.Time // of a closed gate; zero: a person opens it
	By       string    // who opened or closed the gate; empty: its own rule
}

// HistoryFilter chooses entries: those of a batch, those of the gates of a
// provider, or with both those that somebody wants to see who asks why the
// batch stood still.
type HistoryFilter struct {
	Batch    BatchNo
	Provider string
	From, To time.Time // of gates: not before, and before; zero: whenever
	Before   EntryNo   // 0: from the newest on
	Limit    int       // 0: 100
}

// Most is how many entries are wanted at most.
func (f HistoryFilter) Most() int {
	if f.Limit <= 0 {
		return 100
	}
	return f.Limit
}

// Entry is what history says of the event.
func (e GateEvent) Entry(c GateChanges) Entry {
	provider, _, _ := strings.Cut(e.Gate.Scope, "/")
	n := Entry{What: EntryGateClosed, Provider: provider, Scope: e.Gate.Scope, Reason: e.Gate.Reason(), Code: e.Gate.Code}
	if e.Opened {
		n.What, n.By = EntryGateOpened, c.By
		return n
	}
	n.Until = e.Gate.Until
	if e.Gate.ByHand() {
		n.By = e.Gate.By
	}
	return n
}
