package store

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// Plan decides which ask each row of a piece of a list gets. It is told what
// is known of the questions, first which ask each of them has, then where
// those stand, and says what is to be written. It is not safe for concurrent
// use.
type Plan struct {
	Taken Taken
	Tally Tally
	// Shared is what is to be added to that of the batch.
	Shared Shared
	// Wants are the rows on each ask, beside the first rows of new ones.
	Wants map[AskID]int
	// New are the asks to be written, in the order of the rows.
	New []NewAsk
	// Asks is how many asks the home has with them.
	Asks int

	home      BatchNo
	reuse     Reuse
	now       time.Time
	rows      []SealedRow
	questions []plannedQuestion
	again     *Again // nil: the rows are new
	gone      func(BatchNo) bool
}

// NewAsk is an ask to be written.
type NewAsk struct {
	ID   AskID
	Prev AskID // that had the key before; 0: none
	Past
	Key AskKey
	Row int // place in the piece of the first row that wants it
}

// plannedQuestion groups the rows of a piece that ask the same.
type plannedQuestion struct {
	key   AskKey
	rows  []int // places in the piece, ascending
	known AskID // the newest ask of the key, 0: none
	past  Past  // of a new ask
	fate  fate
	ask   AskID
}

// fate is what becomes of the rows of one question.
type fate uint8

const (
	fateNew     fate = iota // a new ask
	fateJoin                // an ask that is open, or of this very list
	fateCached              // a known answer
	fateUnknown             // an ask whose outcome is unknown
)

// LikelyNew reports whether a piece of n rows of a list may be expected to ask
// nothing that is known, by what has come of the rows before it. Who believes
// so need look nothing up: a key that is there after all refuses to be entered
// a second time. The first piece of a list is never believed.
func LikelyNew(rows int, shared Shared, n int) bool {
	return rows > 0 && 4*n*shared.Rows() < rows
}

// NewPlan begins a plan for a piece of a list that has so many asks so far.
// gone tells of lists whose answers nobody can read any more.
func NewPlan(home BatchNo, asks int, reuse Reuse, rows []SealedRow, now time.Time, gone func(BatchNo) bool) *Plan {
	p := &Plan{
		Tally: Tally{}, Wants: map[AskID]int{}, Asks: asks,
		home: home, reuse: reuse, now: now, rows: rows, gone: gone,
	}
	p.Taken.Rows = len(rows)
	p.group()
	p.Tally.Add(home, Invalid, p.Taken.Invalid)
	return p
}

// group collects the questions of the piece, sorted by key.
func (p *Plan) group() {
	type keyed struct {
		AskKey
		row int
	}
	asked := make([]keyed, 0, len(p.rows))
	for i := range p.rows {
		if p.rows[i].Invalid {
			p.Taken.Invalid++
			continue
		}
		asked = append(asked, keyed{p.rows[i].Key, i})
	}
	slices.SortFunc(asked, func(a, b keyed) int {
		return cmp.Or(bytes.Compare(a.AskKey[:], b.AskKey[:]), a.row-b.row)
	})
	order := make([]int, len(asked))
	for i, a := range asked {
		order[i] = a.row
	}
	p.questions = make([]plannedQuestion, 0, len(order))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && asked[to].AskKey == asked[from].AskKey {
			to++
		}
		p.questions = append(p.questions, plannedQuestion{key: asked[from].AskKey, rows: order[from:to:to]})
		from = to
	}
}

// Questions returns how many questions there are. They are sorted by key, so
// that an index is visited in order.
func (p *Plan) Questions() int { return len(p.questions) }

// Key returns the key of question i.
func (p *Plan) Key(i int) AskKey { return p.questions[i].key }

// Know says which ask question i has already.
func (p *Plan) Know(i int, a AskID) { p.questions[i].known = a }

// Known lists the asks that are known, ascending.
func (p *Plan) Known() []AskID {
	var known []AskID
	for i := range p.questions {
		if a := p.questions[i].known; a != 0 {
			known = append(known, a)
		}
	}
	slices.Sort(known)
	return known
}

// Standing says where known asks stand. It is asked in ascending order.
type Standing interface {
	State(a AskID) (State, error)
	// Answered returns when an ask that is found or not_found was answered.
	Answered(a AskID) (time.Time, error)
	// Over reports of an ask that is found or not_found whether the time is
	// over of all lists that rely on it, so that Expire would delete it now.
	Over(a AskID) (bool, error)
	// Past says of an ask that is not open what is known of those before it.
	Past(a AskID) (Past, error)
}

// Past is what an ask knows of those of the same question before it.
type Past struct {
	// FoundBefore: one of them was found.
	FoundBefore bool
	// Resends is how many of the last ones, in a row, ended as unknown.
	Resends int
	// Prior is the ticket of the last one that failed and was asked again by
	// Retry; 0: there was none.
	Prior TicketID
}

// Decide gives every row its ask.
func (p *Plan) Decide(known Standing) error {
	if err := p.judgeKnown(known); err != nil {
		return err
	}
	// New asks are numbered in the order of the rows, not of the keys, so
	// that a list is sent in the order in which it came.
	fresh, byRow := 0, make([]*plannedQuestion, len(p.rows))
	for i := range p.questions {
		if q := &p.questions[i]; q.fate == fateNew {
			byRow[q.rows[0]] = q
			fresh++
		}
	}
	p.New = make([]NewAsk, 0, fresh)
	for _, q := range byRow {
		if q == nil {
			continue
		}
		q.ask = NewAskID(p.home, p.Asks)
		p.Asks++
		p.New = append(p.New, NewAsk{ID: q.ask, Prev: q.known, Past: q.past, Key: q.key, Row: q.rows[0]})
		n := p.count(q)
		p.Taken.Asks++
		p.Taken.Shared += n - 1
		p.Shared.Duplicates += n - 1
		p.Tally.Add(p.home, Queued, n)
		if n > 1 {
			p.Wants[q.ask] = n - 1
		}
	}
	for i := range p.questions {
		for _, row := range p.questions[i].rows {
			p.rows[row].Ask = p.questions[i].ask
			p.rows[row].Cached = p.questions[i].fate == fateCached
		}
	}
	return nil
}

