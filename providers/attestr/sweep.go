package attestr

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/plateq/plateq/providers"
)

// sweep is one poll: a page of records, read against the cursor of a ticket
// and the requests that are still open.
type sweep struct {
	ticket  providers.Ticket
	cursor  *cursor
	index   map[uint64]int                 // hash of a plate to its place
	open    map[string][]providers.Request // by canonical plate
	got     providers.Progress
	notices map[string]int
	naming  bool // records are named for webhooks
	place   int  // of the record that is read, in the list; nowhere in a whole pass
}

// nowhere is the place of a record in a whole pass.
const nowhere = -1

// newSweep begins where the cursor of t stands. A ticket without a usable
// cursor, as one that a person adopted, begins anew with what is open.
func newSweep(t providers.Ticket, open []providers.Request, pageSize int) *sweep {
	s := &sweep{ticket: t, open: make(map[string][]providers.Request, len(open)), notices: map[string]int{}, place: nowhere}
	var plates []string
	for _, r := range open {
		plate := canonical(r.Subject[providers.Plate])
		if s.open[plate] == nil {
			plates = append(plates, plate)
		}
		s.open[plate] = append(s.open[plate], r)
	}
	var err error
	if s.cursor, err = decodeCursor(t.Cursor); err != nil || !s.covers(plates) {
		if len(t.Cursor) > 0 {
			s.notices["cursor_reset"]++
		}
		s.cursor = newCursor(plates, pageSize)
		s.covers(plates)
	}
	return s
}

// covers builds the index and reports whether all of plates are in it.
func (s *sweep) covers(plates []string) bool {
	s.index = make(map[uint64]int, len(s.cursor.plates))
	for i, h := range s.cursor.plates {
		s.index[h] = i
	}
	return !slices.ContainsFunc(plates, func(plate string) bool {
		_, ok := s.index[hashPlate(plate)]
		return !ok
	})
}

// take reads a page and returns what the poll brought.
func (s *sweep) take(records []json.RawMessage) providers.Progress {
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
	r, ok := decodeRecord(raw)
	if !ok {
		s.notices["unreadable_record"]++
		s.cursor.doubts++
		return true
	}
	i, known := s.index[hashPlate(r.plate)]
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
		s.got.Names = append(s.got.Names, r.names...)
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
		s.settle(r.plate, r.outcome())
	case s.cursor.final.has(i):
		s.notices["regression"]++
	}
}

// settle gives o to the requests that asked about plate; to each once.
func (s *sweep) settle(plate string, o providers.Outcome) {
	for _, r := range s.open[plate] {
		o.Ref = r.Ref
		s.got.Outcomes = append(s.got.Outcomes, o)
	}
	delete(s.open, plate)
}

// giveUpMissing settles what is open and was never final.
func (s *sweep) giveUpMissing() {
	for _, plate := range slices.Sorted(maps.Keys(s.open)) {
		if s.cursor.final.has(s.index[hashPlate(plate)]) {
			continue
		}
		s.settle(plate, providers.Outcome{Err: &providers.Error{Provider: Name, Op: opItems, Class: providers.Missing,
			Code: "no_record", Err: errors.New("the provider lists no record of it, though all others are final")}})
	}
}
