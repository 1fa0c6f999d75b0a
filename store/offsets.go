package store

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Offsets names asks of one chunk by their distance from its first, ascending
// and each once: those that still belong to a call or to a ticket.
type Offsets []int

// maxOffset bounds what is read back, so that damaged bytes cannot ask for
// memory. No chunk is nearly as long.
const maxOffset = 1 << 20

var errOffsets = errors.New("read offsets: the bytes are damaged")

// Append writes the offsets to b in their stored form: runs, each as the gap
// before it and its length, both as varints. A whole chunk takes three bytes.
func (o Offsets) Append(b []byte) []byte {
	next := 0
	for i := 0; i < len(o); {
		j := i + 1
		for j < len(o) && o[j] == o[j-1]+1 {
			j++
		}
		b = binary.AppendUvarint(b, uint64(o[i]-next)) //nolint:gosec // ascending, so never negative
		b = binary.AppendUvarint(b, uint64(j-i))       //nolint:gosec // at least 1
		next = o[j-1] + 1
		i = j
	}
	return b
}

// ParseOffsets is the inverse of Append.
func ParseOffsets(b []byte) (Offsets, error) {
	var o Offsets
	for next := uint64(0); len(b) > 0; {
		gap, k := binary.Uvarint(b)
		if k <= 0 {
			return nil, errOffsets
		}
		run, l := binary.Uvarint(b[k:])
		if l <= 0 || run == 0 || gap > maxOffset || run > maxOffset || next+gap+run > maxOffset {
			return nil, errOffsets
		}
		b = b[k+l:]
		for next += gap; run > 0; run-- {
			o = append(o, int(next))
			next++
		}
	}
	return o, nil
}

// From returns the asks at these distances from first.
func (o Offsets) From(first AskID) []AskID {
	asks := make([]AskID, len(o))
	for n, i := range o {
		asks[n] = first + AskID(i)
	}
	return asks
}

// Has reports whether i is one of the offsets.
func (o Offsets) Has(i int) bool {
	_, found := slices.BinarySearch(o, i)
	return found
}

// with returns o and i, in o's memory where i comes behind all of o.
func (o Offsets) with(i int) Offsets {
	if n := len(o); n == 0 || o[n-1] < i {
		return append(o, i)
	}
	return o.Union(Offsets{i})
}

// Union returns the offsets of o and p together.
func (o Offsets) Union(p Offsets) Offsets {
	all := slices.Concat(o, p)
	slices.Sort(all)
	return slices.Compact(all)
}
