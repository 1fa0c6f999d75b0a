package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Erasing takes what is held on somebody out of the store for good, and keeps
// it from coming back. Rows, asks, calls and what they cost stay, so that the
// books balance; what was in them is gone. What it does can be cut off at any
// moment and begun again.
type Erasing interface {
	// BeginErasure writes an erasure down and suppresses its keys from its time
	// on. The record of one that is there already, as it was cut off, stays as it
	// is.
	BeginErasure(ctx context.Context, e Erasure) error
	// Suppress keeps rows about the keys from being taken in: they are invalid
	// from then on, and nothing of them is kept. Who has begun to take rows in
	// is through with them when it returns. at is when that was said, which may
	// be long ago: keys that were allowed later stay so.
	Suppress(ctx context.Context, keys []PersonKey, at time.Time) error
	// Allow ends that for those of the keys that were suppressed before at, and
	// returns how many they are. Of others nothing is kept.
	Allow(ctx context.Context, keys []PersonKey, at time.Time) (int, error)
	// Suppressions returns all keys that are suppressed, in their order, and
	// behind them those that were and are allowed.
	Suppressions(ctx context.Context) ([]Suppression, error)
	// Sweep goes through some sealed values from a place on and takes out those
	// that are about the keys, with all that hangs on the same question. The zero
	// place is the beginning.
	Sweep(ctx context.Context, r SweepRequest) (Swept, error)
	// EndErasure writes down that an erasure has come to its end, with Passes and
	// Unread, and returns the record. What was erased, each step has written down.
	EndErasure(ctx context.Context, e Erasure) (Erasure, error)
	// Erasures returns what was erased, oldest first.
	Erasures(ctx context.Context) ([]Erasure, error)
	// Scrub takes what was erased out of the files of the store as well, as far
	// as they are the store's own.
	Scrub(ctx context.Context) error
}

// Erasure is the record of one, which holds nothing of what was erased. It is
// sealed, as a reason that people write may name somebody.
type Erasure struct {
	ID     string    `json:"id"` // "e_…"
	At     time.Time `json:"at"`
	Ended  time.Time `json:"ended_at,omitzero"` // zero: it was cut off, and is to be begun again
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	// Kinds are what was searched by.
	Kinds []PersonKind `json:"searched_by"`
	// Passes is how often everything was gone through; the last one found
	// nothing.
	Passes int         `json:"passes"`
	Erased EraseCounts `json:"erased"`
	// Unread are values that could not be opened, so that nobody was found in
	// them.
	Unread int `json:"unread"`
	// Keys are those it was begun with, and those of the vehicles that were
	// found with them.
	Keys []PersonKey `json:"-"`
	// Again: it is carried out once more, by a start. A vehicle that is found and
	// was allowed since stays so.
	Again bool `json:"-"`
}

// EraseCounts are how many records were erased, by what was in them.
type EraseCounts struct {
	Rows      int `json:"rows"`
	Questions int `json:"questions"`
	Answers   int `json:"answers"`
	Lists     int `json:"list_names"`
	Tickets   int `json:"tickets"`
	Notes     int `json:"call_notes"`
	Hints     int `json:"webhook_hints"`
	Reasons   int `json:"decision_reasons"`
	// Stopped are questions that were queued and are not asked any more, Ended
	// those that waited for an answer and do not any more; both are among
	// Questions.
	Stopped int `json:"stopped"`
	Ended   int `json:"ended"`
}

// Total is how many records these are.
func (c EraseCounts) Total() int {
	return c.Rows + c.Questions + c.Answers + c.Lists + c.Tickets + c.Notes + c.Hints + c.Reasons
}

// Add adds others.
func (c *EraseCounts) Add(o EraseCounts) {
	c.Rows += o.Rows
	c.Questions += o.Questions
	c.Answers += o.Answers
	c.Lists += o.Lists
	c.Tickets += o.Tickets
	c.Notes += o.Notes
	c.Hints += o.Hints
	c.Reasons += o.Reasons
	c.Stopped += o.Stopped
	c.Ended += o.Ended
}

// The codes of rows with ClassSuppressed: what was in the row was erased, or it
// was never taken in.
const (
	CodeErased     = "erased"
	CodeSuppressed = "suppressed"
)

// erasedFailure is what a row says of which nothing is left.
func erasedFailure() *Failure {
	return &Failure{Class: ClassSuppressed, Code: CodeErased, Message: "what was held was erased on request"}
}

func suppressedFailure() *Failure {
	return &Failure{Class: ClassSuppressed, Code: CodeSuppressed, Message: "it was erased on request and is not to be collected again"}
}

// SealErasure seals the record of an erasure.
func (s *Sealer) SealErasure(no int64, e Erasure) ([]byte, error) {
	e.Keys = nil
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode erasure: %w", err)
	}
	return s.Seal(columnErasure, no, text), nil
}

