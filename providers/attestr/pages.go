package attestr

import "github.com/plateq/plateq/providers"

// pages is where the records of a batch are listed. Attestr does not say in
// which order that is, nor that it stays the same. So the place of each record
// is kept when its page is read, and from the first sign that records change
// places the batch is read in whole passes.
type pages struct {
	size  int      // records on each page but the last
	moves int      // signs that records change places, or are not listed
	at    []uint16 // by plate: 1 + place in the list; 0: not known
}

// maxPlace is the last place that can be kept.
const maxPlace = 1<<16 - 2

// parts returns the pages as parts; none while they cannot be relied on, or a
// whole pass is under way. A page for which more records are noted than it holds
// has changed: one of them left the list since it was seen.
func (c *cursor) parts() []providers.Part {
	n, size := len(c.plates), c.pages.size
	if c.pages.moves > 0 || c.skip > 0 || size < 1 || n > maxPlace {
		return nil
	}
	all := make([]providers.Part, (n+size-1)/size)
	first := make([]int, len(all))  // place of the first open record
	listed := make([]int, len(all)) // records that are noted for it
	for p := range all {
		all[p].Size = min(size, n-p*size)
		all[p].Open, first[p] = all[p].Size, n
	}
	for i, at := range c.pages.at {
		p := (int(at) - 1) / size
		if at == 0 || p >= len(all) {
			continue
		}
		if listed[p]++; listed[p] > all[p].Size {
			return nil
		}
		if !c.final.has(i) {
			first[p] = min(first[p], int(at)-1)
		}
	}
	for i, at := range c.pages.at {
		p := (int(at) - 1) / size
		if at == 0 || p >= len(all) || !c.final.has(i) {
			continue
		}
		all[p].Open--
		if int(at)-1 > first[p] {
			all[p].Ahead++
		}
	}
	return all
}

// place notes that plate i is listed at a place.
func (c *cursor) place(i, place int) {
	was := int(c.pages.at[i])
	if place > maxPlace || was > 0 && (was-1)/c.pages.size != place/c.pages.size {
		c.pages.moves++
		return
	}
	c.pages.at[i] = uint16(place + 1) //nolint:gosec // bounded above
}

// endPage ends the reading of a page by itself, of which so many records were
// ours. One that does not hold all its plates, each once, is no page to rely
// on. The first one that is read tells how many records Attestr gives at most.
func (c *cursor) endPage(part, ours int) {
	size, n := c.pages.size, len(c.plates)
	want := min(size, n-part*size)
	onPage, elsewhere := 0, 0
	for _, at := range c.pages.at {
		switch {
		case at == 0:
		case (int(at)-1)/size == part:
			onPage++
		default:
			elsewhere++
		}
	}
	switch {
	case c.doubts > 0 || onPage != ours:
		c.pages.moves++
	case ours == want:
	case part == 0 && elsewhere == 0 && 0 < ours && ours < want:
		c.pages.size = ours
	default:
		c.pages.moves++
	}
	clear(c.seen)
	c.doubts = 0
}
