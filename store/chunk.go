package store

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// markSize is the size of the mark of one ask: a byte with its State, and one
// with the attempts that counted in its low half and the deaths in its high
// one. Both halves stop at 15.
const (
	markSize  = 2
	markLimit = 15
)

// poisonDeaths is how often an ask may take its worker down before it is
// given up.
const poisonDeaths = 3

// Mark is where one ask of a chunk stands.
type Mark struct {
	State    State
	Attempts int // that counted
	Deaths   int // calls that ended before anything was sent, by a panic or with their process
}

// Move is one step of an ask, as tallies must follow it.
type Move struct {
	Ask      AskID
	From, To State
}

// Chunk is a run of asks of one home batch with their marks, and all rules of
// how marks change. Stores keep its bytes and know none of the rules. It is
// not safe for concurrent use.
type Chunk struct {
	ID ChunkID
	// Part bounds how many asks one call takes.
	Part Part
	// RetryAt is when asks that were attempted may be sent again. The others
	// need not wait for it, unless Part has the asks taken in their order.
	RetryAt time.Time
	marks   []byte
}

// NewChunk returns a chunk of n asks, all queued.
func NewChunk(id ChunkID, n int) *Chunk {
	c := &Chunk{ID: id, marks: make([]byte, markSize*n)}
	for i := 0; i < len(c.marks); i += markSize {
		c.marks[i] = byte(Queued)
	}
	return c
}

// LoadChunk reads a chunk from the bytes that Marks returned. It keeps marks.
func LoadChunk(id ChunkID, part Part, marks []byte) (*Chunk, error) {
	if len(marks) == 0 || len(marks)%markSize != 0 {
		return nil, errors.New("read chunk: the marks are damaged")
	}
	for i := 0; i < len(marks); i += markSize {
		if s := State(marks[i]); s < Queued || s > Invalid {
			return nil, fmt.Errorf("read chunk: the marks are damaged: %s", s)
		}
	}
	return &Chunk{ID: id, Part: part, marks: marks}, nil
}

// Marks returns the bytes to keep. They change with the chunk.
func (c *Chunk) Marks() []byte { return c.marks }

// Len returns how many asks there are.
func (c *Chunk) Len() int { return len(c.marks) / markSize }

// Ask returns the ask at offset i.
func (c *Chunk) Ask(i int) AskID { return c.ID + AskID(i) }

// Asks returns the asks at the given offsets.
func (c *Chunk) Asks(offsets Offsets) []AskID { return offsets.From(c.ID) }

// Last returns the last ask.
func (c *Chunk) Last() AskID { return c.Ask(c.Len() - 1) }

// Has reports whether the ask is one of the chunk's.
func (c *Chunk) Has(a AskID) bool { return a >= c.ID && a <= c.Last() }

// State returns the state of the ask at offset i.
func (c *Chunk) State(i int) State { return State(c.marks[i*markSize]) }

// Mark returns the mark of the ask at offset i.
func (c *Chunk) Mark(i int) Mark {
	n := c.marks[i*markSize+1]
	return Mark{State: c.State(i), Attempts: int(n & 0x0f), Deaths: int(n >> 4)}
}

func (c *Chunk) setMark(i int, m Mark) {
	c.marks[i*markSize] = byte(m.State)
	c.marks[i*markSize+1] = byte(min(m.Attempts, markLimit) | min(m.Deaths, markLimit)<<4) //nolint:gosec // two halves of a byte
}

// Count returns how many asks are queued, how many of these wait for no time,
// and how many are open in all.
func (c *Chunk) Count() (queued, fresh, open int) {
	for i := range c.Len() {
		if s := c.State(i); s.Open() {
			open++
			if s == Queued {
				queued++
			}
			if c.fresh(i) {
				fresh++
			}
		}
	}
	return queued, fresh, open
}

// fresh reports that the ask at offset i is queued and may be sent at any
// time.
func (c *Chunk) fresh(i int) bool {
	m := c.Mark(i)
	return m.State == Queued && m.Attempts == 0 && c.Part == 0
}

// Ready reports that the ask at offset i is queued and may be sent now.
func (c *Chunk) Ready(i int, now time.Time) bool {
	return c.State(i) == Queued && (!now.Before(c.RetryAt) || c.fresh(i))
}

// CountReady returns how many asks may be sent now.
func (c *Chunk) CountReady(now time.Time) int {
	n := 0
	for i := range c.Len() {
		if c.Ready(i, now) {
			n++
		}
	}
	return n
}

