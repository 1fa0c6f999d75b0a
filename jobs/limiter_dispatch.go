package jobs

import (
	"time"
)

const (
	// lotSize is the most requests that are reserved at once.
	lotSize = 10
	// lead is how long before its last token is due a lot is followed by the
	// next.
	lead = 100 * time.Millisecond
	// late is how long after its time a token is good. Used later, it would
	// come on top of what others send.
	late = 250 * time.Millisecond
)

// advance does what can be done now and leaves the rest to the dispatcher.
// The caller holds the lock.
func (l *Limiter) advance() {
	if _, more := l.step(time.Now()); !more {
		return
	}
	if l.running {
		l.wake()
		return
	}
	l.running = true
	l.behind.Go(l.dispatch)
}

// wake makes the dispatcher look again.
func (l *Limiter) wake() {
	select {
	case l.kick <- struct{}{}:
	default: // it has been woken
	}
}

// dispatch does at its time what is to be done, until nothing is left to do.
func (l *Limiter) dispatch() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		l.mu.Lock()
		wait, more := l.step(time.Now())
		l.running = more
		l.mu.Unlock()
		if !more {
			return
		}
		timer.Reset(wait)
		select {
		case <-l.kick:
		case <-timer.C:
		}
	}
}

// step grants what is due, asks Redis for more if it is time, and returns how
// long nothing else is to be done; not more: until somebody comes.
func (l *Limiter) step(now time.Time) (wait time.Duration, more bool) {
	if l.closed {
		return 0, false
	}
	l.slots.rest(now, l.waiting() == 0)
	l.lookAway(now)
	l.dropLate(now)
	for l.grant(now) {
	}
	l.ask(now)
	at := l.next()
	return max(0, at.Sub(now)), !at.IsZero()
}

// free reports that nothing is counted but calls in flight.
func (l *Limiter) free() bool { return l.limits.Rate == Unlimited && !l.bounded() }

func (l *Limiter) waiting() int { return len(l.queues[Submits].waiting) + len(l.queues[Polls].waiting) }

func (l *Limiter) atHand() int { return len(l.queues[Submits].tokens) + len(l.queues[Polls].tokens) }

// dropLate lets go of tokens that nobody used in time.
func (l *Limiter) dropLate(now time.Time) {
	for k := range kinds {
		for t := l.queues[k].tokens; len(t) > 0 && now.Sub(t[0]) > late; t = t[1:] {
			l.letGo(k, 1)
		}
	}
}

// grant lets one request go, if a slot is free and its time has come.
func (l *Limiter) grant(now time.Time) bool {
	k, ok := l.due(now)
	if !ok || l.slots.busy >= l.slots.limit(l.link.away) {
		return false
	}
	q := &l.queues[k]
	p := &Permit{l: l, kind: k, granted: now}
	switch {
	case l.free():
	case len(q.tokens) > 0:
		p.due, q.tokens = q.tokens[0], q.tokens[1:]
	case l.spent():
		if !l.link.asked && now.Before(l.link.again) { // Redis was asked whether it is so, in vain
			l.refuseAll()
		}
		return false
	default:
		p.due = l.alone.take(now)
		l.day.spent++
	}
	l.slots.busy++
	l.turn = other(k)
	q.answer(p, nil)
	return true
}

// due returns the kind that may go first: the one with the earlier token, or
// whose turn it is.
func (l *Limiter) due(now time.Time) (Kind, bool) {
	unreserved := l.free() || l.onItsOwn() && l.alone.due(now)
	reserved := func(k Kind) bool {
		q := &l.queues[k]
		return len(q.waiting) > 0 && len(q.tokens) > 0 && !q.tokens[0].After(now)
	}
	ready := func(k Kind) bool { return reserved(k) || unreserved && len(l.queues[k].waiting) > 0 }
	k, o := l.turn, other(l.turn)
	if !ready(k) || reserved(k) && reserved(o) && l.queues[o].tokens[0].Before(l.queues[k].tokens[0]) {
		k = o
	}
	return k, ready(k)
}

// onItsOwn reports that Redis is away and nothing is left of what it promised.
func (l *Limiter) onItsOwn() bool { return l.link.away && l.atHand() == 0 }

// spent reports that a process that is on its own has used its part of the day.
func (l *Limiter) spent() bool { return l.bounded() && l.alone.left <= 0 }

func other(k Kind) Kind { return kinds - 1 - k }

// letters stand for the kinds in what Redis is asked.
const letters = "sp"

// wanted returns what the next lot is for, in the order in which the kinds take
// turns: never more than is waited for, and not before it is time for one of
// them.
func (l *Limiter) wanted(now time.Time) string {
	var short, has [kinds]int
	due := false
	for k := range l.queues {
		q := &l.queues[k]
		if now.Before(q.again) || l.free() {
			continue
		}
		short[k], has[k] = q.short(), len(q.tokens)
		last, some := q.last()
		due = due || short[k] > 0 && (!some || last.Sub(now) <= lead)
	}
	if !due {
		return ""
	}
	turn := make([]byte, 0, lotSize)
	for k := l.turn; len(turn) < lotSize && short != [kinds]int{}; k = other(k) {
		if o := other(k); short[k] == 0 || short[o] > 0 && has[o] < has[k] {
			continue // the other one's turn
		}
		short[k]--
		has[k]++
		turn = append(turn, letters[k])
	}
	return string(turn)
}

// next is when step has to be called again; zero: when somebody comes.
func (l *Limiter) next() time.Time {
	var at time.Time
	look := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	room := l.slots.busy < l.slots.limit(l.link.away)
	for k := range l.queues {
		q := &l.queues[k]
		if len(q.waiting) > 0 && len(q.tokens) > 0 {
			if room {
				look(q.tokens[0])
			}
			look(q.tokens[0].Add(late + 1))
		}
	}
	if room && l.waiting() > 0 && l.onItsOwn() && !l.free() && !l.spent() {
		look(l.alone.next)
	}
	switch {
	case l.link.asked && !l.link.away:
		look(l.link.since.Add(patience))
	case !l.link.asked:
		if t, ok := l.askAt(); ok {
			look(later(t, l.link.again))
		}
	}
	return at
}

// askAt is when Redis is to be asked next, if nothing changes.
func (l *Limiter) askAt() (at time.Time, ok bool) {
	for k := range l.queues {
		q := &l.queues[k]
		if q.short() == 0 || l.free() {
			continue
		}
		t := q.again
		if last, some := q.last(); some {
			t = later(t, last.Add(-lead))
		}
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	if t, some := l.slots.askAt(l.waiting(), l.free()); some && (!ok || t.Before(at)) {
		at, ok = t, true
	}
	return at, ok
}
