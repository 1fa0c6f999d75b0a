package attestr

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/bits"
)

// cursor is where the reading of a batch stands, and what was seen of it. Its
// bytes are the Cursor of a ticket.
//
// A pass reads the batch from its first record on. It ends when each plate
// was seen in it or is final from before, or at an empty page; never at a
// short one, as the provider may give fewer records than it was asked for.
type cursor struct {
	plates []uint64 // hashes, in the order in which the plates were submitted
	seen   bitmap   // in this pass
	final  bitmap   // in any pass
	skip   int      // the next page begins here
	passes int      // that have ended
	barren int      // whole passes on end that lacked a plate, all seen ones being final
	silent int      // whole passes on end in which nothing was seen, now or before
}

// cursorVersion is the first byte of an encoded cursor.
const cursorVersion = 1

// maxCount bounds every number in a cursor.
const maxCount = 1 << 30

func newCursor(plates []string) *cursor {
	c := &cursor{plates: make([]uint64, len(plates))}
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
	b := make([]byte, 0, 1+5*4+8*len(c.plates)+2*len(c.seen))
	b = append(b, cursorVersion)
	for _, n := range []int{len(c.plates), c.skip, c.passes, c.barren, c.silent} {
		b = binary.BigEndian.AppendUint32(b, uint32(min(n, maxCount))) //nolint:gosec // bounded on both sides
	}
	for _, h := range c.plates {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	b = append(b, c.seen...)
	return append(b, c.final...)
}

var errCursor = errors.New("read cursor: not one of this version")

// decodeCursor reads what encode wrote and refuses all else.
func decodeCursor(b []byte) (*cursor, error) {
	const head = 1 + 5*4
	if len(b) < head || b[0] != cursorVersion {
		return nil, errCursor
	}
	var nums [5]int
	for i := range nums {
		n := binary.BigEndian.Uint32(b[1+4*i:])
		if n > maxCount {
			return nil, errCursor
		}
		nums[i] = int(n)
	}
	n, rest := nums[0], b[head:]
	size := bitmapSize(n)
	if len(rest) != 8*n+2*size {
		return nil, errCursor
	}
	c := &cursor{skip: nums[1], passes: nums[2], barren: nums[3], silent: nums[4], plates: make([]uint64, n)}
	for i := range c.plates {
		c.plates[i] = binary.BigEndian.Uint64(rest[8*i:])
	}
	maps := append([]byte(nil), rest[8*n:]...)
	c.seen, c.final = bitmap(maps[:size:size]), bitmap(maps[size:])
	if c.seen.beyond(n) || c.final.beyond(n) {
		return nil, errCursor
	}
	return c, nil
}

// advance counts the records of a page and reports whether the pass has ended
// and, if so, whether it read the batch as a whole.
func (c *cursor) advance(records int) (ended, whole bool) {
	c.skip += records
	switch {
	case records == 0 || c.covered():
		return true, true
	case c.skip > 4*len(c.plates)+endlessMargin:
		return true, false
	}
	return false, false
}

// endlessMargin is how many records more than four times the plates a pass
// reads before it takes the provider to be sending pages without end.
const endlessMargin = 1000

// covered reports whether each plate was seen in this pass or is final.
func (c *cursor) covered() bool {
	for i := range c.seen {
		if (c.seen[i]|c.final[i])&full(i, len(c.plates)) != full(i, len(c.plates)) {
			return false
		}
	}
	return true
}

// endPass begins the next pass, after counting what a whole one showed.
func (c *cursor) endPass(whole bool) {
	if whole {
		c.count()
	}
	clear(c.seen)
	c.skip = 0
	c.passes++
}

func (c *cursor) count() {
	waiting := false
	for i := range c.seen {
		waiting = waiting || c.seen[i]&^c.final[i] != 0
	}
	switch known := c.seen.any() || c.final.any(); {
	case !known:
		c.silent++
		c.barren = 0
	case waiting || c.covered():
		c.barren, c.silent = 0, 0
	default:
		c.barren++
		c.silent = 0
	}
}

// A plate is missing when this many whole passes on end lacked it although
// all others were final. A batch of which nothing was ever seen is given more
// of them: it may not be listed yet.
const (
	missingPasses = 3
	silentPasses  = 12
)

func (c *cursor) lost() bool { return c.barren >= missingPasses || c.silent >= silentPasses }

// bitmap holds one bit for each plate.
type bitmap []byte

func bitmapSize(n int) int { return (n + 7) / 8 }

func newBitmap(n int) bitmap { return make(bitmap, bitmapSize(n)) }

func (b bitmap) set(i int)      { b[i/8] |= 1 << (i % 8) }
func (b bitmap) has(i int) bool { return b[i/8]&(1<<(i%8)) != 0 }

func (b bitmap) any() bool {
	n := 0
	for _, x := range b {
		n += bits.OnesCount8(x)
	}
	return n > 0
}

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
