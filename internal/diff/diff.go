// Package diff finds what changed between two lists of the same provider: the
// same vehicles asked about at two times.
//
// # What is the same
//
// Two rows are about the same thing if the provider was asked the same: the
// canonical subject and the parameters of the question. Where they stand in
// their lists, and what else stands beside them, makes no difference. Of rows
// that ask the same within one list the first counts.
package diff

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/plateq/plateq/store"
)

// Kind is what became of a row.
type Kind string

// The kinds of changes.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed" // it has an answer in both, and they differ
	Unclear Kind = "unclear" // it has an answer in one of them only
)

// Kinds lists all kinds, in the order in which people read them.
func Kinds() []Kind { return []Kind{Added, Removed, Changed, Unclear} }

// Change is one thing that is not as it was.
type Change struct {
	Kind Kind
	// Before and After are the rows; nil where there is none.
	Before, After *store.Row
	// Fields says what differs of what is Changed or Unclear.
	Fields []Field
}

// Field is a part of an answer that differs: a field of the result, "owner.name"
// being one inside of another, or FieldStatus. Lists are compared as a whole.
type Field struct {
	Name          string
	Before, After json.RawMessage // nil: it is not there
}

// FieldStatus is the Field of a row's status.
const FieldStatus = "status"

// Counts say what a comparison came to.
type Counts struct {
	Kinds map[Kind]int
	// Same have the same answer in both, or none in either.
	Same int
	// Fields counts what differs of what is Changed, by field.
	Fields map[string]int
}

// Options say how lists are compared.
type Options struct {
	// Ignore are fields of the result that make no difference.
	Ignore []string
	// PartRows is how many rows of the older list are held against the newer
	// one at once, of each of which 32 bytes are in memory; 0: 2 million. A
	// longer list is gone through several times.
	PartRows int
}

// Reader is the part of a store that lists are read from.
type Reader interface {
	Rows(ctx context.Context, b store.BatchNo, f store.RowFilter, yield func(store.Row) error) error
}

// Run tells of every change from before to after: in the order of the newer
// list, and those that were removed behind them. Of lists with more than
// Options.PartRows rows each part is in that order. An error of tell ends it.
func Run(ctx context.Context, st Reader, before, after store.Batch, o Options, tell func(Change) error) (Counts, error) {
	if before.Provider != after.Provider {
		return Counts{}, &ProviderError{Before: before.Provider, After: after.Provider}
	}
	if o.PartRows == 0 {
		o.PartRows = 2_000_000
	}
	r := &run{
		st: st, before: before.No, after: after.No, ignore: o.Ignore, tell: tell, keys: newKeys(),
		counts: Counts{Kinds: map[Kind]int{}, Fields: map[string]int{}},
	}
	r.parts = 1 + uint64(before.Rows/o.PartRows)     //nolint:gosec // neither is negative
	r.parts += uint64(after.Rows / (4 * o.PartRows)) //nolint:gosec // what was added is held as well, in less
	for part := range r.parts {
		if err := r.part(ctx, part); err != nil {
			return r.counts, err
		}
	}
	return r.counts, nil
}

// ProviderError says that the answers of two lists cannot be compared.
type ProviderError struct{ Before, After string }

func (e *ProviderError) Error() string {
	return fmt.Sprintf("compare lists: one was asked of %s and one of %s", e.Before, e.After)
}

type run struct {
	st            Reader
	before, after store.BatchNo
	ignore        []string
	tell          func(Change) error
	keys          keys
	parts         uint64
	counts        Counts
}

// entry is a row of the older list as it is held in memory.
type entry struct {
	key    key
	digest uint64
	row    int32
	seen   bool
}

// pair is a row of the newer list and the one of the older list that is about
// the same; 0: there is none.
type pair struct{ after, before int32 }

func (r *run) part(ctx context.Context, part uint64) error {
	old, err := r.index(ctx, part)
	if err != nil {
		return err
	}
	pairs, err := r.match(ctx, part, old)
	if err != nil {
		return err
	}
	if err := r.tellPairs(ctx, pairs); err != nil {
		return err
	}
	gone := make([]pair, 0)
	for _, e := range old {
		if !e.seen {
			gone = append(gone, pair{before: e.row})
		}
	}
	slices.SortFunc(gone, func(a, b pair) int { return cmp.Compare(a.before, b.before) })
	return r.tellPairs(ctx, gone)
}

