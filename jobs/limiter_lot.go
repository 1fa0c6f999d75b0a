package jobs

import (
	"context"
	"slices"
	"strings"
	"time"
)

// fresh is how long Redis is expected to remember a scope.
const fresh = time.Minute

// memory is what this process knows of a scope, should Redis lose it.
type memory struct {
	at   time.Time // when Redis spoke of it last
	pace learnt    // where it is learnt
}

// learnt is what has been learnt of a scope.
type learnt struct {
	Rate  float64 `json:"rate,omitempty"`
	Limit float64 `json:"limit,omitempty"`
	Phase int     `json:"phase,omitempty"`
}

// day is the count of the requests of a day.
type day struct {
	till  int64 // when it ends, µs by Redis' clock
	last  int64 // the last end that it may have: that of the day which follows
	used  int   // by the fleet, as Redis knows
	spent int   // by this process beyond that; below 0: reserved and not used
}

// counted reports that requests are counted by the day, bounded that there is
// a bound to it.
func (l *Limiter) counted() bool { return l.limits.NextReset != nil }
func (l *Limiter) bounded() bool { return l.counted() && l.limits.Daily > 0 }

// ask reserves the next lot if it is time.
func (l *Limiter) ask(now time.Time) {
	if l.link.asked || now.Before(l.link.again) {
		return
	}
	if at, ok := l.askAt(); !ok || at.After(now) {
		return
	}
	q := l.question(now, l.wanted(now))
	l.link.asked, l.link.since = true, now
	l.behind.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		r, err := l.redis.ask(ctx, q)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.link.asked = false
		l.answered(time.Now(), q, r, err)
		l.advance()
	})
}

// question asks for a lot; without a turn, for slots alone.
func (l *Limiter) question(now time.Time, turn string) question {
	busy := min(l.slots.busy+l.atHand(), max(l.slots.busy, l.slots.held))
	q := question{
		Turn: turn, Debt: maxDebt.Microseconds(), Again: max(slotAgain, l.slots.again).Microseconds(),
		Drain:  l.link.away,
		Alive:  attendFor.Microseconds(),
		Scopes: []scopeQuestion{},
		Slots: slotQuestion{
			Worker: l.opts.Worker, Max: l.slots.max, Busy: busy, Wants: min(l.slots.max, busy+l.waiting()),
			Turn: l.slots.turns(), Lease: (l.limits.Timeout + leaseMargin).Microseconds(),
			Known: now.Sub(l.slots.told) < fresh && l.slots.held > 0, Live: l.link.live,
		},
	}
	if clock := l.link.now(now); clock > 0 {
		q.Deadline = clock + patience.Microseconds()
	}
	if turn == "" {
		return q
	}
	if l.counted() {
		l.day.roll(l.link.now(now), l.limits.NextReset)
		q.Day = &dayQuestion{Till: l.day.till, Last: l.day.last, Limit: l.limits.Daily, Used: l.day.used, Spent: l.day.spent}
		l.day.spent = 0
	}
	if l.limits.Rate == Unlimited {
		return q
	}
	q.add(account, l.scopeQuestion(account, now))
	for k := range kinds {
		if strings.IndexByte(turn, letters[k]) >= 0 {
			q.add(endpoint(k), l.scopeQuestion(endpoint(k), now))
		}
	}
	return q
}

func (q *question) add(place int, s scopeQuestion) {
	q.Scopes, q.places = append(q.Scopes, s), append(q.places, place)
}

// scopeQuestion says how a scope is paced. What was let go is told with it,
// once.
func (l *Limiter) scopeQuestion(i int, now time.Time) scopeQuestion {
	s := scopeQuestion{Learn: l.limits.Rate == 0, Unused: l.unused[i], learnt: l.known[i].pace}
	l.unused[i] = 0
	if i != account {
		s.Of = letters[i-submits : i-submits+1]
	}
	lost := now.Sub(l.known[i].at) < fresh // if it is gone, others may hold what it promised
	if s.Learn {
		if lost {
			s.Fresh = float64(horizon.Microseconds())
		}
		return s
	}
	s.learnt = learnt{}
	s.Rate, s.Burst = l.limits.own()
	s.Fresh = 1
	if lost {
		s.Fresh = -s.Rate * horizon.Seconds()
	}
	return s
}

