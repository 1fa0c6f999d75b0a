package store

import "slices"

// BatchAbandoned marks a batch that was abandoned and whose asks others want.
// Stores keep it and show it to nobody.
const BatchAbandoned BatchState = "abandoned"

// Want is the interest of one batch in one ask.
type Want struct {
	Batch   BatchNo
	Rows    int
	Left    bool // its rows are cancelled, or gone, and follow the ask no more
	State   BatchState
	KeepRaw bool
}

// ended reports whether the batch wants nothing new.
func (w Want) ended() bool { return w.State.Finished() || w.State == BatchAbandoned }

// Interest is who wants the asks of a run within one home.
type Interest struct {
	// Home is what every ask has by being at home there.
	Home Want
	// More are the wants that are written down; nearly always there are none.
	More map[AskID][]Want
}

// NewInterest returns the interest that a home has in its own asks.
func NewInterest(home BatchNo, state BatchState, keepRaw bool) *Interest {
	return &Interest{Home: Want{Batch: home, Rows: 1, State: state, KeepRaw: keepRaw}}
}

// Add notes a want that is written down.
func (in *Interest) Add(a AskID, w Want) {
	if in.More == nil {
		in.More = map[AskID][]Want{}
	}
	in.More[a] = append(in.More[a], w)
}

// Of lists the batches that want the ask: that have rows on it, and have not
// left it.
func (in *Interest) Of(a AskID) []Want {
	all := append(make([]Want, 0, 1+len(in.More[a])), in.Home)
	for _, w := range in.More[a] {
		if w.Batch == in.Home.Batch {
			all[0].Rows += w.Rows
			all[0].Left = all[0].Left || w.Left
			continue
		}
		all = append(all, w)
	}
	return slices.DeleteFunc(all, func(w Want) bool { return w.Left || w.Rows <= 0 })
}

// Running reports whether a batch that runs wants the ask.
func (in *Interest) Running(a AskID) bool {
	return slices.ContainsFunc(in.Of(a), func(w Want) bool { return w.State == BatchRunning })
}

// KeepsRaw reports whether a batch that wants one of the asks keeps raw
// answers.
func (in *Interest) KeepsRaw(asks []AskID) bool {
	if in.More == nil {
		return in.Home.KeepRaw && !in.Home.Left
	}
	return slices.ContainsFunc(asks, func(a AskID) bool {
		return slices.ContainsFunc(in.Of(a), func(w Want) bool { return w.KeepRaw })
	})
}

// Shed settles who goes on wanting the queued ask at offset i when batches
// that have ended hold it: with nobody else it is dropped, otherwise they
// leave it, and their rows stay cancelled. It returns those who must be
// written down as having left.
func (c *Chunk) Shed(i int, in *Interest, moved Tally) (left []BatchNo) {
	if c.State(i) != Queued {
		return nil
	}
	holders := in.Of(c.Ask(i))
	if !slices.ContainsFunc(holders, func(w Want) bool { return !w.ended() }) {
		if m, ok := c.Drop(i); ok {
			moved.Follow(m, in)
		}
		return nil
	}
	for _, w := range holders {
		if w.ended() {
			moved.Leave(w)
			left = append(left, w.Batch)
		}
	}
	return left
}

// Undropped lists the asks that somebody is to be asked about, or was: calls,
// tickets and answers are of these.
func (c *Chunk) Undropped() (asks []AskID) {
	for i := range c.Len() {
		if c.State(i) != Dropped {
			asks = append(asks, c.Ask(i))
		}
	}
	return asks
}

// Tally is how many rows of which batch come to a state, or leave it.
type Tally map[BatchNo]*[Cancelled + 1]int

// Add notes that n rows of a batch come to a state.
func (t Tally) Add(b BatchNo, s State, n int) {
	if n == 0 {
		return
	}
	if s == Dropped {
		s = Cancelled // of an ask that nobody wants a row shows this
	}
	if t[b] == nil {
		t[b] = new([Cancelled + 1]int)
	}
	t[b][s] += n
}

// Follow moves the rows that want the ask.
func (t Tally) Follow(m Move, in *Interest) {
	if in.More == nil && !in.Home.Left { // nearly always
		t.move(in.Home, m.From, m.To)
		return
	}
	for _, w := range in.Of(m.Ask) {
		t.move(w, m.From, m.To)
	}
}

// Leave cancels the rows of a batch that leaves a queued ask.
func (t Tally) Leave(w Want) { t.move(w, Queued, Cancelled) }

func (t Tally) move(w Want, from, to State) {
	t.Add(w.Batch, from, -w.Rows)
	t.Add(w.Batch, to, w.Rows)
}

// Batches lists the batches that the tally touches, ascending.
func (t Tally) Batches() []BatchNo {
	all := make([]BatchNo, 0, len(t))
	for b := range t {
		all = append(all, b)
	}
	slices.Sort(all)
	return all
}

// Each calls f for what is to be added to the counts, by batch and state.
func (t Tally) Each(f func(b BatchNo, s State, n int) error) error {
	for _, b := range t.Batches() {
		for s, n := range t[b] {
			if n == 0 {
				continue
			}
			if err := f(b, State(s), n); err != nil {
				return err
			}
		}
	}
	return nil
}
