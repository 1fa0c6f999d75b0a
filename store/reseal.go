package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Resealing replaces the keys that seal. Keyed hashes have a key of their own,
// which is not replaced: what was asked could not be found again.
type Resealing interface {
	// Reseal seals anew, with the first key, what other keys have sealed, for
	// some records from a place on, and returns where to go on. The zero place is
	// the beginning. Others may read and write meanwhile; what they seal is left
	// to the next pass if they have another first key.
	Reseal(ctx context.Context, from ResealPlace) (Resealed, error)
	// ForgetSealKeys makes the first key the only one that must be given from
	// now on, and returns the names of the others, which must not seal any more.
	// Who calls it has seen a whole pass that found nothing to seal anew.
	ForgetSealKeys(ctx context.Context) ([]string, error)
	// HoldsKeys fails with *KeysError or *ReplacedKeyError where others have begun
	// to seal with a key that this process was not given, or have replaced the one
	// that it seals with. It can do no more good then.
	HoldsKeys(ctx context.Context) error
}

// ResealPlace is how far a pass has come.
type ResealPlace struct {
	column int
	after  int64
}

// Resealed is what a step of a pass did.
type Resealed struct {
	Next ResealPlace
	Done bool // the pass has come to its end
	// Seen are values that were looked at, Changed those that were sealed anew.
	Seen, Changed int
	// Damaged are those that cannot be opened, and stay as they are; First says
	// which the first of them is, and what is wrong with it.
	Damaged int
	First   string
}

// SealedColumn is where sealed values are: by their record's number, which is
// also what they are sealed for.
type SealedColumn struct {
	Table, Key, Name string
	sealed           string // the column's name in what they are sealed for
}

// record names a record as people know it.
func (c SealedColumn) record(key int64) string {
	switch c.Table {
	case "rows":
		return RowID(key).Name()
	case "asks", "answers":
		return AskID(key).Name()
	}
	return fmt.Sprintf("%s %d", strings.TrimSuffix(c.Table, "s"), key)
}

func sealedColumns() []SealedColumn {
	return []SealedColumn{
		{"batches", "no", "meta", columnMeta},
		{"rows", "id", "line", columnLine},
		{"asks", "id", "question", columnQuestion},
		{"answers", "ask", "body", columnAnswer},
		{"tickets", "id", "handle", columnHandle},
		{"calls", "id", "note", columnNote},
		{"orphans", "id", "body", columnOrphan},
		{"decisions", "id", "reason", columnReason},
		{"hooks", "no", "body", columnHook},
		{"erasures", "no", "body", columnErasure},
	}
}

// resealSize is how many values are looked at in one transaction.
const resealSize = 1_000

// ResealStep is one step of a pass, for a store to carry out: it reads up to
// Limit values of Column whose key is above After, in that order, has each
// looked at by Value, and writes those that have changed.
type ResealStep struct {
	Column SealedColumn
	After  int64
	Limit  int

	sealer *Sealer
	place  ResealPlace
	done   Resealed
}

// NewResealStep begins the step at a place. False: there is nothing more.
func (s *Sealer) NewResealStep(from ResealPlace) (*ResealStep, bool) {
	all := sealedColumns()
	if from.column >= len(all) {
		return nil, false
	}
	return &ResealStep{Column: all[from.column], After: from.after, Limit: resealSize, sealer: s, place: from}, true
}

// Value returns a value as it is to be written; nil: it stays as it is.
func (r *ResealStep) Value(key int64, sealed []byte) []byte {
	r.done.Seen++
	r.place.after = key
	fresh, err := r.sealer.reseal(r.Column.sealed, key, sealed)
	if err != nil {
		if r.done.Damaged++; r.done.First == "" {
			r.done.First = fmt.Sprintf("%s: %v", r.Column.record(key), err)
		}
		return nil
	}
	if fresh != nil {
		r.done.Changed++
	}
	return fresh
}

// End returns what the step did.
func (r *ResealStep) End() Resealed {
	if r.done.Seen < r.Limit {
		r.place = ResealPlace{column: r.place.column + 1}
	}
	r.done.Next = r.place
	r.done.Done = r.place.column >= len(sealedColumns())
	return r.done
}

// reseal seals anew what another key than the first has sealed, or the first in
// another way; nil: it is as it should be. What nobody can read any more needs no
// key either.
func (s *Sealer) reseal(column string, id int64, sealed []byte) ([]byte, error) {
	if len(sealed) >= sealOverhead && [4]byte(sealed[1:5]) == s.first && sealed[0] == s.seals[s.first].version(column) {
		return nil, nil
	}
	text, err := s.Open(column, id, sealed)
	if _, destroyed := errors.AsType[*DestroyedError](err); err != nil && !destroyed {
		return nil, err
	}
	return s.Seal(column, id, text), nil
}

// Superseded returns the facts of sealing keys other than the first, those that
// take their place, and the names of these keys.
func (s *Sealer) Superseded(kept Facts) (facts []string, replaced Facts, keys []string) {
	replaced = Facts{}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		key, sealing := strings.CutPrefix(name, factSealing)
		if sealing && key != hex.EncodeToString(s.first[:]) {
			facts, keys = append(facts, name), append(keys, key)
			replaced[factReplaced+key] = kept[name]
		}
	}
	return facts, replaced, keys
}

// Holds is HoldsKeys for a store that keeps these facts.
func (s *Sealer) Holds(kept Facts) error { return s.keys.VerifySealing(kept) }

// NewSealKeys returns the keys with a new one in front that seals from now on.
// Lists whose keys were destroyed have none below the new one.
func (k Keys) NewSealKeys() Keys {
	fresh := newSealKey()
	if lists := k.Seal[0].Lists; lists != nil {
		fresh.Lists = fresh.Lists.withGaps(lists.Gaps())
	}
	k.Seal = append([]SealKey{fresh}, k.Seal...)
	return k
}

// ErrDamaged says that values cannot be opened with any key that is given.
var ErrDamaged = errors.New("values are damaged, or sealed with a key that is not given")

// ErrOtherKey says that what is sealed anew is not all in the end.
var ErrOtherKey = errors.New("others go on sealing with another key: give every process the new one in front, and start them again")

// resealPasses is after how many passes that is taken for granted.
const resealPasses = 5

// ResealAll seals everything anew with the first key and forgets the others,
// whose names it returns. It can be cut off at any moment and begun again. told
// hears how many values were seen and sealed anew so far.
func ResealAll(ctx context.Context, s Resealing, told func(seen, changed int)) ([]string, error) {
	seen, changed := 0, 0
	for pass, last := 0, -1; last != changed; pass++ { // until a whole pass changes nothing
		if pass == resealPasses {
			return nil, ErrOtherKey
		}
		last = changed
		for place, done := (ResealPlace{}), false; !done; {
			step, err := s.Reseal(ctx, place)
			if err != nil {
				return nil, err
			}
			if step.Damaged > 0 {
				return nil, fmt.Errorf("seal anew: %w: %d of them, the first: %s", ErrDamaged, step.Damaged, step.First)
			}
			seen, changed = seen+step.Seen, changed+step.Changed
			place, done = step.Next, step.Done
			told(seen, changed)
		}
	}
	return s.ForgetSealKeys(ctx)
}
