package jobs

import (
	"encoding/json"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// plan is when the parts of a ticket are to be read next. It is kept with the
// ticket, so that whoever takes the ticket next goes on with it. Times are in
// ms; those of reads begin with that of the ticket itself.
type plan struct {
	Read []int64 `json:"read"` // by part: last
	Due  []int64 `json:"due"`  // by part: next
	// InOrder: records become final in the order of the list, so far. Disorder:
	// they do not.
	InOrder  bool `json:"order,omitempty"`
	Disorder bool `json:"disorder,omitempty"`
	// Rate is how many become final in a second while they do so, 0 where that
	// is not known; Count how many had when the front was last met, at Met.
	Rate  float64 `json:"rate,omitempty"`
	Count int     `json:"n,omitempty"`
	Met   int64   `json:"met,omitempty"`
}

// readPlan reads what is kept with a ticket of so many parts. False: it is not
// of such a ticket.
func readPlan(kept []byte, parts int) (plan, bool) {
	var p plan
	err := json.Unmarshal(kept, &p)
	return p, err == nil && len(p.Read) == parts && len(p.Due) == parts
}

// write is the inverse of readPlan.
func (p plan) write() []byte {
	kept, err := json.Marshal(p)
	if err != nil {
		return nil // a rate without bounds: the ticket is planned anew
	}
	return kept
}

// agenda is what is to be read of a ticket while it is taken: a whole pass, or
// those of its parts that are due.
type agenda struct {
	p       *Policy
	plan    plan
	parts   []providers.Part // none: the ticket is read as a whole
	created time.Time
	heard   bool
	news    int // records that became final
}

// whole stands for the part where a ticket is read as a whole.
const whole = -1

// agenda returns that of a ticket that was taken. It is read as a whole if it
// has no parts, or nothing is open in any of them though asks wait.
func (p *Policy) agenda(t store.OpenTicket, parts []providers.Part) *agenda {
	a := &agenda{p: p, parts: parts, created: t.Created, heard: p.heard(t)}
	if a.front() == len(parts) {
		a.parts = nil
		return a
	}
	var ok bool
	if a.plan, ok = readPlan(t.Handle.Plan, len(parts)); !ok {
		a.begin()
	}
	if first, _ := a.first(); t.Hinted || t.Due.UnixMilli() < first {
		a.hurry(t.Hinted)
	}
	return a
}

// begin plans the first reads: that of the first part at once, as it shows in
// which order records become final.
func (a *agenda) begin() {
	a.plan = plan{Read: make([]int64, len(a.parts)), Due: make([]int64, len(a.parts)), Met: a.created.UnixMilli()}
	for i := range a.parts {
		a.plan.Read[i] = a.plan.Met
		a.plan.Due[i] = a.bound(i, a.guess(i, a.created))
	}
	a.plan.Due[0] = 0
}

// front is the first part in which something is open; that behind the last if
// there is none.
func (a *agenda) front() int {
	for i, part := range a.parts {
		if part.Open > 0 {
			return i
		}
	}
	return len(a.parts)
}

// next returns what is to be read next.
func (a *agenda) next() int {
	if len(a.parts) == 0 {
		return whole
	}
	_, part := a.first()
	return part
}

// judge turns what a poll of a part, or of a whole pass, brought into what the
// store is to write. after is how the parts stand now.
func (a *agenda) judge(t store.OpenTicket, sent time.Time, part int, after []providers.Part, got providers.Progress, err error) polled {
	if part == whole {
		j := a.p.judgePoll(t, sent, got, err, a.news)
		a.news += len(j.settlement.Verdicts)
		return j
	}
	return a.p.judgePart(t, sent, a, part, after, got, err)
}

// first returns when the next part is due, and which: of those due at the same
// time the one that is listed first.
func (a *agenda) first() (due int64, part int) {
	part = -1
	for i, at := range a.plan.Due {
		if a.parts[i].Open > 0 && (part < 0 || at < due) {
			due, part = at, i
		}
	}
	return due, part
}

// hurry makes all parts due: by a hint each no sooner than the shortest pause
// allows, by a person at once.
func (a *agenda) hurry(hinted bool) {
	for i := range a.plan.Due {
		soon := int64(0)
		if hinted {
			soon = a.plan.Read[i] + a.p.limits.PollMin.Milliseconds()
		}
		a.plan.Due[i] = min(a.plan.Due[i], soon)
	}
}

// bound keeps the time of the next read of a part within the shortest and the
// longest pause since its last.
func (a *agenda) bound(part int, at int64) int64 {
	read := a.plan.Read[part]
	return min(max(at, read+a.p.limits.PollMin.Milliseconds()), read+a.p.limits.PollMax.Milliseconds())
}

// Few records are worth few polls, and people wait for the last. So where no
// more than one in lastShare of a part is open, it is not left alone for longer
// than one in lastWait of the ticket's age.
const (
	lastShare = 10
	lastWait  = 4
)

// guess is when a part is worth a read that was read last at a time.
func (a *agenda) guess(part int, read time.Time) int64 {
	age, most := read.Sub(a.created), a.p.limits.PollMax
	if open := a.parts[part].Open; open*lastShare <= a.parts[part].Size {
		most = min(most, max(a.p.limits.PollMin, age/lastWait))
	}
	return read.Add(a.p.hazards.wait(part, age, a.parts[part].Open, a.p.limits.PollPrice, most)).UnixMilli()
}

// took takes note of how the parts stand after one of them was read. It
// returns false where the ticket is to be read as a whole now.
func (a *agenda) took(part int, after []providers.Part, now time.Time) bool {
	before, last := a.parts[part], time.UnixMilli(a.plan.Read[part])
	if a.parts = after; a.front() == len(after) {
		a.parts = nil
		return false
	}
	if len(after) != len(a.plan.Read) { // pages are of another size than was thought
		a.begin()
		before.Open = after[0].Size
	}
	news := before.Open - after[part].Open
	a.p.hazards.learn(part, last.Sub(a.created), now.Sub(a.created), before.Open, news)
	a.plan.Read[part] = now.UnixMilli()
	a.plan.Due[part] = a.bound(part, a.guess(part, now))
	was := a.plan.InOrder
	a.judgeOrder()
	switch {
	case a.plan.InOrder:
		if !was {
			a.calm()
		}
		a.advance(part, news, now.UnixMilli())
	case was:
		a.hurry(true) // the order has broken: a whole pass shows how things stand
	}
	if a.heard {
		a.plan.Due[part] = a.plan.Read[part] + a.p.limits.PollMax.Milliseconds()
	}
	return true
}

// calm leaves the parts behind the front alone for as long as may be.
func (a *agenda) calm() {
	for i := a.front() + 1; i < len(a.parts); i++ {
		a.plan.Due[i] = a.plan.Read[i] + a.p.limits.PollMax.Milliseconds()
	}
}