// roll begins a new day when the old one is over. Where Redis' clock was set
// back the old one goes on, as what was counted may be of either; but it ends no
// later than the day that follows.
func (d *day) roll(clock int64, next func(time.Time) time.Time) {
	if clock <= 0 {
		return
	}
	end := next(time.UnixMicro(clock))
	d.last = next(end).UnixMicro()
	if clock >= d.till {
		d.till, d.used, d.spent = end.UnixMicro(), 0, 0
	}
	if d.till > d.last {
		d.till = end.UnixMicro()
	}
}

// answered takes what Redis answered to a question.
func (l *Limiter) answered(now time.Time, q question, r reply, err error) {
	if err != nil {
		l.link.again = now.Add(knock)
		l.leave(now)
		l.untold(q)
		return
	}
	l.link.heard, l.link.clock = now, r.now
	switch {
	case r.status == tooLate || r.status == newDay:
		l.untold(q)
		return
	case l.link.away && !q.Drain: // it was asked before we went our own way
		l.day.spent -= r.granted[Submits] + r.granted[Polls]
		return
	}
	l.link.live, l.link.present = max(1, r.live), r.present
	l.slots.heard(now, r, q.Slots.Wants, l.free())
	if q.Turn == "" && !l.free() {
		return
	}
	l.link.away = false
	if q.Day != nil {
		l.day.used, l.day.till = r.used, r.till
	}
	if r.status == usedUp {
		l.refuseAll()
		return
	}
	l.take(now, q, r)
}

// untold puts back what Redis did not take.
func (l *Limiter) untold(q question) {
	for i, s := range q.Scopes {
		l.unused[q.places[i]] += s.Unused
	}
	if q.Day != nil && q.Day.Till == l.day.till {
		l.day.spent += q.Day.Spent
	}
}

// take keeps the tokens of a lot for those who wait.
func (l *Limiter) take(now time.Time, q question, r reply) {
	var byPlace [scopes]scopeReply
	for i, s := range r.scopes {
		place := q.places[i]
		byPlace[place] = s
		l.known[place].at = now
		l.known[place].pace = learnt{Rate: s.rate, Limit: s.limit, Phase: s.phase}
		if i == 0 || s.rate < l.link.rate {
			l.link.rate = s.rate
		}
	}
	var got [kinds]int
	all := 0
	for _, c := range []byte(q.Turn) {
		k := Submits
		if c == letters[Polls] {
			k = Polls
		}
		if got[k] == r.granted[k] {
			continue
		}
		wait := max(byPlace[account].due(all), byPlace[endpoint(k)].due(got[k]))
		got[k]++
		all++
		l.queues[k].tokens = append(l.queues[k].tokens, now.Add(wait))
	}
	for k := range kinds {
		q := &l.queues[k]
		slices.SortFunc(q.tokens, time.Time.Compare)
		q.again = now.Add(r.held[k])
	}
}

// refuseAll tells everyone who waits that the day is used up.
func (l *Limiter) refuseAll() {
	err := &QuotaError{Scope: l.opts.Spec.Name, Until: time.UnixMicro(l.day.till)}
	for k := range l.queues {
		for len(l.queues[k].waiting) > 0 {
			l.queues[k].answer(nil, err)
		}
	}
}

// exceeded corrects the pace of a scope in which a request was one too many.
func (l *Limiter) exceeded(scope int, age, retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if retryAfter > 0 {
		for k := range kinds {
			if scope == account || scope == endpoint(k) {
				l.letGo(k, len(l.queues[k].tokens))
				l.queues[k].again = now.Add(retryAfter)
			}
		}
	}
	switch {
	case l.limits.Rate == Unlimited || l.closed:
		return
	case l.link.away:
		l.alone.slow(now, l.limits.Rate == 0, retryAfter)
		return
	}
	told := refusal{Scope: l.scopeQuestion(scope, now), Age: age.Microseconds(), Retry: retryAfter.Microseconds()}
	l.behind.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if l.redis.refuse(ctx, scope, told) == nil {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unused[scope] += told.Scope.Unused
		l.alone.slow(time.Now(), l.limits.Rate == 0, retryAfter)
	})
}

// letGo drops the first n tokens of a kind unused.
func (l *Limiter) letGo(k Kind, n int) {
	l.queues[k].tokens = l.queues[k].tokens[n:]
	l.unused[account] += n
	l.unused[endpoint(k)] += n
	l.day.spent -= n
}
