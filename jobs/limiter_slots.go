package jobs

import "time"

const (
	// linger is how long slots are kept that nobody waits for.
	linger = 500 * time.Millisecond
	// renewEvery is how often a lease is renewed where no lots do it.
	renewEvery = time.Second
	// slotAgain is how soon a slot is asked for again where there was none.
	slotAgain    = 50 * time.Millisecond
	slotAgainMax = 100 * time.Millisecond
	// leaseMargin is how long after a call's timeout its slot is held at most.
	leaseMargin = 10 * time.Second
	// reuse is the time for which slots are thought to be used again and
	// again within one lot.
	reuse = late
)

// slots is this process's part of the calls in flight.
type slots struct {
	max   int           // of the fleet
	busy  int           // calls in flight
	held  int           // as Redis knows
	wants int           // as Redis knows
	keep  int           // how many may be used
	share int           // how many may be used while Redis is away
	told  time.Time     // when Redis was told
	again time.Duration // how soon it is asked for more, where there was none
	none  bool          // there was none
	idle  time.Time     // since when nobody waits; zero: somebody does
	hurry bool          // others want what lies idle
	hold  time.Duration // how long a call takes, smoothed
}

// limit is how many calls may be in flight.
func (s *slots) limit(away bool) int {
	if away {
		return max(1, s.share)
	}
	return s.keep
}

// heard takes what Redis gave to one who said what it wants.
func (s *slots) heard(now time.Time, r reply, wants int, free bool) {
	s.held, s.keep, s.wants, s.told, s.hurry = r.slots, r.slots, wants, now, r.crowded
	if free {
		s.keep = r.keepTo
	}
	s.none = s.keep <= s.busy
	s.again = min(slotAgainMax, max(slotAgain, s.again*3/2))
	if !s.none {
		s.again = slotAgain
	}
}

// took notes how long a call has taken.
func (s *slots) took(took time.Duration) {
	if s.hold == 0 {
		s.hold = took
	}
	s.hold += (took - s.hold) / 8
}

// turns is how often a slot is used within a lot.
func (s *slots) turns() int {
	if s.hold <= 0 {
		return 1
	}
	return int(min(lotSize, max(1, reuse/s.hold)))
}

// rest notes since when nobody waits.
func (s *slots) rest(now time.Time, nobody bool) {
	switch {
	case !nobody:
		s.idle = time.Time{}
	case s.idle.IsZero():
		s.idle = now
	}
}

// askAt is when Redis is to be asked for the sake of slots: to give back what
// lies idle, and, where no lots do it, for more and to renew the lease.
func (s *slots) askAt(waiting int, free bool) (time.Time, bool) {
	idle := waiting == 0 && max(s.held, s.wants) > s.busy || free && s.held > max(s.busy, s.keep)
	switch {
	case idle && s.hurry:
		return s.told.Add(slotAgain), true
	case idle:
		return later(s.idle, s.told).Add(linger), true
	case free && waiting > 0 && s.busy >= s.keep && s.keep < s.max:
		if !s.none && s.held >= s.wants { // it got all it wanted then: more have come since
			return s.told, true
		}
		return s.told.Add(s.again), true
	case free && s.held > 0:
		return s.told.Add(renewEvery), true
	default:
		return time.Time{}, false
	}
}