// each calls yield for the rows of a list that are in a part.
func (r *run) each(ctx context.Context, list store.BatchNo, part uint64, yield func(key, store.Row)) error {
	return r.st.Rows(ctx, list, store.RowFilter{Questions: true}, func(row store.Row) error {
		if k := r.keys.of(row); k[0]%r.parts == part {
			yield(k, row)
		}
		return nil
	})
}

// index reads the older list, in the order of its keys, each once.
func (r *run) index(ctx context.Context, part uint64) ([]entry, error) {
	var all []entry
	err := r.each(ctx, r.before, part, func(k key, row store.Row) {
		all = append(all, entry{key: k, digest: r.keys.digest(row), row: int32(row.Number)}) //nolint:gosec // rows count to 10 million
	})
	if err != nil {
		return nil, fmt.Errorf("read the older list: %w", err)
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.key.compare(b.key), cmp.Compare(a.row, b.row)) })
	return slices.CompactFunc(all, func(a, b entry) bool { return a.key == b.key }), nil
}

// match reads the newer list and returns what is to be looked at, in its
// order.
func (r *run) match(ctx context.Context, part uint64, old []entry) ([]pair, error) {
	var pairs []pair
	var added []entry
	err := r.each(ctx, r.after, part, func(k key, row store.Row) {
		n := int32(row.Number) //nolint:gosec // rows count to 10 million
		i, known := slices.BinarySearchFunc(old, k, func(e entry, k key) int { return e.key.compare(k) })
		switch {
		case !known:
			added = append(added, entry{key: k, row: n})
		case old[i].seen: // it repeats an earlier row
		case old[i].digest != r.keys.digest(row):
			pairs = append(pairs, pair{after: n, before: old[i].row})
			old[i].seen = true
		default:
			r.counts.Same++
			old[i].seen = true
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the newer list: %w", err)
	}
	slices.SortFunc(added, func(a, b entry) int { return cmp.Or(a.key.compare(b.key), cmp.Compare(a.row, b.row)) })
	for _, e := range slices.CompactFunc(added, func(a, b entry) bool { return a.key == b.key }) {
		pairs = append(pairs, pair{after: e.row})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.after, b.after) })
	return pairs, nil
}

// page is how many rows are fetched together.
const page = 500

// tellPairs fetches the rows of pairs again and tells what became of them.
func (r *run) tellPairs(ctx context.Context, pairs []pair) error {
	for some := range slices.Chunk(pairs, page) {
		before, err := r.fetch(ctx, r.before, some, func(p pair) int32 { return p.before })
		if err != nil {
			return err
		}
		after, err := r.fetch(ctx, r.after, some, func(p pair) int32 { return p.after })
		if err != nil {
			return err
		}
		for _, p := range some {
			if err := r.tellOne(before[p.before], after[p.after]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) fetch(ctx context.Context, list store.BatchNo, pairs []pair, of func(pair) int32) (map[int32]*store.Row, error) {
	var numbers []int
	for _, p := range pairs {
		if n := of(p); n > 0 {
			numbers = append(numbers, int(n))
		}
	}
	found := make(map[int32]*store.Row, len(numbers))
	if len(numbers) == 0 {
		return found, nil
	}
	slices.Sort(numbers)
	err := r.st.Rows(ctx, list, store.RowFilter{Only: numbers}, func(row store.Row) error {
		found[int32(row.Number)] = &row //nolint:gosec // rows count to 10 million
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read rows that changed: %w", err)
	}
	return found, nil
}

func (r *run) tellOne(before, after *store.Row) error {
	c := Change{Before: before, After: after}
	switch {
	case before == nil && after == nil:
		return nil // erased meanwhile
	case before == nil:
		c.Kind = Added
	case after == nil:
		c.Kind = Removed
	default:
		c.Kind, c.Fields = compare(*before, *after, r.ignore)
		if len(c.Fields) == 0 {
			r.counts.Same++
			return nil
		}
	}
	r.counts.Kinds[c.Kind]++
	if c.Kind == Changed {
		for _, f := range c.Fields {
			r.counts.Fields[f.Name]++
		}
	}
	return r.tell(c)
}
