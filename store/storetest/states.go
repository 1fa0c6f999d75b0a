package storetest

import (
	"fmt"
	"time"

	"github.com/plateq/plateq/store"
)

var stateRules = []rule{
	{"a call moves its asks as the table of states says, and no other way", statesOfCalls},
	{"a poll moves its asks as the table of states says, and no other way", statesOfPolls},
	{"calls and polls reach every move of the table but a claim, a drop and an erasure", statesAllReached},
	{"a verdict that no call can give changes nothing", statesNonsense},
}

// move is one step of an ask.
type move struct{ from, to store.State }

func (m move) String() string { return fmt.Sprintf("%s to %s", m.from, m.to) }

// outcomes are the states that a verdict can name.
func outcomes() []store.State {
	return []store.State{store.Found, store.NotFound, store.Failed, store.Waiting, store.Queued, store.Unknown}
}

// stage is an ask that was brought to a state and the call that it belongs to.
type stage struct {
	batch store.BatchNo
	call  store.Claim
	ask   store.AskID
	n     int
}

// verdict says To about the ask, with all that may go with it.
func (w *world) verdict(a store.AskID, to store.State) store.Verdict {
	switch to {
	case store.Found:
		return w.found(a)
	case store.NotFound:
		return w.notFound(a)
	case store.Failed:
		return w.failed(a, store.ClassProviderError)
	default:
		return store.Verdict{Ask: a, To: to}
	}
}

func (s *stage) ticket() []store.NewTicket {
	return []store.NewTicket{newTicket(fmt.Sprintf("T-%d-%d", s.batch, s.n), time.Time{})}
}

// bring submits one plate beside another one, so that the list goes on, and
// brings it to a state by its call. A failure is one that stays.
func (w *world) bring(to store.State, class store.ErrorClass) *stage {
	w.t.Helper()
	w.brought++
	b := w.list(fmt.Sprintf("P%d", w.brought), fmt.Sprintf("other%d", w.brought))
	c := w.takeMax(w.chunk(b).ID, 1)
	s := &stage{batch: b, call: c, ask: c.Asks[0].ID}
	if to == store.Sending {
		return s
	}
	v := w.verdict(s.ask, to)
	if to == store.Failed {
		v = w.failed(s.ask, class)
	}
	w.settleAll(store.Settlement{Call: c.Call, Verdicts: []store.Verdict{v}, Tickets: s.tickets(to)})
	if got := w.row(b, 1).State; got != to {
		w.t.Fatalf("a row sent is %s, want %s", got, to)
	}
	return s
}

func (s *stage) tickets(to store.State) []store.NewTicket {
	if to != store.Waiting {
		return nil
	}
	s.n++
	return s.ticket()
}

// try settles the ask by its call and reports whether it moved. A refusal
// must be counted and must leave the row as it was.
func (w *world) try(s *stage, m move) bool {
	w.t.Helper()
	before := w.row(s.batch, 1)
	got := w.settleAll(store.Settlement{
		Call: s.call.Call, Verdicts: []store.Verdict{w.verdict(s.ask, m.to)}, Tickets: s.tickets(m.to),
	})
	return w.moved(m, before, w.row(s.batch, 1), got)
}

func (w *world) moved(m move, before, after store.Row, got store.Settled) bool {
	w.t.Helper()
	if got.Applied == 1 && got.Refused == 0 {
		if after.State != m.to {
			w.t.Errorf("%s: applied, but the row is %s", m, after.State)
		}
		return true
	}
	equal(w, "refusal of "+m.String(), got, store.Settled{Refused: 1})
	equal(w, "row after the refusal of "+m.String(), after, before)
	return false
}

