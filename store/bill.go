package store

import (
	"slices"
	"time"
)

// Bill is what the ledger knows of the charges for the asks of a call, as the
// provider's own rules have it: no provider tells.
type Bill struct {
	// Payer is the batch for which the call was made. All asks of a call are
	// paid for by the same one, also those that others want too.
	Payer BatchNo
	// Price is that of each ask, as it was when the call was recorded.
	Price Price
	// Charged and Free count asks of which that much is certain, or taken to
	// be. Of the others nobody knows yet: they are under way, or unknown.
	Charged, Free int
}

// Open is of how many of n asks it is not known whether they are charged.
func (b Bill) Open(n int) int { return n - b.Charged - b.Free }

// Cost is what a batch has cost in one currency: Spent is charged, Held may
// still turn out to be. Where no currency was known both count asks.
type Cost struct {
	Currency    string
	Held, Spent Money
}

// Claimed is what changes when a call of n asks is recorded at a price.
func Claimed(p Price, n int) Cost { return Cost{Currency: p.Currency, Held: p.Of(n)} }

// Billed is what changes when asks of a call turn out to be charged or free.
func (r *Ruling) Billed(p Price) Cost {
	return Cost{Currency: p.Currency, Held: -p.Of(r.Charged + r.Free), Spent: p.Of(r.Charged)}
}

// Disowned is what changes when asks of a call turn out not to be in the ticket
// that was taken for its own: nobody knows again.
func (b Bill) Disowned(asks Offsets) Cost {
	n := b.Price.Of(len(asks))
	return Cost{Currency: b.Price.Currency, Held: n, Spent: -n}
}

// None reports whether nothing changes.
func (c Cost) None() bool { return c.Held == 0 && c.Spent == 0 }

// bill notes what a verdict says of the charge for an ask that was in a state.
// It is said once: by the call's own answer, or when an unknown one turns out.
// An ask that is given up leaves it open for good, unless its answer comes.
func (r *ruler) bill(from State, v Verdict) {
	switch {
	case v.To == Unknown, v.To == Failed && v.Answer != nil && v.Answer.Failure != nil && v.Answer.Failure.Class == ClassGivenUp:
		return
	case from == Sending, from == Unknown:
	case from == Failed && r.givenUp > 0:
		r.givenUp--
	default:
		return
	}
	if v.To == Queued || v.Free {
		r.Free++
	} else {
		r.Charged++
	}
}

// countGivenUp says of how many failed asks that a call holds the charge is
// still open. Tickets have none: what they bring was charged when it was
// accepted.
func (r *ruler) countGivenUp(h Holding) {
	if h.Bill == nil {
		return
	}
	r.givenUp = h.Bill.Open(h.Carried)
	for _, i := range h.Open {
		if s := r.c.State(i); s == Sending || s == Unknown {
			r.givenUp--
		}
	}
}

// Payers sees to it that all asks of a call are paid for by one batch: the
// home of the ask while it runs, else the oldest running batch that wants it.
type Payers struct {
	in *Interest
	// Batch pays; 0: nothing was accepted yet.
	Batch BatchNo
}

// NewPayers returns who pays for asks in which there is this interest.
func NewPayers(in *Interest) *Payers { return &Payers{in: in} }

// Of narrows wanted, which nil leaves open, to asks that a running batch wants
// and that the one pays for who pays for those that it has let pass before.
func (p *Payers) Of(wanted func(AskID) bool) func(AskID) bool {
	return func(a AskID) bool { return (wanted == nil || wanted(a)) && p.accept(a) }
}

// First returns who pays for what Chunk.Take would take next, and no others
// are let pass from then on; 0: nothing would be taken.
func (p *Payers) First(c *Chunk, now time.Time, wanted func(AskID) bool) BatchNo {
	trial := &Chunk{ID: c.ID, Part: c.Part, RetryAt: c.RetryAt, marks: slices.Clone(c.marks)}
	trial.Take(1, now, p.Of(wanted))
	return p.Batch
}

func (p *Payers) accept(a AskID) bool {
	payer := p.in.payer(a)
	if payer == 0 || p.Batch != 0 && payer != p.Batch {
		return false
	}
	p.Batch = payer
	return true
}

// payer is the batch that would pay for an ask; 0: none that runs wants it.
func (in *Interest) payer(a AskID) BatchNo {
	if in.More == nil { // nearly always
		if in.Home.State == BatchRunning {
			return in.Home.Batch
		}
		return 0
	}
	var oldest BatchNo
	for _, w := range in.Of(a) {
		switch {
		case w.State != BatchRunning:
		case w.Batch == in.Home.Batch:
			return w.Batch
		case oldest == 0 || w.Batch < oldest:
			oldest = w.Batch
		}
	}
	return oldest
}
