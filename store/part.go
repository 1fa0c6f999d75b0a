package store

import "math"

// Part bounds how many asks of a chunk one call takes, from the first queued
// one on. 0 is no bound and n at most n. -n says that one of the next n asks
// is to blame for a call that was refused as a whole: it is looked for, half
// of the suspects at a time. Values are stored.
type Part int

// NoBound in a settlement lifts the bound.
const NoBound Part = math.MaxInt32

// Suspects is the bound under which the one to blame among the next n asks is
// looked for.
func Suspects(n int) Part { return Part(-n) }

// Suspects returns among how many asks there is one to blame; 0: nobody is
// looked for.
func (p Part) Suspects() int { return max(0, int(-p)) }

// Limit returns how many asks a call takes at most; 0: no bound.
func (p Part) Limit() int {
	if p < 0 {
		return (p.Suspects() + 1) / 2
	}
	return int(p)
}

// Bind changes the chunk's bound as a settlement says: 0 leaves it.
func (c *Chunk) Bind(p Part) {
	switch p {
	case 0:
	case NoBound:
		c.Part = 0
	default:
		c.Part = p
	}
}