// OpenErasure is the inverse of SealErasure.
func (s *Sealer) OpenErasure(no int64, sealed []byte) (e Erasure, err error) {
	text, err := s.Open(columnErasure, no, sealed)
	if err == nil {
		err = decode("erasure", text, &e)
	}
	return e, err
}

// ErrStillHeld says that an erasure finds more each time it looks.
var ErrStillHeld = errors.New("there is more each time it is looked for: wait until what is in flight has ended, and begin again")

// erasePasses is after how many passes that is taken for granted.
const erasePasses = 8

// EraseAll carries an erasure out: it goes through everything until a whole
// pass finds nothing more. found hears of the keys of vehicles that are erased
// with the person, before anything of theirs is, and as of when they are
// suppressed; told how many values were seen.
func EraseAll(ctx context.Context, s Erasing, e Erasure, found func([]PersonKey, time.Time) error, told func(seen int)) (Erasure, error) {
	if err := s.BeginErasure(ctx, e); err != nil {
		return e, err
	}
	seen := 0
	for clean := false; !clean; {
		if e.Passes == erasePasses {
			return e, ErrStillHeld
		}
		before := len(e.Keys)
		e.Unread = 0
		swept, err := pass(ctx, s, SweepRequest{Keys: e.Keys, Erasure: e.ID}, func(step Swept) error {
			seen, e.Unread = seen+step.Seen, e.Unread+step.Damaged
			told(seen)
			fresh, at, err := e.with(ctx, s, step.Found)
			if err != nil || len(fresh) == 0 {
				return err
			}
			e.Keys = append(e.Keys, fresh...)
			if err := found(fresh, at); err != nil {
				return err
			}
			return s.Suppress(ctx, fresh, at)
		})
		if err != nil {
			return e, err
		}
		e.Passes++
		clean = e.Passes > 1 && swept == EraseCounts{} && len(e.Keys) == before
	}
	if err := s.Scrub(ctx); err != nil {
		return e, err
	}
	ended, err := s.EndErasure(ctx, e)
	ended.Keys = e.Keys
	return ended, err
}

// with returns those of the keys found with somebody that are erased with them
// and were not before, and as of when: later than they were allowed, though by a
// clock that is ahead.
func (e Erasure) with(ctx context.Context, s Erasing, found []PersonKey) ([]PersonKey, time.Time, error) {
	fresh := news(e.Keys, found)
	if len(fresh) == 0 {
		return nil, e.At, nil
	}
	said, err := s.Suppressions(ctx)
	if err != nil {
		return nil, e.At, err
	}
	said = slices.DeleteFunc(said, func(s Suppression) bool { return !s.Allowed })
	if !e.Again {
		return fresh, After(e.At, fresh, said), nil
	}
	return slices.DeleteFunc(fresh, func(k PersonKey) bool { return AllowedSince(e.At, k, said) }), e.At, nil
}

// Search goes through everything and changes nothing. It returns what EraseAll
// would erase, and the numbers of all rows and questions.
func Search(ctx context.Context, s Erasing, keys []PersonKey, told func(seen int)) (Traces, error) {
	seen := 0
	for {
		f := Traces{Keys: keys, Asks: map[AskID]bool{}}
		var err error
		f.Counts, err = pass(ctx, s, SweepRequest{Keys: keys, Dry: true, Asks: f.Asks}, func(step Swept) error {
			seen += step.Seen
			told(seen)
			f.Damaged += step.Damaged
			for _, a := range step.Asks {
				f.Asks[a] = true
			}
			f.Rows = append(f.Rows, step.Rows...)
			f.Keys = append(f.Keys, news(f.Keys, step.Found)...)
			return nil
		})
		f.Counts.Questions, f.Counts.Rows = len(f.Asks), len(f.Rows)
		if err != nil || len(f.Keys) == len(keys) {
			return f, err
		}
		keys = f.Keys
	}
}

// Traces are what Search has found.
type Traces struct {
	Keys    []PersonKey // those that were given, and of vehicles found with them
	Asks    map[AskID]bool
	Rows    []RowID // ascending
	Counts  EraseCounts
	Damaged int // values that cannot be opened, and were not searched
}

// pass goes through everything once.
func pass(ctx context.Context, s Erasing, r SweepRequest, each func(Swept) error) (total EraseCounts, err error) {
	for done := false; !done; {
		step, err := s.Sweep(ctx, r)
		if err == nil {
			err = each(step)
		}
		if err != nil {
			return total, err
		}
		total.Add(step.Erased)
		r.From, done = step.Next, step.Done
	}
	return total, nil
}

// news are those of the keys that are not known.
func news(known, keys []PersonKey) []PersonKey {
	var fresh []PersonKey
	has := make(map[PersonKey]bool, len(known))
	for _, k := range known {
		has[k] = true
	}
	for _, k := range keys {
		if !has[k] {
			has[k] = true
			fresh = append(fresh, k)
		}
	}
	return fresh
}
