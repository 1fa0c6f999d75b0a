package store

import (
	"time"

	"github.com/plateq/plateq/providers"
)

// Hints about no ticket that is known are orphans. They are kept so long, in
// case they came before their ticket did or tell of a call of which nobody
// knows what became, and no more than so many.
const (
	OrphanLife = 24 * time.Hour
	MaxOrphans = 10_000
)

// HintRequest is what a webhook of a provider said, once it was verified.
type HintRequest struct {
	Provider string
	// Hints are what it may be about, the surest first; at least one. A subject
	// counts where the hint names no ticket, and the asks about it are found
	// that have no parameters and are the default tenant's.
	Hints []providers.Hint
	// Every is the shortest pause between two passes over a ticket.
	Every time.Duration
}

// Hinted is what a hint led to.
type Hinted struct {
	// Ticket is the one that the hint is about. 0: none that is known.
	Ticket TicketID
	// Due is when it is polled next. Zero: nothing is asked about it any more.
	Due time.Time
	// New: no other hint for it has come since it was last taken.
	New bool
}

// Orphan is a hint about no ticket that is known. It is personal data.
type Orphan struct {
	Provider string
	At       time.Time // when it came first
	Hints    []providers.Hint
}

// About are the subjects of the hints, as the rows of a piece, so that hints on
// those who are suppressed are found as rows are.
func (r HintRequest) About() []NewRow {
	var rows []NewRow
	for _, h := range r.Hints {
		if len(h.Subject) > 0 {
			rows = append(rows, NewRow{Subject: h.Subject})
		}
	}
	return rows
}

// HintedTicket is what decides about a hint for a ticket.
type HintedTicket struct {
	ID      TicketID
	Closed  bool
	Due     time.Time
	Claimed time.Time // when it was last taken for a pass
	Hinted  time.Time // when the last hint came that was written down
}

// Hint returns what a hint for the ticket leads to. Of many between two passes
// only the one that is New must be written down, with the time at which it came:
// the others tell nothing that the next pass will not find.
func (t HintedTicket) Hint(now time.Time, every time.Duration) Hinted {
	h := Hinted{Ticket: t.ID}
	if t.Closed {
		return h
	}
	h.Due = now
	if !t.Claimed.IsZero() && t.Claimed.Add(every).After(now) {
		h.Due = t.Claimed.Add(every)
	}
	h.New = !HintedSince(t.Hinted, t.Claimed) || t.Due.After(h.Due)
	if t.Due.Before(h.Due) {
		h.Due = t.Due
	}
	return h
}

// HintedSince reports whether a hint came when a pass had begun or later.
func HintedSince(hinted, claimed time.Time) bool {
	return !hinted.IsZero() && !hinted.Before(claimed)
}

// DueAfter returns when the ticket is due after its pass, which was begun at
// claimed, where the last hint came at hinted.
func (r *TicketSettlement) DueAfter(claimed, hinted time.Time) time.Time {
	if !r.Prompt.IsZero() && r.Prompt.Before(r.Due) && HintedSince(hinted, claimed) {
		return r.Prompt
	}
	return r.Due
}
