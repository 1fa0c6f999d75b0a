package attestr

// listing finds plates in the order in which they were submitted. Requests and
// records come in that order as a rule, so each is looked for behind the last
// one; an index is made only for those that do not.
type listing struct {
	plates []uint64 // hashes
	next   int      // where the next plate is looked for first
	index  map[uint64]int
}

// find returns the place of a plate in the list.
func (l *listing) find(hash uint64) (place int, ok bool) {
	if l.index == nil {
		for i := l.next; i < len(l.plates); i++ {
			if l.plates[i] == hash {
				l.next = i + 1
				return i, true
			}
		}
		l.index = make(map[uint64]int, len(l.plates))
		for i, h := range l.plates {
			l.index[h] = i
		}
	}
	place, ok = l.index[hash]
	return place, ok
}

// from makes place the one at which is looked first.
func (l *listing) from(place int) { l.next = place }