// judgeKnown settles the fate of questions that were asked before.
func (p *Plan) judgeKnown(standing Standing) error {
	var known []*plannedQuestion
	for i := range p.questions {
		if p.questions[i].known != 0 {
			known = append(known, &p.questions[i])
		}
	}
	slices.SortFunc(known, func(a, b *plannedQuestion) int { return cmp.Compare(a.known, b.known) })
	for _, q := range known {
		s, err := standing.State(q.known)
		if err != nil {
			return err
		}
		if q.fate, err = p.judge(q.known, s, standing); err != nil {
			return err
		}
		n := p.count(q)
		switch q.fate {
		case fateNew:
			if q.past, err = p.past(q.known, s, standing); err != nil {
				return err
			}
			continue
		case fateCached:
			p.Taken.Cached += n
			p.Shared.Known += n
		case fateUnknown:
			p.Taken.Unknown += n
			p.want(q.known, n)
		case fateJoin:
			p.Taken.Shared += n
			p.want(q.known, n)
			if q.known.Home() != p.home {
				p.Taken.Joined += n
			}
		}
		q.ask = q.known
		p.Tally.Add(p.home, s, n)
	}
	return nil
}

// want notes that n rows of the list wait on an ask that is there.
func (p *Plan) want(a AskID, n int) {
	p.Wants[a] += n
	if a.Home() == p.home {
		p.Shared.Duplicates += n
	} else {
		p.Shared.Joined += n
	}
}

// past is what a new ask knows of the known one and of those before that.
func (p *Plan) past(known AskID, s State, standing Standing) (Past, error) {
	past, err := standing.Past(known)
	switch s {
	case Found:
		return Past{FoundBefore: true}, err
	case NotFound:
		return Past{FoundBefore: past.FoundBefore}, err
	case Unknown:
		past.Resends++
	}
	if p.again == nil {
		past.Prior = 0
	}
	return past, err
}

func (p *Plan) judge(a AskID, s State, standing Standing) (fate, error) {
	switch {
	case s.Open() || a.Home() == p.home && p.again == nil:
		return fateJoin, nil
	case s == Unknown:
		return p.judgeUnknown(a, standing)
	case s != Found && s != NotFound:
		return fateNew, nil
	}
	if p.gone(a.Home()) {
		return fateNew, nil
	}
	at, err := standing.Answered(a)
	if err != nil || !p.fresh(s, at) {
		return fateNew, err
	}
	if over, err := standing.Over(a); err != nil || over {
		return fateNew, err
	}
	return fateCached, nil
}

// judgeUnknown says what becomes of rows whose question was asked, nobody
// knowing with what outcome. The rule that asks again does so once: of a
// provider that never answers it would pay each time.
func (p *Plan) judgeUnknown(a AskID, standing Standing) (fate, error) {
	if p.again.resends(a) {
		return fateNew, nil
	}
	if !p.reuse.ResendUnknown {
		return fateUnknown, nil
	}
	past, err := standing.Past(a)
	if err != nil || past.Resends > 0 {
		return fateUnknown, err
	}
	return fateNew, nil
}

// fresh reports whether an answer of that time is good enough. For rows that
// are asked again it is, whatever its age, if it came after the list did.
func (p *Plan) fresh(s State, at time.Time) bool {
	if p.again != nil && !at.Before(p.again.Since) {
		return true
	}
	maxAge := p.reuse.FreshFor
	if s == NotFound {
		maxAge = p.reuse.FreshNotFoundFor
	}
	return maxAge > 0 && !p.reuse.Fresh && p.now.Sub(at) <= maxAge
}

// SealQuestions begins to seal the questions of the new asks. What it returns
// waits for them and gives them in the order of New.
func (p *Plan) SealQuestions(s *Sealer) (wait func() [][]byte) {
	done := make(chan [][]byte, 1)
	go func() {
		sealed := make([][]byte, len(p.New))
		for i, a := range p.New {
			sealed[i] = s.SealQuestion(a.ID, p.rows[a.Row].Question)
		}
		done <- sealed
	}()
	return func() [][]byte { return <-done }
}

// NewKeys calls f for every new ask in the order of the keys.
func (p *Plan) NewKeys(f func(key AskKey, a, prev AskID) error) error {
	for i := range p.questions {
		q := &p.questions[i]
		if q.fate != fateNew {
			continue
		}
		if err := f(q.key, q.ask, q.known); err != nil {
			return err
		}
	}
	return nil
}

// WantedAsks lists the asks of Wants, ascending.
func (p *Plan) WantedAsks() []AskID {
	asks := make([]AskID, 0, len(p.Wants))
	for a := range p.Wants {
		asks = append(asks, a)
	}
	slices.Sort(asks)
	return asks
}

// ForeignHomes lists the other batches whose asks the rows want, ascending.
func (p *Plan) ForeignHomes() []BatchNo {
	var homes []BatchNo
	for _, a := range p.WantedAsks() {
		if a.Home() != p.home {
			homes = append(homes, a.Home())
		}
	}
	return slices.Compact(homes)
}
