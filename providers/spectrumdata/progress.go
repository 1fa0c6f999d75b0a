package spectrumdata

import (
	"errors"

	"github.com/plateq/plateq/providers"
)

// absences is how many polls in a row may find no report before it is taken
// for lost.
const absences = 5

// progress is what the reports that a poll found say of the ticket. The
// ticket's cursor counts the polls in a row that found none.
func progress(t providers.Ticket, found []report, open []providers.Request) providers.Progress {
	got := providers.Progress{Ticket: providers.Ticket{ID: t.ID, Number: t.Number}}
	r, ok := ours(t.ID, found)
	if !ok {
		if len(found) > 0 {
			got.Notices = append(got.Notices, providers.Notice{Kind: "foreign_record", Count: len(found)})
		}
		n := min(absent(t.Cursor), absences) + 1
		got.Ticket.Cursor = []byte{byte(n)} //nolint:gosec // a small number
		if n == absences {
			got.Outcomes = toAll(open, providers.Outcome{Err: &providers.Error{Provider: Name, Op: opReport, Class: providers.Missing,
				Code: "no_report", Err: errors.New("the report that was made is not there")}})
		}
		return got
	}
	finished, known := r.finished()
	if !known {
		got.Notices = append(got.Notices, providers.Notice{Kind: "unknown_state", Count: 1})
	}
	if finished {
		got.Outcomes = toAll(open, r.outcome())
		if r.owned != "" && !isStatus(r.owned) {
			got.Notices = append(got.Notices, providers.Notice{Kind: "unknown_status", Count: 1})
		}
	}
	return got
}

// ours returns the report of that uid, or the only one where it does not say
// its own.
func ours(uid string, found []report) (report, bool) {
	for _, r := range found {
		if r.uid == uid || r.uid == "" && len(found) == 1 {
			return r, true
		}
	}
	return report{}, false
}

// absent reads a cursor. What is none counts as none.
func absent(cursor []byte) int {
	if len(cursor) != 1 {
		return 0
	}
	return int(cursor[0])
}

func toAll(open []providers.Request, o providers.Outcome) []providers.Outcome {
	outs := make([]providers.Outcome, len(open))
	for i, r := range open {
		outs[i] = o
		outs[i].Ref = r.Ref
	}
	return outs
}