// OpenBeside reports whether an ask is open that is none of the given ones.
func (c *Chunk) OpenBeside(others []AskID) bool {
	for i := range c.Len() {
		if c.State(i).Open() && !slices.Contains(others, c.Ask(i)) {
			return true
		}
	}
	return false
}

// Take moves asks that are ready to Sending for one call: those that wanted
// accepts, at most limit of them and as many as Part allows, fresh ones before
// others, from the first on. A limit of 0 is none, a nil wanted accepts all.
// While a call of a chunk that has a bound is on its way there is no other: it
// would be made without knowing what the first one tells.
func (c *Chunk) Take(limit int, now time.Time, wanted func(AskID) bool) (Offsets, []Move) {
	if c.Part != 0 && c.sending() {
		return nil, nil
	}
	if limit <= 0 {
		limit = c.Len()
	}
	if bound := c.Part.Limit(); bound > 0 {
		limit = min(limit, bound)
	}
	var taken Offsets
	var moves []Move
	take := func(may func(i int) bool) {
		for i := 0; i < c.Len() && len(taken) < limit; i++ {
			if !may(i) || wanted != nil && !wanted(c.Ask(i)) {
				continue
			}
			c.marks[i*markSize] = byte(Sending)
			taken = append(taken, i)
			moves = append(moves, Move{Ask: c.Ask(i), From: Queued, To: Sending})
		}
	}
	take(c.fresh)
	take(func(i int) bool { return c.Ready(i, now) })
	slices.Sort(taken)
	return taken, moves
}

func (c *Chunk) sending() bool {
	for i := range c.Len() {
		if c.State(i) == Sending {
			return true
		}
	}
	return false
}

// Drop moves the ask at offset i from Queued to Dropped. It reports false and
// does nothing where the ask is not queued.
func (c *Chunk) Drop(i int) (Move, bool) {
	if c.State(i) != Queued {
		return Move{}, false
	}
	c.marks[i*markSize] = byte(Dropped)
	return Move{Ask: c.Ask(i), From: Queued, To: Dropped}, true
}

// Holding is what a call or a ticket still has a say over.
type Holding struct {
	// Open are its asks that are not settled, and those that failed so that a
	// late answer counts.
	Open Offsets
	// Carried is how many asks the call took when it was claimed.
	Carried int
	// Bill is that of the call; nil: it is a ticket's.
	Bill *Bill
	// AnswersOnly refuses everything but Found and NotFound: the fence was
	// lost, but what was paid for is kept.
	AnswersOnly bool
	// Erased are asks of the chunk that were erased: none of them waits.
	Erased map[AskID]bool
}

// Ruling is what verdicts did to a chunk.
type Ruling struct {
	Moves   []Move
	Answers []Answered
	// Waiting holds, for each ticket by its index, the asks that wait on it.
	Waiting map[int]Offsets
	// Requeued are the offsets that went back to Queued.
	Requeued Offsets
	// Disowned are those that the ticket gives back to its call as unknown.
	Disowned Offsets
	// Open replaces Holding.Open.
	Open          Offsets
	Refused, Late int
	// Unsent is for how many asks that moved no request was made.
	Unsent int
	// Charged and Free count asks of which it was decided.
	Charged, Free int
}

// Moved counts the asks that moved, by the state that they came to.
func (r Ruling) Moved() Counts {
	moved := Counts{}
	for _, m := range r.Moves {
		moved[m.To]++
	}
	return moved
}

// Answered is an answer to be kept. Found, NotFound and Failed asks have
// exactly one; a late one replaces the failure.
type Answered struct {
	Ask    AskID
	Answer Answer
	// By is the index of the verdict that brought it; -1: it was the rest, or
	// the ask is poison.
	By int
}

// Wait has asks that went back to the queue wait until then, if they were
// attempted.
func (c *Chunk) Wait(r Ruling, until time.Time) {
	if len(r.Requeued) > 0 && until.After(c.RetryAt) {
		c.RetryAt = Millis(until)
	}
}

