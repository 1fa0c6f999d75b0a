package store

import "time"

// Vitals is what a store says of itself, and of the server it is on, to whoever
// looks after it. To read them changes nothing.
type Vitals struct {
	Server string // "PostgreSQL 15.8"
	Schema Schema
	// Refusal is why Open would refuse the store as it stands; nil: it would not.
	Refusal error
	// Clock is that of the server; nil: it has none of its own.
	Clock *ClockReading
	Size  int64 // bytes
	// Lowered are settings by which what is committed could be lost, such as
	// "fsync=off".
	Lowered []string
	// Lacks are rights that the store's user has to have and has not.
	Lacks []string
	// Superuser: the user may do more than it needs.
	Superuser bool
	// Standby: the server takes no writes.
	Standby bool
	// Clear: what is sent passes a network that others may read.
	Clear bool
	// APIKeys is how many there are, those that ended among them; negative: the
	// schema is not one that can be asked.
	APIKeys int
	// Connections are how many the server still gives out; negative: it does
	// not say.
	Connections int
}

// ClockReading is how another clock stands beside ours.
type ClockReading struct {
	Ahead time.Duration // of ours; negative: behind
	Give  time.Duration // how far off Ahead may be: half of the round trip
}

// NewClockReading compares a clock that said there with ours, which was at
// asked before and at answered after.
func NewClockReading(asked, there, answered time.Time) *ClockReading {
	half := answered.Sub(asked) / 2
	return &ClockReading{Ahead: there.Sub(asked.Add(half)), Give: half}
}
