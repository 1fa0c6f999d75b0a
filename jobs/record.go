package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// together is how long an answer waits for others of its record, to be settled
// with them.
const together = 200 * time.Millisecond

// record is a claim of look-ups that go out together, and what came of them.
// They are settled in parts: none waits for a slow one.
type record struct {
	w     *Worker
	l     *line
	claim claim
	at    time.Time
	news  chan struct{} // there is more in part

	mu   sync.Mutex
	left int              // look-ups without an outcome
	part store.Settlement // what came and is not settled
}

func (w *Worker) newRecord(l *line, c claim) *record {
	return &record{w: w, l: l, claim: c, at: time.Now(), news: make(chan struct{}, 1),
		left: len(c.Asks), part: store.Settlement{Call: c.Call}}
}

// one is the claim as far as it is about one ask.
func (r *record) one(a store.Ask) claim {
	c := r.claim
	c.Asks, c.Part = []store.Ask{a}, 0 // the bound is for the record
	return c
}

// came takes the outcome of one look-up.
func (r *record) came(s store.Settlement) {
	r.mu.Lock()
	r.left--
	merge(&r.part, s)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default: // it is told already
	}
}

// keep settles what comes, until there is an outcome for every look-up.
func (r *record) keep(ctx context.Context) (err error) {
	for more := true; more; {
		<-r.news
		wait := time.NewTimer(together)
		for waiting := !r.ripe(); waiting; {
			select {
			case <-r.news:
				waiting = !r.ripe()
			case <-wait.C:
				waiting = false
			}
		}
		wait.Stop()
		var s store.Settlement
		if s, more = r.cut(); len(s.Verdicts) > 0 {
			err = errors.Join(err, r.settle(ctx, s))
		}
	}
	return err
}

// ripe reports that there is nothing to wait for: everything came, or a gate
// is to be closed.
func (r *record) ripe() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left == 0 || len(r.part.Gates.Close) > 0
}

// cut takes what came, and reports whether there is more to come. The last
// part lifts the bound that the process may have died over before: it lives.
func (r *record) cut() (s store.Settlement, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, r.part = r.part, store.Settlement{Call: r.claim.Call}
	if r.left == 0 && r.claim.Part != 0 {
		s.Part = store.NoBound
	}
	return s, r.left > 0
}

// settle writes a part. A ticket that belongs to another call already proves
// nothing about its ask, and nothing against the others.
func (r *record) settle(ctx context.Context, s store.Settlement) error {
	done, err := r.w.keeper.settle(ctx, s)
	if !errors.Is(err, store.ErrTicketTaken) {
		return r.settled(done, err)
	}
	var all error
	for i, v := range s.Verdicts {
		one := store.Settlement{Call: s.Call, Verdicts: []store.Verdict{v}, Ready: s.Ready, Class: s.Class, Code: s.Code, Note: s.Note}
		if v.To == store.Waiting {
			one.Tickets, one.Verdicts[0].Ticket = []store.NewTicket{s.Tickets[v.Ticket]}, 0
		}
		if i == len(s.Verdicts)-1 {
			one.Gates, one.Readings, one.Part = s.Gates, s.Readings, s.Part
		}
		done, err := r.w.keeper.settle(ctx, one)
		if errors.Is(err, store.ErrTicketTaken) {
			done, err = r.w.keeper.settle(ctx, r.taken(one))
		}
		all = errors.Join(all, r.settled(done, err))
	}
	return all
}

// taken is a settlement of one ask whose ticket another call has. Where such
// tickets are shared it has been used up meanwhile, and another look-up gets
// one.
func (r *record) taken(s store.Settlement) store.Settlement {
	v := store.Verdict{Ask: s.Verdicts[0].Ask, To: store.Queued}
	if !s.Tickets[0].Shared {
		r.l.log.Error().Int64("call", int64(s.Call)).Msg("the provider gave one ticket for two calls: the second is kept as unknown")
		v.To, v.Counted = store.Unknown, true
		s.Class, s.Code = providers.Ambiguous.String(), "ticket_taken"
	}
	s.Verdicts, s.Tickets = []store.Verdict{v}, nil
	return s
}

func (r *record) settled(done store.Settled, err error) error {
	if err != nil {
		return fmt.Errorf("settle call %d: %w", r.claim.Call, err)
	}
	r.w.report(r.l, done)
	return nil
}

// merge adds the outcome of one look-up to what is to be settled together.
func merge(into *store.Settlement, s store.Settlement) {
	for _, v := range s.Verdicts {
		if v.To == store.Waiting {
			v.Ticket = ticketOf(into, s.Tickets[v.Ticket])
		}
		into.Verdicts = append(into.Verdicts, v)
	}
	into.Ready = later(into.Ready, s.Ready)
	into.Readings = append(into.Readings, s.Readings...)
	into.Gates.Close = append(into.Gates.Close, s.Gates.Close...)
	for _, scope := range s.Gates.Open {
		if !slices.Contains(into.Gates.Open, scope) {
			into.Gates.Open = append(into.Gates.Open, scope)
		}
	}
	if into.Class == "" || s.Note != nil {
		into.Class, into.Code = s.Class, s.Code
	}
	if s.Note != nil {
		into.Note = s.Note
	}
}

// ticketOf returns the place of a ticket, which one look-up more waits on.
func ticketOf(into *store.Settlement, t store.NewTicket) int {
	for i, has := range into.Tickets {
		if has.Handle.ID == t.Handle.ID {
			return i
		}
	}
	into.Tickets = append(into.Tickets, t)
	return len(into.Tickets) - 1
}
