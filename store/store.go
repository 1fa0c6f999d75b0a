package store

import (
	"context"
	"time"
)

// Store keeps everything that must survive. Implementations are safe for
// concurrent use and pass the suite in storetest. Every method returns typed
// errors of this package where a caller could decide on them; any other error
// means that nothing was changed, but for a commit whose answer was lost.
type Store interface {
	Intake
	Work
	Repair
	Budgeting
	Access
	Outbox
	Requests
	Scheduling
	Trail
	Monitoring
	Resealing
	Erasing
	Retention
	Reader

	// ID names the store, at random and for ever. What is kept beside it, as
	// a spool is, says by it to which store it belongs.
	ID() string

	// LastCall returns the number of the last call that is written down for
	// good, and the highest number that was ever given out, which is never
	// below it. Neither ever goes back, but in an older copy of the store.
	LastCall(ctx context.Context) (written, given CallID, err error)

	// Gates returns every gate that was ever closed.
	Gates(ctx context.Context) ([]Gate, error)
	// SetGates closes and opens gates outside a settlement.
	SetGates(ctx context.Context, c GateChanges) ([]GateEvent, error)

	// Beat records that the worker lives. A worker that has not beaten for a
	// minute is dead, and so is one that never did.
	Beat(ctx context.Context, w WorkerID) error
	// Retire says that the worker ends: calls that it still holds are
	// anyone's to judge at once, and its tickets are free.
	Retire(ctx context.Context, w WorkerID) error

	// Pulse fails where Beat would, and leaves nothing behind: while it succeeds
	// those who live can show it. It returns the time by the clock of which
	// heartbeats grow old.
	Pulse(ctx context.Context) (time.Time, error)

	// Check holds the books against each other.
	Check(ctx context.Context) (Report, error)
	Close() error
}

// Intake takes lists in. A batch is of no effect until CommitBatch: nothing
// is sent for it. Its asks can be joined from the first piece on.
type Intake interface {
	BeginBatch(ctx context.Context, b NewBatch) (BatchNo, error)
	// PieceRows is how many rows are best added at once. Keys lie anywhere in an
	// index: the more come together, the fewer times a page of it is written.
	// But a piece takes memory, and may keep others from writing.
	PieceRows() int
	// Prepare does ahead what AddRows needs no turn for, so that a list comes in
	// faster: it seals rows of which the first is to get that number.
	Prepare(ctx context.Context, b BatchNo, first int, rows []NewRow) (Piece, error)
	// AddRows accepts a piece of the list, all of it or nothing. It need not be
	// prepared; one that was for another place is so once more.
	AddRows(ctx context.Context, b BatchNo, p Piece) (Taken, error)
	// CommitBatch accepts the list as a whole and sets it running, under an
	// identity by which the same work is found again; nil: none. A batch all
	// of whose rows are settled is done at once. If another batch that is
	// unfinished, or was done after since, has the identity, it returns that
	// one and *IdentityError.
	CommitBatch(ctx context.Context, b BatchNo, identity []byte, since time.Time) (Batch, error)
	// AbandonBatch forgets a batch that was not committed. Asks that another
	// batch has joined stay, and those that were sent for one that has left them
	// since, as their calls and tickets are in the books. To everyone the batch
	// is gone at once; what it took up is given free bit by bit, and others go on
	// meanwhile. If ctx ends over that or the process dies, AbandonIntakes does
	// the rest.
	AbandonBatch(ctx context.Context, b BatchNo) error
	// AbandonIntakes does so for batches whose owner died over the intake,
	// those begun before the store was opened or, where others may have it
	// open too, those that took in nothing for some minutes, and returns how
	// many these are. It goes on with what was abandoned and is not yet given free. That
	// may take minutes, and nobody needs to wait for it.
	AbandonIntakes(ctx context.Context) (int, error)
}

// Work is what enqueuer, workers and scheduler need.
type Work interface {
	// Turns lists batches of a provider that run and have open rows.
	Turns(ctx context.Context, provider string) ([]Turn, error)
	// Offer names chunks with queued asks that are ready and wanted by the
	// batch, cutting new ones as needed. An ask that was attempted is ready
	// when its time has come, and holds up no others.
	Offer(ctx context.Context, r OfferRequest) ([]ChunkRef, error)
	// Claim records a call, of no more asks than the budgets of who pays have
	// room for. A closed gate is a *GateClosedError, a budget without room for
	// one ask a *BudgetError. A caller that holds the store back may answer
	// *OldCopyError.
	Claim(ctx context.Context, r ClaimRequest) (Claim, error)
	// Settle writes what a call brought. ErrTicketTaken: a ticket of that
	// name belongs to another call; nothing was written.
	Settle(ctx context.Context, s Settlement) (Settled, error)
	// StaleCalls lists calls that somebody must judge.
	StaleCalls(ctx context.Context, limit int) ([]StaleCall, error)

	// DueTickets lists tickets of a provider that may be claimed now.
	DueTickets(ctx context.Context, provider string, limit int) ([]TicketRef, error)
	// NextDue returns when the next ticket of a provider becomes due, those left
	// out that were due by then; zero: there is none.
	NextDue(ctx context.Context, provider string, then time.Time) (time.Time, error)
	// ClaimTicket takes a due ticket. A closed gate is a *GateClosedError.
	ClaimTicket(ctx context.Context, r TicketClaim) (OpenTicket, error)
	// SettleTicket writes what a poll brought, unless the lease is lost:
	// then everything is Refused but for Found and NotFound, which are
	// accepted like any answer that comes late. A lease is lost when the
	// ticket was given back, its owner retired or somebody else took it, not
	// by running out.
	SettleTicket(ctx context.Context, s TicketSettlement) (Settled, error)
	// FreeTickets gives back the tickets that dead workers took, as their end
	// would have, and returns how many. Of a worker that has been dead for a
	// day nothing is known any more.
	FreeTickets(ctx context.Context) (int, error)
	// PollNow makes the waiting tickets of a batch due, those of asks that it
	// joined among them. It returns how many.
	PollNow(ctx context.Context, b BatchNo) (int, error)

	// Hint makes the ticket due of which its provider has said, by a webhook,
	// that there is news: now or, where it was taken less than r.Every ago, that
	// long after it was. While it is being polled, SettleTicket does so, see
	// TicketSettlement.Prompt. A hint about no ticket that is known is kept as an
	// Orphan: a ticket of that name that comes later is due at once, and the
	// orphan is gone.
	Hint(ctx context.Context, r HintRequest) (Hinted, error)
	// DropOrphans forgets hints that nothing has matched in OrphanLife, and
	// returns how many these are.
	DropOrphans(ctx context.Context) (int, error)

	// Finish marks running batches as done that hold no open row, and
	// returns them. A settlement does so for the batches that it touches, so
	// that this is for those that were settled while they were paused. A done
	// batch of which an unknown ask turns out to wait runs again.
	Finish(ctx context.Context) ([]BatchNo, error)
	// Pause, Resume and Cancel change a batch; *StateError if it cannot be. A
	// batch that a budget holds can be paused: it is no budget's from then on.
	Pause(ctx context.Context, b BatchNo, reason string) error
	Resume(ctx context.Context, b BatchNo) error
	Cancel(ctx context.Context, b BatchNo, reason string) error
}

