package attestr

import (
	"cmp"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"

	"github.com/plateq/plateq/providers"
)

// sweep is one poll: a page of records, read against the cursor of a ticket
// and the requests that are still open.
type sweep struct {
	ticket  providers.Ticket
	cursor  *cursor
	list    listing
	reader  reader
	open    []waiting // in the order of the list
	got     providers.Progress
	notices map[string]int
	naming  bool // records are named for webhooks
	place   int  // of the record that is read, in the list; nowhere in a whole pass
}

// waiting is a request that waits for the record of a plate.
type waiting struct {
	place int // of the plate in the list
	plate string
	ref   string
	done  bool
}

// nowhere is the place of a record in a whole pass.
const nowhere = -1

// newSweep begins where the cursor of t stands. A ticket without a usable
// cursor, as one that a person adopted, begins anew with what is open.
func newSweep(t providers.Ticket, open []providers.Request, pageSize int) *sweep {
	s := &sweep{ticket: t, open: make([]waiting, len(open)), notices: map[string]int{}, place: nowhere}
	for i, r := range open {
		s.open[i] = waiting{plate: canonical(r.Subject[providers.Plate]), ref: r.Ref}
	}
	var err error
	if s.cursor, err = decodeCursor(t.Cursor); err != nil || !s.covers() {
		if len(t.Cursor) > 0 {
			s.notices["cursor_reset"]++
		}
		s.cursor = newCursor(s.plates(), pageSize)
		s.covers()
	}
	return s
}

// plates returns what is open, each plate once.
func (s *sweep) plates() []string {
	var plates []string
	known := make(map[string]bool, len(s.open))
	for _, w := range s.open {
		if !known[w.plate] {
			known[w.plate] = true
			plates = append(plates, w.plate)
		}
	}
	return plates
}

// covers finds what is open in the list of the cursor, and reports whether all
// of it is there.
func (s *sweep) covers() bool {
	s.list = listing{plates: s.cursor.plates}
	for i := range s.open {
		place, ok := s.list.find(hashPlate(s.open[i].plate))
		if !ok {
			return false
		}
		s.open[i].place = place
	}
	if !slices.IsSortedFunc(s.open, byPlace) {
		slices.SortStableFunc(s.open, byPlace)
	}
	return true
}

func byPlace(a, b waiting) int { return cmp.Compare(a.place, b.place) }

// take reads a page and returns what the poll brought.
func (s *sweep) take(records []json.RawMessage) providers.Progress {
	s.list.from(s.cursor.skip)
	ours := 0
	for _, raw := range records {
		if s.takeOne(raw) {
			ours++
		}
	}
	ended, cut := s.cursor.advance(len(records), ours)
	if cut {
		s.notices["endless_pages"]++
	}
	if ended {
		s.cursor.endPass(cut)
		if s.cursor.lost() {
			s.giveUpMissing()
		}
	}
	s.got.More = !ended
	return s.progress()
}

// takePart reads the page that is a part.
func (s *sweep) takePart(part int, records []json.RawMessage) providers.Progress {
	place := part * s.cursor.pages.size
	s.list.from(place)
	ours := 0
	for _, raw := range records {
		s.place = place + ours
		if s.takeOne(raw) {
			ours++
		}
	}
	if s.cursor.endPage(part, ours); s.cursor.pages.moves > 0 {
		s.notices["pages_moved"]++
	}
	return s.progress()
}

func (s *sweep) progress() providers.Progress {
	s.ticket.Cursor = s.cursor.encode()
	s.got.Ticket = s.ticket
	for _, kind := range slices.Sorted(maps.Keys(s.notices)) {
		s.got.Notices = append(s.got.Notices, providers.Notice{Kind: kind, Count: s.notices[kind]})
	}
	return s.got
}

// takeOne reads a record and reports whether it stands in our batch.
func (s *sweep) takeOne(raw json.RawMessage) bool {
	r, ok := s.reader.read(raw)
	if !ok {
		s.notices["unreadable_record"]++
		s.cursor.doubts++
		return true
	}
	i, known := s.list.find(hashPlate(r.plate))
	switch elsewhere := r.batchID != "" && r.batchID != s.ticket.ID; {
	case elsewhere, !known && r.batchID == "":
		s.notices["foreign_record"]++
		return false
	case !known:
		s.notices["foreign_record"]++
		s.cursor.doubts++ // one of ours, under another name?
		return true
	}
	if s.cursor.seen.has(i) {
		s.cursor.doubts++
	}
	s.cursor.seen.set(i)
	if s.place != nowhere {
		s.cursor.place(i, s.place)
	}
	if s.naming {
		s.got.Names = append(s.got.Names, r.names()...)
	}
	s.judge(r, i)
	return true
}

// judge takes note of how record i stands.
func (s *sweep) judge(r record, i int) {
	final, known := r.final()
	if !known {
		s.notices["unknown_status"]++
	}
	switch {
	case final:
		s.cursor.final.set(i)
		for w := range s.about(i, r.plate) {
			s.settle(w, r.outcome())
		}
	case s.cursor.final.has(i):
		s.notices["regression"]++
	}
}

// about goes through the requests that wait for the record of plate i.
func (s *sweep) about(i int, plate string) iter.Seq[*waiting] {
	return func(yield func(*waiting) bool) {
		first, _ := slices.BinarySearchFunc(s.open, waiting{place: i}, byPlace)
		for ; first < len(s.open) && s.open[first].place == i; first++ {
			if w := &s.open[first]; !w.done && w.plate == plate && !yield(w) {
				return
			}
		}
	}
}

// settle gives o to a request.
func (s *sweep) settle(w *waiting, o providers.Outcome) {
	w.done, o.Ref = true, w.ref
	s.got.Outcomes = append(s.got.Outcomes, o)
}

// giveUpMissing settles what is open and was never final.
func (s *sweep) giveUpMissing() {
	for i := range s.open {
		if w := &s.open[i]; !w.done && !s.cursor.final.has(w.place) {
			s.settle(w, providers.Outcome{Err: &providers.Error{Provider: Name, Op: opItems, Class: providers.Missing,
				Code: "no_record", Err: errors.New("the provider lists no record of it, though all others are final")}})
		}
	}
}
