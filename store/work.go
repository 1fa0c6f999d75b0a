package store

import (
	"time"

	"github.com/plateq/plateq/providers"
)

// Turn is a batch that has, or may have, asks to send.
type Turn struct {
	Batch  BatchNo
	Weight float64
	Trace  Trace
}

// Trace says under which request a list was taken in, for those who show how
// what was done for it hangs together. It decides nothing.
type Trace struct {
	// Parent is the request's traceparent, as W3C Trace Context writes it;
	// empty: nobody traced it.
	Parent string
	Rows   int // of the list
}

// ChunkRef names a chunk that is worth ringing for. Ring is how often it has
// been claimed: while nobody has claimed it, it is rung under one name.
type ChunkRef struct {
	ID   ChunkID
	N    int
	Ring int
}

// OfferRequest asks for chunks of one batch that are ready to be claimed.
type OfferRequest struct {
	Batch BatchNo
	// Size is how many asks a chunk gets that is cut now.
	Size int
	// Limit is how many chunks are wanted.
	Limit int
	// Scope is the gate of paid calls. Chunks are left out all of whose asks
	// are held back by gates of parts of the service behind it.
	Scope string
	// Skip leaves out chunks that have been rung for already. May be nil.
	Skip func(ChunkRef) bool
}

// ClaimRequest takes queued asks of a chunk for one call.
type ClaimRequest struct {
	Chunk ChunkID
	Owner WorkerID
	// Scopes are the gates that must be open, widest first. Below the last are
	// those of the parts of the service: asks of a part whose gate is closed
	// are not taken, but for one, alone, that is its probe.
	Scopes []string
	// Max bounds how many asks are taken; 0: all that are left. A chunk that
	// is being halved gives less.
	Max int
	// Lookups: each ask is a request of its own. The claim stands for as many
	// requests as it takes asks, and for one where it is a probe.
	Lookups bool
	// Expires is when the call may be judged though its owner is alive: its
	// timeout and a margin.
	Expires time.Time
	// Price is what one ask costs at present.
	Price Price
	// Budgets bound the call, where nobody has set others.
	Budgets BudgetDefaults
}

// Requests is how many requests a claim of so many asks stands for.
func (r ClaimRequest) Requests(asks int) int {
	if r.Lookups {
		return asks
	}
	return 1
}

// Claim is a call that is recorded and has not been sent. With no asks there
// was nothing to take, no call was recorded, and nothing must be sent.
type Claim struct {
	Call     CallID
	Provider string
	Tenant   string
	// Payer is the batch that pays for all of Asks.
	Payer BatchNo
	Asks  []Ask
	// Left is how many asks of the chunk were left queued that may be claimed
	// now.
	Left int
	// Part is the bound of the chunk's calls, as an earlier settlement had it.
	Part Part
	// Probe: a gate is closed and this call finds out whether it may open.
	// The probe of a gate of providers.Unavailable or Ambiguous carries one
	// ask: it may be lost. Probes are the scopes of the gates.
	Probe   bool
	Probes  []string
	KeepRaw bool
}

// Verdict is what became of one ask of a call.
type Verdict struct {
	Ask AskID
	To  State // Found, NotFound, Failed, Waiting, Queued or Unknown
	// Answer goes with Found, NotFound and Failed.
	Answer *Answer
	// Ticket is an index into Settlement.Tickets and goes with Waiting.
	Ticket int
	// Counted: this was an attempt. Died: it ended before anything was sent,
	// by a panic or with its process. Alone: that was the ask's own doing, and
	// nobody else's of the call. Unsent: no request was made for it. Where that
	// is so for all asks of a call that is out as a probe, the next is the probe.
	Counted, Died, Alone, Unsent bool
	// Free: by its own rules the provider does not charge for the ask. What
	// goes back to the queue is free without it.
	Free bool
}

// NewTicket is a handle that a call brought.
type NewTicket struct {
	Handle   providers.Ticket
	Due      time.Time
	Deadline time.Time
	Interval time.Duration // the pause that Due stands for
	// Shared: other calls may hold a ticket of that name, each its own.
	Shared bool
	// Adopted: a person has named it.
	Adopted bool
	// Single, of one that a person names: it answers one ask and never another.
	Single bool
}

// Settlement is what a call brought, for all its asks or for some.
type Settlement struct {
	Call     CallID
	Verdicts []Verdict
	// Rest, if set, is the verdict on every ask of the call that Verdicts
	// does not name. Its Ask is ignored.
	Rest    *Verdict
	Tickets []NewTicket
	// Ready is when asks that go back to the queue may be sent again, if they
	// were attempted.
	Ready time.Time
	// Part is the bound of the chunk's calls from now on: 0 leaves it as it
	// is, NoBound lifts it.
	Part Part
	// Note is the head of an answer that was not understood, sealed with the
	// call. Class and Code say what was decided.
	Note  []byte
	Class string
	Code  string
	Gates GateChanges
	// Readings are figures that came with the answers. They are kept if an ask
	// moves, so that a settlement that comes twice counts once.
	Readings []providers.Reading
}