// Reader is what shows people and systems how things stand.
type Reader interface {
	// Batch returns the batch of that public id, or ErrNoBatch.
	Batch(ctx context.Context, id string) (Batch, error)
	// BatchByNo is Batch for those who hold a number.
	BatchByNo(ctx context.Context, b BatchNo) (Batch, error)
	// FindBatch returns the newest committed batch of that identity, or
	// ErrNoBatch.
	FindBatch(ctx context.Context, identity []byte) (Batch, error)
	Batches(ctx context.Context, f BatchFilter) ([]Batch, error)
	// Estimate says what AddRows would do with a list. Nothing is written or
	// held back by it, so that a moment later it may be otherwise.
	Estimate(ctx context.Context, r EstimateRequest) (Estimate, error)
	// Rows calls yield for rows of a batch in order, from one snapshot, until
	// it returns an error, which Rows returns. Those who read many rows slowly
	// hold up each other, and nobody else.
	Rows(ctx context.Context, b BatchNo, f RowFilter, yield func(Row) error) error
	// Backlogs returns the open work of providers that have any, by name.
	Backlogs(ctx context.Context) ([]Backlog, error)
	// Vanished returns how many workers are dead that have beaten within the
	// hour, and have not retired.
	Vanished(ctx context.Context) (int, error)
	// Behind lists the parts of the provider's service, sorted, that hold a
	// batch up: all asks of it that are queued are behind their gates, as far
	// as Offer has seen. None: some may go on.
	Behind(ctx context.Context, b BatchNo) ([]string, error)
	// Readings returns the figures that came with the answers of providers, by
	// provider and name.
	Readings(ctx context.Context) ([]Reading, error)
	// Orphans returns the hints about no ticket that is known, oldest first.
	Orphans(ctx context.Context) ([]Orphan, error)
	// Causes says why rows of a batch failed, the commonest first.
	Causes(ctx context.Context, b BatchNo) ([]Cause, error)
	// Unknowns lists calls of which nobody knows what became, oldest first.
	Unknowns(ctx context.Context, f UnknownFilter) ([]UnknownCall, error)
	// Decisions lists what was decided about such calls of a tenant or, with "",
	// of all, newest first.
	Decisions(ctx context.Context, tenant string, limit int) ([]Decided, error)
	// Ledger returns calls, newest first.
	Ledger(ctx context.Context, f LedgerFilter) ([]LedgerLine, error)
	// LedgerTotals sums up all calls of a filter, whose Before and Limit do not
	// count, by group and currency, in their order.
	LedgerTotals(ctx context.Context, f LedgerFilter, by LedgerGroup) ([]LedgerTotal, error)
	// Totals sums up calls, for a batch or, with 0, for all.
	Totals(ctx context.Context, b BatchNo) (Totals, error)
}

// Totals are figures over calls.
type Totals struct {
	Calls        int // requests that were made, or may have been
	Asks         int // carried by them
	UnknownCalls int // of which nobody knows
	UnknownAsks  int
	Polls        int
}

// Backlog is the work of one provider that is not settled, and what of it waits
// for a person.
type Backlog struct {
	Provider string
	// Queued, Sending and Waiting are rows of lists that were accepted, those
	// of paused and cancelled ones among them.
	Queued, Sending, Waiting int
	// Tickets are those on which asks wait; Late those that are asked about
	// once more though their asks were given up.
	Tickets, Late int
	// Ready are those of the queued rows whose lists run.
	Ready int
	// Unknown are rows on asks of which nobody knows, and nobody has decided.
	Unknown int
	// Held are lists that a budget has paused.
	Held int
	// Oldest is when the first of Tickets was given, Deadline when the first of
	// them ends; zero: there are none.
	Oldest, Deadline time.Time
}

// Report is what Check found. No problems: the books balance.
type Report struct {
	Batches, Rows, Asks, Calls, Tickets, Answers int
	Problems                                     []string
}
