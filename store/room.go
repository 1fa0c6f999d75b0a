package store

// Bounds of the space that a claim looks for, and what it adds for each ask.
const (
	leastRoom  = 8 << 10 // a page, which anything new may need
	mostRoom   = 128 << 10
	roomPerAsk = 256
)

// Room is how many bytes of space a store must find free on its disk before it
// claims a call of n asks. A claim itself needs none where a page has room for
// it, and would be taken on a full disk; the answers, paid for by then, would
// not. It is less than they take, as looking for space costs time: what finds
// none later is spooled.
func Room(n int) int { return min(max(leastRoom, n*roomPerAsk), mostRoom) }
