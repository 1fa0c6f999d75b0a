package attestr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
)

// newPaged is a script whose pages hold two records.
func newPaged(t *testing.T, plates ...string) *script {
	t.Helper()
	s := newScript(t, plates...)
	cfg := config(s.url)
	cfg.PageSize = 2
	s.p = newProvider(t, cfg)
	s.body = `{"_id":"b1","number":"N-1"}`
	outs, err := s.p.Submit(t.Context(), s.open)
	if err != nil {
		t.Fatal(err)
	}
	s.ticket = *outs[0].Ticket
	return s
}

// part reads one part, which holds these records, and returns the parts after
// it, in a word each: open of size, and those ahead.
func (s *script) part(part int, records ...string) string {
	s.Helper()
	s.body = page(records...)
	got, err := newSet(s, s.p).PollPart(s.Context(), attestr.Name, s.ticket, part, s.open)
	if err != nil {
		s.Fatal(err)
	}
	if got.More {
		s.Error("got more, want a part to be read at once")
	}
	s.ticket = got.Ticket
	words := []string{fmt.Sprintf("skip %d", s.skip)}
	done := map[string]bool{}
	for _, o := range got.Outcomes {
		words = append(words, o.Ref)
		done[o.Ref] = true
	}
	s.settle(done)
	for _, n := range got.Notices {
		words = append(words, fmt.Sprintf("%s %d", n.Kind, n.Count))
	}
	for _, p := range s.p.Parts(s.ticket) {
		words = append(words, fmt.Sprintf("%d/%d+%d", p.Open, p.Size, p.Ahead))
	}
	return strings.Join(words, " ")
}

func (s *script) wantPart(want string, part int, records ...string) {
	s.Helper()
	if got := s.part(part, records...); got != want {
		s.Errorf("got %q, want %q", got, want)
	}
}

const plateD, plateE = "DL01AA1004", "DL01AA1005"

func TestPagesAreReadByThemselves(t *testing.T) {
	t.Parallel()
	s := newPaged(t, plateA, plateB, plateC, plateD, plateE)
	want := []providers.Part{{Size: 2, Open: 2}, {Size: 2, Open: 2}, {Size: 1, Open: 1}}
	if diff := cmp.Diff(want, s.p.Parts(s.ticket)); diff != "" {
		t.Errorf("before any was read (-want +got):\n%s", diff)
	}
	s.wantPart("skip 2 r3 2/2+0 1/2+1 1/1+0", 1, initiated(plateC), final(plateD))
	s.wantPart("skip 0 r0 1/2+0 1/2+1 1/1+0", 0, final(plateA), initiated(plateB))
	s.wantPart("skip 4 r4 1/2+0 1/2+1 0/1+0", 2, final(plateE))
	s.wantPart("skip 2 r2 1/2+0 0/2+0 0/1+0", 1, final(plateC), final(plateD))
	s.wantPart("skip 0 r1 0/2+0 0/2+0 0/1+0", 0, final(plateA), final(plateB))
}

// TestListsInAnyOrderHavePages: what counts is that it stays the same.
func TestListsInAnyOrderHavePages(t *testing.T) {
	t.Parallel()
	s := newPaged(t, plateA, plateB, plateC)
	s.wantPart("skip 0 r2 1/2+0 1/1+0", 0, final(plateC), initiated(plateA))
	s.wantPart("skip 2 r1 1/2+0 0/1+0", 1, final(plateB))
	s.wantPart("skip 0 1/2+1 0/1+0", 0, initiated(plateA), final(plateC))
	s.wantPart("skip 0 r0 0/2+0 0/1+0", 0, final(plateA), final(plateC))
}

// TestListsThatMoveAreReadWhole: whatever casts doubt on a page ends the
// reading of pages, and the answers on it count all the same.
func TestListsThatMoveAreReadWhole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		records []string
		want    string
	}{
		"a member of another page": {[]string{final(plateA), initiated(plateC)}, "skip 0 r0 pages_moved 1"},
		"one is not listed":        {[]string{final(plateA)}, "skip 0 r0 pages_moved 1"},
		"nothing is listed":        {nil, "skip 0 pages_moved 1"},
		"one is listed twice":      {[]string{final(plateA), final(plateA)}, "skip 0 r0 pages_moved 1"},
		"a new member":             {[]string{final(plateA), final(plateE)}, "skip 0 r0 r4 pages_moved 1"},
		"one too many":             {[]string{final(plateA), initiated(plateB), initiated(plateE)}, "skip 0 r0 pages_moved 1"},
		"one that is unreadable":   {[]string{final(plateA), `{}`}, "skip 0 r0 pages_moved 1 unreadable_record 1"},
		"one of another name":      {[]string{final(plateA), listing("b1", "XX00XX0000", true)}, "skip 0 r0 foreign_record 1 pages_moved 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newPaged(t, plateA, plateB, plateC, plateD, plateE)
			s.wantPart("skip 0 2/2+0 2/2+0 1/1+0", 0, initiated(plateA), initiated(plateB))
			s.wantPart("skip 2 2/2+0 2/2+0 1/1+0", 1, initiated(plateC), initiated(plateD))
			s.wantPart(tc.want, 0, tc.records...)
			if _, err := newSet(t, s.p).PollPart(t.Context(), attestr.Name, s.ticket, 0, s.open); err == nil {
				t.Error("got a page read that cannot be relied on")
			}
			// A whole pass finds everything.
			s.poll(final(plateA), final(plateB), final(plateC))
			s.poll(final(plateD), final(plateE))
			if len(s.open) != 0 {
				t.Errorf("got %d open after a whole pass, want none", len(s.open))
			}
		})
	}
}

func TestForeignRecordsLeavePagesAlone(t *testing.T) {
	t.Parallel()
	s := newPaged(t, plateA, plateB, plateC)
	s.wantPart("skip 0 r0 foreign_record 1 1/2+0 1/1+0", 0, listing("b2", plateC, true), final(plateA), initiated(plateB))
}

// TestTheFirstPageTellsHowLongPagesAre, where Attestr gives fewer records than
// it is asked for.
func TestTheFirstPageTellsHowLongPagesAre(t *testing.T) {
	t.Parallel()
	s := newPaged(t, plateA, plateB, plateC)
	s.wantPart("skip 0 r0 0/1+0 1/1+0 1/1+0", 0, final(plateA))
	s.wantPart("skip 2 r2 0/1+0 1/1+0 0/1+0", 2, final(plateC))
	s.wantPart("skip 1 r1 0/1+0 0/1+0 0/1+0", 1, final(plateB))
}

// TestAPassUnderWayIsFinished before pages are read by themselves.
func TestAPassUnderWayIsFinished(t *testing.T) {
	t.Parallel()
	s := newPaged(t, plateA, plateB, plateC)
	s.want("skip 0, more", initiated(plateA), initiated(plateB))
	if got := s.p.Parts(s.ticket); got != nil {
		t.Errorf("got parts %+v in the middle of a pass, want none", got)
	}
	s.want("skip 2", initiated(plateC))
	s.wantPart("skip 0 r0 1/2+0 1/1+0", 0, final(plateA), initiated(plateB))
}