// Settle applies verdicts to the asks that the holder has a say over; rest, if
// not nil, to all of those that verdicts does not name and that are still to
// be judged. A verdict on an ask
// that is not held, or a move that the table of states does not have, is
// refused and changes nothing.
//
// An ask that died for the third time is not queued again but failed as
// poison, if it died alone or the call carried no other: then it is the cause. A call of
// several asks cannot tell which of them it was, so it halves the chunk's
// Part instead, until each suspect has a call of its own. Finding the poison
// lifts the bound.
//
// An error says that a verdict makes no sense; the chunk must then be thrown
// away.
func (c *Chunk) Settle(h Holding, verdicts []Verdict, rest *Verdict, now time.Time) (Ruling, error) {
	r := &ruler{c: c, carried: h.Carried, answersOnly: h.AnswersOnly, erased: h.Erased, now: now, held: make([]bool, c.Len())}
	for _, i := range h.Open {
		if i >= c.Len() {
			return Ruling{}, errOffsets
		}
		r.held[i] = true
	}
	r.countGivenUp(h)
	named := make([]bool, c.Len())
	r.Answers = make([]Answered, 0, len(verdicts))
	for by, v := range verdicts {
		if !c.Has(v.Ask) {
			r.Refused++
			continue
		}
		i := int(v.Ask - c.ID)
		named[i] = true
		if err := r.rule(i, v, by); err != nil {
			return Ruling{}, err
		}
	}
	if rest != nil {
		for _, i := range h.Open {
			if s := c.State(i); named[i] || s != Sending && s != Unknown || !CanMove(s, rest.To) {
				continue
			}
			if err := r.rule(i, *rest, -1); err != nil {
				return Ruling{}, err
			}
		}
	}
	for i, held := range r.held {
		if held {
			r.Open = append(r.Open, i)
		}
	}
	return r.Ruling, nil
}

// ruler is one Settle under way.
type ruler struct {
	Ruling
	c           *Chunk
	carried     int
	answersOnly bool
	erased      map[AskID]bool
	now         time.Time
	held        []bool
	givenUp     int // failed asks of which nobody knows whether they are charged
}

func (r *ruler) rule(i int, v Verdict, by int) error {
	m := r.c.Mark(i)
	answers := v.To == Found || v.To == NotFound
	if !r.held[i] || !CanMove(m.State, v.To) || r.answersOnly && !answers {
		r.Refused++
		return nil
	}
	if v.Counted {
		m.Attempts++
	}
	if v.Died && v.To == Queued {
		m.Deaths++
		if v = r.judgeDeath(m, v); v.To == Failed {
			by = -1 // the answer is ours
		}
	}
	if v.To == Waiting && r.erased[r.c.Ask(i)] {
		v, by = v.ended(r.c.Ask(i)), -1 // the answer is ours
	}
	r.bill(m.State, v)
	if v.Unsent {
		r.Unsent++
	}
	switch v.To {
	case Found, NotFound, Failed:
		a, err := r.answer(v)
		if err != nil {
			return err
		}
		r.Answers = append(r.Answers, Answered{Ask: r.c.Ask(i), Answer: a, By: by})
		// An offset that stays with its holder is what lets a late answer in.
		r.held[i] = v.To == Failed && a.Failure.Class.LateAnswersCount()
		if answers && !m.State.Open() {
			r.Late++
		}
	case Waiting:
		if r.Waiting == nil {
			r.Waiting = map[int]Offsets{}
		}
		r.Waiting[v.Ticket] = r.Waiting[v.Ticket].with(i)
		r.held[i] = false
	case Queued:
		r.Requeued = append(r.Requeued, i)
		r.held[i] = false
	case Unknown:
		if m.State == Waiting {
			r.Disowned = append(r.Disowned, i)
			r.held[i] = false
		}
	default:
		return fmt.Errorf("settle ask: no call can make it %s", v.To)
	}
	r.Moves = append(r.Moves, Move{Ask: r.c.Ask(i), From: m.State, To: v.To})
	m.State = v.To
	r.c.setMark(i, m)
	return nil
}

// judgeDeath turns the third death of an ask that was alone in its call into
// the verdict of poison, and halves the chunk where it was not alone.
func (r *ruler) judgeDeath(m Mark, v Verdict) Verdict {
	if r.carried > 1 && !v.Alone {
		r.c.Part = Part(r.carried+1) / 2
		return v
	}
	if m.Deaths < poisonDeaths {
		return v
	}
	r.c.Part = 0
	v.To, v.Free = Failed, true
	v.Answer = &Answer{At: r.now, Failure: &Failure{
		Class:   ClassPoison,
		Message: "the program broke on this row three times before anything was sent",
	}}
	return v
}

// answer completes what a verdict says was answered.
func (r *ruler) answer(v Verdict) (Answer, error) {
	a := Answer{}
	if v.Answer != nil {
		a = *v.Answer
	}
	if v.To == Failed && a.Failure == nil {
		return Answer{}, errors.New("settle ask: a failed ask needs a failure")
	}
	if a.At.IsZero() {
		a.At = r.now
	}
	a.At = Millis(a.At)
	return a, nil
}
