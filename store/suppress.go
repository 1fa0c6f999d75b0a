package store

import (
	"context"
	"slices"
	"time"
)

// Suppression is what was said last of a key, and when. What is said later
// counts; of what is said at the same time, that the key is suppressed.
type Suppression struct {
	Key     PersonKey
	At      time.Time // zero: before that was kept
	Allowed bool      // it was suppressed until then
}

// After returns the time of what is said of keys now: later than all that was
// said of them, though it was said by a clock that is ahead.
func After(now time.Time, keys []PersonKey, said []Suppression) time.Time {
	now = Millis(now)
	for _, s := range said {
		if slices.Contains(keys, s.Key) && !s.At.Before(now) {
			now = s.At.Add(time.Millisecond)
		}
	}
	return now
}

// AllowedSince reports whether a key was allowed after a time.
func AllowedSince(at time.Time, key PersonKey, said []Suppression) bool {
	return slices.ContainsFunc(said, func(s Suppression) bool { return s.Key == key && s.Allowed && s.At.After(Millis(at)) })
}

// Suppressing finds which rows of a piece are about somebody who is suppressed.
type Suppressing struct {
	sealer *Sealer
	rows   []NewRow
	keys   [][]PersonKey // by row
	// Keys are all of them, each once.
	Keys []PersonKey
}

// NewSuppressing looks at the rows of a piece that are not invalid.
func (s *Sealer) NewSuppressing(rows []NewRow) *Suppressing {
	p := &Suppressing{sealer: s, rows: rows, keys: make([][]PersonKey, len(rows))}
	seen := map[PersonKey]bool{}
	for i, r := range rows {
		p.keys[i] = s.people(r.Subject)
		for _, k := range p.keys[i] {
			if !seen[k] {
				seen[k] = true
				p.Keys = append(p.Keys, k)
			}
		}
	}
	return p
}

// Rows returns the sealed rows of a piece, of those on the given keys nothing
// but that they are suppressed. first is the number of the first row.
func (p *Suppressing) Rows(no BatchNo, first int, sealed []SealedRow, suppressed map[PersonKey]bool) ([]SealedRow, error) {
	if len(suppressed) == 0 {
		return sealed, nil
	}
	out := make([]SealedRow, len(sealed))
	copy(out, sealed)
	for i := range out {
		if !p.Hit(i, suppressed) {
			continue
		}
		line, err := p.sealer.emptyLine(NewRowID(no, first+i), suppressedFailure())
		if err != nil {
			return nil, err
		}
		out[i] = SealedRow{Invalid: true, Line: line}
	}
	return out, nil
}

// Hit reports whether row i is about one of them.
func (p *Suppressing) Hit(i int, suppressed map[PersonKey]bool) bool {
	for _, k := range p.keys[i] {
		if suppressed[k] {
			return true
		}
	}
	return false
}

// Admitting returns the request for a list in which those rows are invalid that
// AddRows would not take in.
func (r EstimateRequest) Admitting(among func(context.Context, []NewRow) (*Suppressing, map[PersonKey]bool, error)) EstimateRequest {
	next := r.Next
	r.Next = func(ctx context.Context) ([]NewRow, error) {
		rows, err := next(ctx)
		if err != nil {
			return rows, err
		}
		people, hit, err := among(ctx, rows)
		if err != nil || len(hit) == 0 {
			return rows, err
		}
		admitted := make([]NewRow, len(rows))
		for i, row := range rows {
			if people.Hit(i, hit) {
				row.Problem = suppressedFailure()
			}
			admitted[i] = row
		}
		return admitted, nil
	}
	return r
}
