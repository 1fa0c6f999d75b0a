package store

// CallState is where a call stands. Values are stored: append only.
type CallState int

// The states of a call.
const (
	CallSending CallState = 1 // somebody must still say what became of it
	CallUnknown CallState = 2
	CallWaiting CallState = 3 // on tickets
	CallDone    CallState = 4
)

// Damaged is the verdict on an ask that cannot be read. It fails as poison: no
// call can be made of it.
func Damaged(a AskID) Verdict {
	return Verdict{Ask: a, To: Failed, Free: true, Unsent: true, Answer: &Answer{Failure: &Failure{
		Class: ClassPoison, Code: "damaged", Message: "what was to be asked cannot be read from the store any more",
	}}}
}

// CallState says where a call stands by the asks of the chunk that it still
// holds, and whether asks wait on its tickets.
func (c *Chunk) CallState(open Offsets, waiting bool) (state CallState, unknown int) {
	sending := false
	for _, i := range open {
		switch c.State(i) {
		case Sending:
			sending = true
		case Unknown:
			unknown++
		default: // failed, and kept for a late answer
		}
	}
	switch {
	case sending:
		return CallSending, unknown
	case unknown > 0:
		return CallUnknown, unknown
	case waiting:
		return CallWaiting, 0
	default:
		return CallDone, 0
	}
}

// Waiting counts the asks at the given offsets that wait on a ticket.
func (c *Chunk) Waiting(open Offsets) int {
	n := 0
	for _, i := range open {
		if c.State(i) == Waiting {
			n++
		}
	}
	return n
}

// NotSent reports that no request was made for any ask of a call that carried
// so many.
func (r *Ruling) NotSent(carried int) bool { return r.Unsent > 0 && r.Unsent == carried }

// Revives reports whether an ask of which nobody knew turns out to be waiting:
// batches that are done may run again.
func (r *Ruling) Revives() bool {
	for _, m := range r.Moves {
		if m.From == Unknown && m.To == Waiting {
			return true
		}
	}
	return false
}

// Follow moves tallies as the ruling says, and sheds what went back to the
// queue and only ended batches want. leave is called for those who must be
// written down as having left an ask.
func (r *Ruling) Follow(c *Chunk, in *Interest, leave func(AskID, BatchNo) error) (Tally, error) {
	moved := Tally{}
	for _, m := range r.Moves {
		moved.Follow(m, in)
	}
	for _, i := range r.Requeued {
		for _, b := range c.Shed(i, in, moved) {
			if err := leave(c.Ask(i), b); err != nil {
				return nil, err
			}
		}
	}
	return moved, nil
}