// GateChanges are applied in the transaction that learnt of them.
type GateChanges struct {
	Close []GateClose
	// Open names scopes that a call just passed. A gate that waits for a
	// probe is opened by that probe only, one that opens by time by calls
	// that were claimed after it closed; a person, by SetGates, opens either.
	// Opening an open gate ends its Strikes and is free. One that Close names
	// as well is not opened.
	Open []string
	// Due names scopes whose gate, if it is closed and waits for a probe, is
	// to let that probe pass now.
	Due []string
	// By is who opens them by hand, for those who read the history; empty: it
	// is no person's doing.
	By string
}

// GateClose closes a gate; a zero Until means until a person opens it or makes
// it due. Closing a closed gate moves Until only forward, unless this is the
// verdict of its probe, and not at all by a call that was claimed before it
// closed and says the same: it is of the same burst, and its word counts only
// where the provider told it the time. A claim that takes nothing, or that
// another gate refuses, uses up no probe.
type GateClose struct {
	Scope   string
	Class   providers.Class
	Code    string
	By      string
	Until   time.Time
	Probe   bool
	Strikes int
	// Told: Until is the provider's own word.
	Told bool
}

// GateEvent says that a gate moved.
type GateEvent struct {
	Gate   Gate
	Opened bool
}

// Settled is what a settlement did.
type Settled struct {
	// Applied counts asks that moved, late ones among them. Refused counts
	// verdicts on asks that do not belong to the call any more, or that the
	// table of states does not have: they changed nothing.
	Applied, Refused int
	// Late counts answers that replaced a failure or an unknown.
	Late int
	// Moved counts asks by the state that they came to, Billed is what that
	// changed of costs.
	Moved  Counts
	Billed Cost
	// Done lists batches that are done by it.
	Done  []BatchNo
	Gates []GateEvent
}

// TicketRef names a ticket that is due. Polls is how often it was claimed:
// while nobody has claimed it, it is rung under one name.
type TicketRef struct {
	ID    TicketID
	Polls int
}

// TicketClaim takes a due ticket for one pass of polls.
type TicketClaim struct {
	ID     TicketID
	Owner  WorkerID
	Scopes []string
	// Until is how long nobody else may take it.
	Until time.Time
}

// OpenTicket is a ticket that was taken. With no Lease it was not due, or is
// somebody else's.
type OpenTicket struct {
	ID       TicketID
	Lease    int64 // the fence of this pass
	Call     CallID
	Provider string
	Handle   providers.Ticket
	Asks     []Ask // those still waiting, and given-up ones that may come late
	Created  time.Time
	Due      time.Time // as it was when it was taken
	Deadline time.Time
	Late     bool // its asks have been given up: Expire was settled
	// Adopted: a person named it as the ticket of a call of which nobody knew
	// what became. It may hold some of the asks, or none.
	Adopted  bool
	Interval time.Duration
	// Hinted: a hint about it came since the pass before this one began. Heard
	// is when the last hint about any ticket of the provider was written down;
	// zero: there was none.
	Hinted  bool
	Heard   time.Time
	Probe   bool
	KeepRaw bool
	Trace   Trace // of the list whose asks they are
}

// TicketSettlement is what one poll brought.
type TicketSettlement struct {
	ID     TicketID
	Lease  int64
	Handle providers.Ticket
	// Polls is how many requests brought it; 0: none was made.
	Polls int
	// Verdicts are Found, NotFound or Failed, or Unknown for an ask that the
	// ticket turns out not to hold.
	Verdicts []Verdict
	// Hold keeps the lease for further polls of the same pass, until Due; the
	// ticket stays as due as it was. Otherwise it is free and due at Due.
	Hold     bool
	Due      time.Time
	Interval time.Duration
	// Prompt is when the ticket is due, if that is before Due and a hint came
	// during the pass; zero: hints change nothing.
	Prompt time.Time
	// Names are what hints may call the ticket by, beside its handle. They are
	// kept until it is closed, where hints have come that name no known ticket.
	Names []string
	// Expire marks the ticket as late: Verdicts have given its asks up,
	// answers still count. Close ends it: nothing is asked of it again; it is
	// an error while an ask waits on it. A ticket on which nobody waits, and
	// for which no late answer can count, closes by itself.
	Expire, Close bool
	// Release forgets the name of a ticket that answers one ask and turned out
	// not to be its own: whoever names it again begins anew. It goes with Close.
	Release  bool
	Gates    GateChanges
	Readings []providers.Reading // as in Settlement
}

// StaleCall is a call that was claimed and never settled by an owner who is
// dead or has had its time.
type StaleCall struct {
	Call     CallID
	Provider string
	Owner    WorkerID
	Sent     time.Time
	// Asks are those that it still has. One whose question cannot be read has
	// no Subject.
	Asks []Ask
}
