package store

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// GivenUp is the verdict of a person on an ask of which nobody knows what
// became. An answer that comes later counts.
func GivenUp() Verdict {
	return Verdict{To: Failed, Answer: &Answer{Failure: &Failure{
		Class: ClassGivenUp, Code: "given_up",
		Message: "it was sent, no answer came, and it was given up; an answer that comes later still counts",
	}}}
}

// Named returns those of the unknown asks of a call that a ticket is named for.
// on are the asks that the row is or was on; row 0: no row was named.
func (n NewTicket) Named(unknown []AskID, row RowID, on []AskID) ([]AskID, error) {
	if row != 0 {
		unknown = slices.DeleteFunc(slices.Clone(unknown), func(a AskID) bool { return !slices.Contains(on, a) })
	}
	switch {
	case len(unknown) == 0:
		return nil, ErrNotOn
	case n.Single && len(unknown) > 1:
		return nil, ErrManyAsks
	}
	return unknown, nil
}

// Judged gives all asks one verdict.
func (v Verdict) Judged(asks []AskID) []Verdict {
	all := make([]Verdict, len(asks))
	for i, a := range asks {
		v.Ask = a
		all[i] = v
	}
	return all
}

// InState returns those of the offsets whose asks are in a state.
func (c *Chunk) InState(offsets Offsets, s State) Offsets {
	var in Offsets
	for _, i := range offsets {
		if c.State(i) == s {
			in = append(in, i)
		}
	}
	return in
}

// Count fills in what the asks that a call still holds say, and returns those
// that are unknown.
func (u *UnknownCall) Count(c *Chunk, open Offsets, in *Interest) []AskID {
	asks := c.Asks(c.InState(open, Unknown))
	batches := map[BatchNo]bool{}
	u.Asks = len(asks)
	for _, a := range asks {
		rows := 0
		for _, w := range in.Of(a) {
			if w.State != BatchAbandoned {
				rows += w.Rows
				batches[w.Batch] = true
			}
		}
		u.Rows += rows
		if rows == 0 {
			u.Resent++
		}
	}
	u.Batches = slices.Sorted(maps.Keys(batches))
	return asks
}

// Fits reports whether the filter wants the call.
func (u *UnknownCall) Fits(f UnknownFilter) bool {
	return u.Asks > 0 && (f.Resent || u.Rows > 0) &&
		(f.Tenant == "" || f.Tenant == u.Tenant) && (f.Batch == 0 || slices.Contains(u.Batches, f.Batch))
}

// SentSince reports whether the call may have been sent after a time; never
// after the zero one.
func (u *UnknownCall) SentSince(t time.Time) bool {
	return !t.IsZero() && u.Sent.After(t.Add(-Apart))
}

// Leavers are asks that all rows of a batch on them are to leave.
type Leavers struct {
	Batch   BatchNo
	Leaving []Leaving
}

// Leaving lists the batches that have rows on the asks and go on with them, the
// home first: the first one makes the new asks, and the others join those. A
// cancelled batch asks nothing any more, and one that is not accepted yet does
// not so far.
func (in *Interest) Leaving(asks []AskID, s State) []Leavers {
	byBatch := map[BatchNo][]Leaving{}
	for _, a := range asks {
		for _, w := range in.Of(a) {
			if w.State == BatchRunning || w.State == BatchPaused || w.State == BatchDone {
				byBatch[w.Batch] = append(byBatch[w.Batch], Leaving{Ask: a, State: s, Rows: w.Rows})
			}
		}
	}
	all := make([]Leavers, 0, len(byBatch))
	for b, l := range byBatch {
		all = append(all, Leavers{Batch: b, Leaving: l})
	}
	slices.SortFunc(all, func(a, b Leavers) int {
		if home := in.Home.Batch; (a.Batch == home) != (b.Batch == home) {
			if a.Batch == home {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Batch, b.Batch)
	})
	return all
}
