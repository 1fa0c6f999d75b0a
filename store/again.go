package store

import (
	"context"
	"time"

	"github.com/plateq/plateq/providers"
)

// Repair is what people, and the rules that they switch on, do about rows
// that are settled without an answer. The rows get another ask; the one they
// had stays with its call, and so does what it may have cost.
type Repair interface {
	// Retry gives failed rows of a batch an ask as an intake would: the one
	// that is open for the question, its answer if that is fresh, or a new
	// one. A batch that is done runs again if rows of it are open then. It is
	// done piece by piece: what an error leaves is retried by asking again.
	Retry(ctx context.Context, r RetryRequest) (Retried, error)
	// Resend does so for the rows of every batch that wait on asks of a call
	// whose outcome is unknown, but for cancelled ones. The call may have been
	// charged, so that the new ask may be paid for a second time.
	Resend(ctx context.Context, id CallID, d Decision) (Taken, error)
	// GiveUp fails the unknown asks of a call, and returns how many these are.
	// An answer that comes later still counts.
	GiveUp(ctx context.Context, id CallID, d Decision) (int, error)
	// Adopt has the unknown asks of a call wait on a ticket that somebody
	// named, and returns how many these are: the one that the row is on, or was
	// before it got another; of row 0 all of them. ErrNotOn: the row is on none.
	// ErrManyAsks: the ticket is for one, and more are meant. ErrTicketTaken: it
	// belongs to another call, or as one for one ask to another ask.
	Adopt(ctx context.Context, id CallID, row RowID, n NewTicket, d Decision) (int, error)
}

// RetryRequest chooses failed rows of a batch.
type RetryRequest struct {
	Batch BatchNo
	// Class and Code choose by what an error says; empty: whatever it is.
	Class ErrorClass
	Code  string
	// By leaves out what failed later, as far as clocks agree, and what a retry
	// has made since; zero: nothing.
	By time.Time
	// Dry only finds out what would become of the rows.
	Dry bool
}

// Retried is what became of rows that were retried.
type Retried struct {
	// Taken counts them as an intake does; its Asks are to be paid for.
	Taken
	// Causes are why they had failed.
	Causes []Cause
}

// Cause is one reason for which rows of a batch failed.
type Cause struct {
	Class   ErrorClass
	Code    string
	Message string // of one of them
	Rows    int
}

// Decision is what a person decides about money, and why.
type Decision struct {
	By     string // who asked, as the log names them; "policy": a rule
	Reason string
	// Asked is when a resend was first asked for; zero: now.
	Asked time.Time
}

// ByPolicy decides where nobody was asked.
const ByPolicy = "policy"

// Decided is a decision that was carried out. Its reason is sealed, as people
// write names into it.
type Decided struct {
	At   time.Time
	What string // "resend", "give-up", "adopt"
	Call CallID
	Asks int
	Decision
}

// UnknownFilter chooses calls whose outcome is unknown, oldest first.
type UnknownFilter struct {
	Call     CallID  // 0: all
	Batch    BatchNo // with asks that the batch wants; 0: all
	Tenant   string  // empty: all
	Provider string  // empty: all
	After    CallID
	Limit    int // 0: 100
	// Resent includes calls whose rows have all been given other asks.
	Resent bool
	// Untried leaves out those that Resend has seen.
	Untried bool
	// By leaves out calls that became unknown later, as far as clocks agree,
	// and those with asks that a resend has made since; zero: none.
	By time.Time
}

// UnknownCall is a call that was sent, and nobody knows what became of it.
type UnknownCall struct {
	Call     CallID
	Provider string
	Tenant   string
	Sent     time.Time
	// Class and Code say what was seen of it.
	Class, Code string
	Carried     int // asks that it took
	Asks        int // of these unknown
	Resent      int // of these without a row: all were given other asks
	Rows        int // that wait on them
	Batches     []BatchNo
	// Subjects are what the unknown asks are about; they are personal.
	Subjects []providers.Subject
}

// Again says how rows are planned that have an ask already.
type Again struct {
	// Since is when their list came.
	Since time.Time
	// Leaving are the asks that the rows of the piece are on, row by row.
	Leaving []Leaving
	// Resend makes new asks of unknown ones that rows leave.
	Resend bool
	// Asked is when it was first asked for; zero: now.
	Asked time.Time
}

// At is when the rows got their new asks: never before it was asked for, by
// whatever clock, so that what a request has made is told from what was there.
func (g *Again) At(now time.Time) time.Time {
	if g.Asked.After(now) {
		return g.Asked
	}
	return now
}

// Leaving is a settled ask that rows of a batch are to leave.
type Leaving struct {
	Ask   AskID
	State State
	Rows  int // how many
}

func (g *Again) resends(a AskID) bool {
	if g == nil || !g.Resend {
		return false
	}
	for _, l := range g.Leaving {
		if l.Ask == a {
			return true
		}
	}
	return false
}

// NewAgain begins a plan for asks that rows of a batch leave: row i of the
// piece stands for all rows on again.Leaving[i].
func NewAgain(home BatchNo, asks int, reuse Reuse, rows []SealedRow, again Again, now time.Time, gone func(BatchNo) bool) *Plan {
	p := &Plan{
		Tally: Tally{}, Wants: map[AskID]int{}, Asks: asks,
		home: home, reuse: reuse, now: now, rows: rows, again: &again, gone: gone,
	}
	p.group()
	for _, l := range again.Leaving {
		p.Taken.Rows += l.Rows
		p.Tally.Add(home, l.State, -l.Rows)
		if l.Ask.Home() == home {
			p.Shared.Duplicates -= l.Rows - 1
		} else {
			p.Shared.Joined -= l.Rows
		}
	}
	return p
}

// count returns how many rows ask a question.
func (p *Plan) count(q *plannedQuestion) int {
	if p.again == nil {
		return len(q.rows)
	}
	n := 0
	for _, i := range q.rows {
		n += p.again.Leaving[i].Rows
	}
	return n
}

// Opens returns how many of the rows are open by the plan.
func (p *Plan) Opens() int {
	t := p.Tally[p.home]
	if t == nil {
		return 0
	}
	return t[Queued] + t[Sending] + t[Waiting]
}

// Add adds what another piece became.
func (t *Taken) Add(o Taken) {
	t.Rows += o.Rows
	t.Invalid += o.Invalid
	t.Asks += o.Asks
	t.Shared += o.Shared
	t.Joined += o.Joined
	t.Cached += o.Cached
	t.Unknown += o.Unknown
}
