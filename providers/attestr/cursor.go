package attestr

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
)

// cursor is where the reading of a batch stands, and what was seen of it. Its
// bytes are the Cursor of a ticket.
//
// A pass reads the batch from its first record on. It ends when each plate
// was seen in it or is final from before, or at an empty page; never at a
// short one, as the provider may give fewer records than it was asked for.
//
// As long as the list stands still it may be read in parts instead, see pages.
type cursor struct {
	plates []uint64 // hashes, in the order in which the plates were submitted
	seen   bitmap   // in this pass
	final  bitmap   // in any pass
	pages  pages
	skip   int // the next page begins here
	doubts int // signs in this pass that its pages did not show the batch as it is
	passes int // that have ended

	// Whole passes since one last saw a plate that is not final, or had all:
	// those that prove that a plate is not listed, and those with doubts.
	barren, doubtful int
}

// cursorVersion is the first byte of an encoded cursor.
const cursorVersion = 2

// cursorHead is the size of what comes before the plates: the version and
// eight numbers.
const cursorHead = 1 + 8*4

// cursorEach is the size of what there is of each plate, but for its two bits.
const cursorEach = 8 + 2

// maxCount bounds every number in a cursor.
const maxCount = 1 << 30

// newCursor begins with a list of plates of which so many make a page.
func newCursor(plates []string, size int) *cursor {
	c := &cursor{plates: make([]uint64, len(plates)), pages: pages{size: size, at: make([]uint16, len(plates))}}
	for i, plate := range plates {
		c.plates[i] = hashPlate(plate)
	}
	c.seen, c.final = newBitmap(len(plates)), newBitmap(len(plates))
	return c
}

// hashPlate must give the same value for ever: it is stored.
func hashPlate(plate string) uint64 {
	sum := sha256.Sum256([]byte(plate))
	return binary.BigEndian.Uint64(sum[:])
}

// encode is the inverse of decodeCursor.
func (c *cursor) encode() []byte {
	b := make([]byte, 0, cursorHead+cursorEach*len(c.plates)+2*len(c.seen))
	b = append(b, cursorVersion)
	for _, n := range []int{len(c.plates), c.skip, c.doubts, c.passes, c.barren, c.doubtful, c.pages.size, c.pages.moves} {
		b = binary.BigEndian.AppendUint32(b, uint32(min(n, maxCount))) //nolint:gosec // bounded on both sides
	}
	for _, h := range c.plates {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	for _, at := range c.pages.at {
		b = binary.BigEndian.AppendUint16(b, at)
	}
	b = append(b, c.seen...)
	return append(b, c.final...)
}

var errCursor = errors.New("read cursor: not one of this version")

// decodeCursor reads what encode wrote and refuses all else.
func decodeCursor(b []byte) (*cursor, error) {
	if len(b) < cursorHead || b[0] != cursorVersion {
		return nil, errCursor
	}
	var nums [8]int
	for i := range nums {
		n := binary.BigEndian.Uint32(b[1+4*i:])
		if n > maxCount {
			return nil, errCursor
		}
		nums[i] = int(n)
	}
	n, rest := nums[0], b[cursorHead:]
	size := bitmapSize(n)
	if nums[6] == 0 || len(rest) != cursorEach*n+2*size {
		return nil, errCursor
	}
	c := &cursor{skip: nums[1], doubts: nums[2], passes: nums[3], barren: nums[4], doubtful: nums[5], plates: make([]uint64, n)}
	c.pages = pages{size: nums[6], moves: nums[7], at: make([]uint16, n)}
	for i := range c.plates {
		c.plates[i] = binary.BigEndian.Uint64(rest[8*i:])
		c.pages.at[i] = binary.BigEndian.Uint16(rest[8*n+2*i:])
	}
	maps := append([]byte(nil), rest[cursorEach*n:]...)
	c.seen, c.final = bitmap(maps[:size:size]), bitmap(maps[size:])
	if c.seen.beyond(n) || c.final.beyond(n) {
		return nil, errCursor
	}
	return c, nil
}

// advance counts a page of which so many records were ours, and reports
// whether the pass has ended and whether it was cut short. The next page
// begins after what was ours: to read a record twice is harmless, to pass one
// over is not.
func (c *cursor) advance(received, ours int) (ended, cut bool) {
	c.skip += ours
	switch {
	case c.covered():
		return true, false
	case ours == 0:
		if received > 0 {
			c.doubts++
		}
		return true, false
	}
	cut = c.skip > endlessTimes*len(c.plates)+endlessMargin
	return cut, cut
}

// A pass that has read more records than this takes the provider to be
// sending pages without end.
const (
	endlessTimes  = 3
	endlessMargin = 100
)

// covered reports whether each plate was seen in this pass or is final.
func (c *cursor) covered() bool {
	for i := range c.seen {
		if (c.seen[i]|c.final[i])&full(i, len(c.plates)) != full(i, len(c.plates)) {
			return false
		}
	}
	return true
}

// endPass begins the next pass. What a whole one showed is counted; one that
// was cut short showed nothing.
func (c *cursor) endPass(cut bool) {
	if !cut {
		c.count()
	}
	clear(c.seen)
	c.skip, c.doubts = 0, 0
	c.passes++
}

func (c *cursor) count() {
	waiting := false
	for i := range c.seen {
		waiting = waiting || c.seen[i]&^c.final[i] != 0
	}
	switch {
	case waiting || c.covered():
		c.barren, c.doubtful = 0, 0
	case c.seen.any() && c.doubts == 0:
		c.barren++
	default:
		c.doubtful++
	}
}

// A plate is missing when this many whole passes lacked it although all that
// they saw was final. A pass proves only then that a plate is not listed if it
// saw something, and nothing twice: where pages shift under the reader, a
// record seen twice stands for one that was passed over.
const (
	barrenPasses   = 3
	doubtfulPasses = 12
)

func (c *cursor) lost() bool { return c.barren >= barrenPasses || c.doubtful >= doubtfulPasses }

// bitmap holds one bit for each plate.
type bitmap []byte

func bitmapSize(n int) int { return (n + 7) / 8 }

func newBitmap(n int) bitmap { return make(bitmap, bitmapSize(n)) }

func (b bitmap) set(i int)      { b[i/8] |= 1 << (i % 8) }
func (b bitmap) has(i int) bool { return b[i/8]&(1<<(i%8)) != 0 }

func (b bitmap) any() bool { return slices.ContainsFunc(b, func(x byte) bool { return x != 0 }) }

// beyond reports whether a bit at or after n is set.
func (b bitmap) beyond(n int) bool {
	return len(b) > 0 && b[len(b)-1]&^full(len(b)-1, n) != 0
}

// full returns byte i of a bitmap in which all of n bits are set.
func full(i, n int) byte {
	if n >= 8*(i+1) {
		return 0xff
	}
	return 1<<(n-8*i) - 1
}
