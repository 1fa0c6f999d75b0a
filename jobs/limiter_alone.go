package jobs

import "time"

const (
	// patience is how long Redis may take to answer before a process goes its
	// own way.
	patience = 400 * time.Millisecond
	// knock is how often it is asked while it is away.
	knock = 250 * time.Millisecond
	// aloneDebt is how long a process that goes its own way sends nothing:
	// what others were promised before is still on its way.
	aloneDebt = time.Second
	// attendEvery is how often a process says that it is there, attendFor how
	// long it is believed.
	attendEvery = 3 * time.Second
	attendFor   = 10 * time.Second
	// alonePart of its share is what it takes.
	alonePart = 0.95
)

// link is how things stand with Redis.
type link struct {
	asked bool      // a question is on its way
	since time.Time // when it went out
	again time.Time // before this none goes out
	away  bool

	heard time.Time // when the last answer came
	clock int64     // of Redis then, µs
	live  int       // workers that asked then
	// present is how many there were, those among them that had nothing to ask
	// for, when this one attended last; 0: it never did.
	present int
	rate    float64 // of the fleet then
}

// sharers is how many share the pace while nobody counts them.
func (k *link) sharers() int { return max(1, k.live, k.present) }

// now is the time by Redis' clock, µs; 0: not known.
func (k *link) now(now time.Time) int64 {
	if k.heard.IsZero() {
		return 0
	}
	return k.clock + now.Sub(k.heard).Microseconds()
}

// alone is the pace of this process while Redis is away.
type alone struct {
	rate float64
	next time.Time // of the next token
	left int       // requests of the day
}

// lookAway finds out that Redis takes too long.
func (l *Limiter) lookAway(now time.Time) {
	if l.link.asked && now.Sub(l.link.since) >= patience {
		l.leave(now)
	}
}

// leave goes on without Redis, from a second in debt on.
func (l *Limiter) leave(now time.Time) {
	if l.link.away {
		return
	}
	l.link.away = true
	sharers := l.link.sharers()
	l.slots.share = l.limits.Concurrency / sharers
	rate, _ := l.limits.own()
	if l.limits.Rate == 0 {
		rate = max(startRate, l.link.rate)
	}
	l.alone.rate = max(0, alonePart*rate/float64(sharers)) // 0: unlimited
	from := now
	for k := range l.queues {
		if last, ok := l.queues[k].last(); ok {
			from = later(from, last)
		}
	}
	l.alone.next = from.Add(aloneDebt)
	l.alone.left = (l.limits.Daily - l.day.used - l.day.spent) / sharers
}

// startRate is the rate that is known of a provider of which nothing is known.
const startRate = 1

// due reports that a token of our own may be used.
func (a *alone) due(now time.Time) bool { return !a.next.After(now) }

// take uses one, that was due at the time returned.
func (a *alone) take(now time.Time) time.Time {
	due := a.next
	if now.Sub(due) > late {
		due = now
	}
	a.left--
	if a.rate > 0 {
		a.next = due.Add(time.Duration(float64(time.Second) / a.rate))
	}
	return due
}

// slow corrects the pace after a refusal that Redis was not told of.
func (a *alone) slow(now time.Time, learned bool, retryAfter time.Duration) {
	a.next = later(a.next, now.Add(max(aloneDebt, retryAfter)))
	if learned {
		a.rate = max(a.rate*0.7, startRate*0.2)
	}
}