// movesOfCalls tries every verdict on an ask in every state that a call can
// leave it in, and returns the moves that happened. In a state of waiting the
// ticket has the word, and a call none.
func (w *world) movesOfCalls() map[move]bool {
	w.t.Helper()
	happened := map[move]bool{}
	for _, from := range append(outcomes(), store.Sending) {
		for _, to := range outcomes() {
			m := move{from, to}
			if w.try(w.bring(from, store.ClassProviderError), m) {
				happened[m] = true
			}
		}
	}
	for _, to := range outcomes() {
		m := move{store.Failed, to}
		if w.try(w.bring(store.Failed, store.ClassProviderTimeout), m) {
			happened[m] = true
		}
	}
	return happened
}

// movesOfPolls does so by polls, for asks that wait and for those that a poll
// has settled.
func (w *world) movesOfPolls() map[move]bool {
	w.t.Helper()
	happened := map[move]bool{}
	for _, from := range []store.State{store.Waiting, store.Found, store.NotFound, store.Failed} {
		for _, to := range []store.State{store.Found, store.NotFound, store.Failed, store.Unknown} {
			m := move{from, to}
			s := w.bring(store.Waiting, "")
			o := w.poll(s.ticket()[0].Handle.ID)
			if from != store.Waiting {
				w.hold(o, w.verdict(s.ask, from))
			}
			before := w.row(s.batch, 1)
			got := w.hold(o, w.verdict(s.ask, to))
			if w.moved(m, before, w.row(s.batch, 1), got) {
				happened[m] = true
			}
		}
	}
	return happened
}

func statesOfCalls(w *world) {
	got := w.movesOfCalls()
	for _, from := range append(outcomes(), store.Sending) {
		for _, to := range outcomes() {
			m := move{from, to}
			want := from != store.Waiting && store.CanMove(from, to)
			if got[m] != want {
				w.t.Errorf("%s happened: %t, want %t", m, got[m], want)
			}
		}
	}
}

func statesOfPolls(w *world) {
	want := map[move]bool{
		{store.Waiting, store.Found}: true, {store.Waiting, store.NotFound}: true, {store.Waiting, store.Failed}: true,
		{store.Waiting, store.Unknown}: true,
	}
	got := w.movesOfPolls()
	for m := range got {
		if !want[m] {
			w.t.Errorf("%s happened", m)
		}
	}
	for m := range want {
		if !got[m] {
			w.t.Errorf("%s did not happen", m)
		}
	}
}

func statesAllReached(w *world) {
	calls, polls := w.movesOfCalls(), w.movesOfPolls()
	for _, t := range store.Transitions() {
		m := move{t.From, t.To}
		if t.Event != store.EvClaim && t.Event != store.EvDrop && t.Event != store.EvErase && !calls[m] && !polls[m] {
			w.t.Errorf("%s (%s) was reached by nothing", m, t.Event)
		}
	}
}

func statesNonsense(w *world) {
	for _, to := range []store.State{0, store.Sending, store.Dropped, store.Invalid, store.Cancelled, 77} {
		s := w.bring(store.Sending, "")
		got, err := w.s.Settle(w.ctx, store.Settlement{Call: s.call.Call, Verdicts: []store.Verdict{{Ask: s.ask, To: to}}})
		if err == nil && got.Applied != 0 {
			w.t.Errorf("a verdict of %s was applied", to)
		}
		equal(w, "row after "+to.String(), w.row(s.batch, 1).State, store.Sending)
	}
	s := w.bring(store.Sending, "")
	_, err := w.s.Settle(w.ctx, store.Settlement{Call: s.call.Call, Verdicts: []store.Verdict{{Ask: s.ask, To: store.Waiting, Ticket: 3}}})
	if err == nil {
		w.t.Error("a verdict of waiting on a ticket that was not given was accepted")
	}
	_, err = w.s.Settle(w.ctx, store.Settlement{Call: s.call.Call, Verdicts: []store.Verdict{{Ask: s.ask, To: store.Failed}}})
	if err == nil {
		w.t.Error("a failure that says nothing was accepted")
	}
	equal(w, "row after verdicts that say too little", w.row(s.batch, 1).State, store.Sending)
}
