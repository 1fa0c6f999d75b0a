package store

import (
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds a report: a store that is badly hurt would name every
// row.
const maxProblems = 100

// Audit gathers what Check finds. Problems are told by numbers of batches,
// rows and asks, never by what these hold.
type Audit struct {
	report Report
	untold int
	// held says, for every ask that is under way, which call or ticket has it.
	held map[AskID]string
}

// NewAudit begins an audit of a store with so many of everything.
func NewAudit(counts Report) *Audit { return &Audit{report: counts, held: map[AskID]string{}} }

// Report returns what was found.
func (a *Audit) Report() Report {
	r := a.report
	if a.untold > 0 {
		r.Problems = append(slices.Clone(r.Problems), fmt.Sprintf("and %d more", a.untold))
	}
	return r
}

// Problem notes a problem.
func (a *Audit) Problem(format string, args ...any) {
	if len(a.report.Problems) == maxProblems {
		a.untold++
		return
	}
	a.report.Problems = append(a.report.Problems, fmt.Sprintf(format, args...))
}

// Expect notes a problem unless got is want.
func (a *Audit) Expect(got, want int, format string, args ...any) {
	if got != want {
		a.Problem("%s: %d, want %d", fmt.Sprintf(format, args...), got, want)
	}
}

// Name names an ask in a problem.
func (a AskID) Name() string { return fmt.Sprintf("ask %d of batch %d", a.Pos(), a.Home()) }

// Chunk holds what a chunk says of itself against its marks.
func (a *Audit) Chunk(c *Chunk, n, queued, fresh, open int) {
	q, f, o := c.Count()
	a.Expect(n, c.Len(), "length of the chunk at %s", c.ID.Name())
	a.Expect(queued, q, "queued asks in the chunk at %s", c.ID.Name())
	a.Expect(fresh, f, "queued asks that wait for no time in the chunk at %s", c.ID.Name())
	a.Expect(open, o, "open asks in the chunk at %s", c.ID.Name())
}

// Rows holds the rows of a batch, counted by state, against its tallies, and
// those that are on no known answer against the wants that are written down:
// every such row is the first of an ask at home, or one of these.
func (a *Audit) Rows(no BatchNo, state BatchState, rows, asks, wants, waiting int, counts, tallies Counts) {
	a.Expect(counts.Total(), rows, "rows of batch %d", no)
	for _, s := range append(RowStates(), Dropped) {
		a.Expect(tallies[s], counts[s], "tally of %s rows of batch %d", s, no)
	}
	a.Expect(waiting, asks+wants, "rows of batch %d that wait on an ask", no)
	if state == BatchDone && counts.Open() > 0 {
		a.Problem("batch %d is done and has %d open rows", no, counts.Open())
	}
}

// Gone holds the tallies of a batch that has no rows any more against how many
// there were: they say what became of them.
func (a *Audit) Gone(no BatchNo, rows int, tallies Counts) {
	a.Expect(tallies.Total(), rows, "rows that batch %d had, by its tallies", no)
	if open := tallies.Open(); open > 0 {
		a.Problem("batch %d has no rows any more, and %d of them are open", no, open)
	}
}

// Shared holds what a batch says of the rows that cost it nothing against the
// rows themselves, and how many of its asks were given up for others against
// what is written down of that.
func (a *Audit) Shared(no BatchNo, said, counted Shared, renewals, written int) {
	a.Expect(said.Known, counted.Known, "rows of batch %d on known answers", no)
	a.Expect(said.Joined, counted.Joined, "rows of batch %d on asks of other lists", no)
	a.Expect(said.Duplicates, counted.Duplicates, "rows of batch %d on asks of others of its rows", no)
	a.Expect(renewals, written, "asks of batch %d that were asked again", no)
}

// Call holds a call against the asks that it has.
func (a *Audit) Call(id CallID, chunk ChunkID, open []byte, state CallState, asks, unknown int, bill Bill, mark func(AskID) (Mark, error)) error {
	call := fmt.Sprintf("call %d", id)
	seen, err := a.hold(call, chunk, open, mark, Sending, Unknown)
	if err != nil {
		return err
	}
	a.Expect(unknown, seen[Unknown], "unknown asks of %s", call)
	a.Bill(id, asks, bill, seen[Sending], seen[Unknown], seen[Failed]+seen[Dropped])
	if (state == CallSending) != (seen[Sending] > 0) || state == CallDone && seen[Unknown] > 0 {
		a.Problem("%s is in state %d with %d asks in sending and %d unknown", call, state, seen[Sending], seen[Unknown])
	}
	return nil
}

// Bill holds the charges of a call against its asks. Of those that are under
// way or unknown nothing may be decided; of ones that failed, or were struck out
// when their time was over, it may be open.
func (a *Audit) Bill(id CallID, asks int, b Bill, sending, unknown, failed int) {
	open := b.Open(asks)
	if b.Charged < 0 || b.Free < 0 || open < sending+unknown || open > sending+unknown+failed {
		a.Problem("call %d of %d asks: %d are charged and %d free, and %d are under way or unknown", id, asks, b.Charged, b.Free, sending+unknown)
	}
}

// Costs holds what a batch costs in one currency against its calls.
func (a *Audit) Costs(no BatchNo, got, calls Cost) {
	if got != calls {
		a.Problem("costs of batch %d: %s spent and %s held, want %s and %s by its calls", no,
			WriteMoney(got.Spent, got.Currency), WriteMoney(got.Held, got.Currency), WriteMoney(calls.Spent, got.Currency), WriteMoney(calls.Held, got.Currency))
	}
}

// Spend holds the sum of a budget in one turn against the calls that count in it.
func (a *Audit) Spend(u BudgetUse, calls Cost) {
	if got := (Cost{Currency: u.Currency, Held: u.Held, Spent: u.Spent}); got != calls {
		turn := strings.TrimSpace(u.BudgetScope.String() + " " + u.Name)
		a.Problem("the sum of budget %s: %s spent and %s held, want %s and %s by its calls", turn,
			WriteMoney(u.Spent, u.Currency), WriteMoney(u.Held, u.Currency), WriteMoney(calls.Spent, u.Currency), WriteMoney(calls.Held, u.Currency))
	}
}

// HeldBy checks that a batch that a budget holds is paused.
func (a *Audit) HeldBy(no BatchNo, state BatchState, by string) {
	if state != BatchPaused {
		a.Problem("batch %d is %s, and budget %s holds it", no, state, by)
	}
}

// Ticket holds a ticket against the asks that it has.
func (a *Audit) Ticket(id TicketID, chunk ChunkID, open []byte, waiting int, closed bool, mark func(AskID) (Mark, error)) error {
	ticket := fmt.Sprintf("ticket %d", id)
	seen, err := a.hold(ticket, chunk, open, mark, Waiting)
	if err != nil {
		return err
	}
	a.Expect(waiting, seen[Waiting], "asks that wait on %s", ticket)
	if closed && seen[Waiting] > 0 {
		a.Problem("%s is closed, and %d asks wait on it", ticket, seen[Waiting])
	}
	return nil
}

// hold notes who has the asks at the given offsets of a chunk and counts them
// by state. They must be in one of the states, failed so that a late answer
// counts, or struck out.
func (a *Audit) hold(who string, chunk ChunkID, open []byte, mark func(AskID) (Mark, error), states ...State) (map[State]int, error) {
	seen := map[State]int{}
	offsets, err := ParseOffsets(open)
	if err != nil {
		a.Problem("%s: %v", who, err)
		return seen, nil
	}
	for _, i := range offsets {
		ask := chunk + AskID(i)
		m, err := mark(ask)
		if err != nil {
			return nil, err
		}
		seen[m.State]++
		if m.State == Failed || m.State == Dropped {
			continue
		}
		if !slices.Contains(states, m.State) {
			a.Problem("%s has %s, which is %s", who, ask.Name(), m.State)
		}
		if other, held := a.held[ask]; held {
			a.Problem("%s belongs to %s and to %s", ask.Name(), other, who)
		}
		a.held[ask] = who
	}
	return seen, nil
}

// Mark holds the mark of an ask against the call or ticket that has it.
func (a *Audit) Mark(ask AskID, s State) {
	if _, held := a.held[ask]; !held && (s == Sending || s == Waiting || s == Unknown) {
		a.Problem("%s is %s, and no call or ticket has it", ask.Name(), s)
	}
}

// Answer holds the mark of an ask against whether there is an answer.
func (a *Audit) Answer(ask AskID, s State, answered bool) {
	if s.Answered() != answered {
		a.Problem("%s is %s, and an answer is there: %t", ask.Name(), s, answered)
	}
}

// StrayAnswer notes an answer to an ask that is in no chunk.
func (a *Audit) StrayAnswer(ask AskID) {
	a.Problem("there is an answer to %s, which has no mark", ask.Name())
}
