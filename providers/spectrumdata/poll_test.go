package spectrumdata_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/plateq/plateq/providers"
)

const nothing = `{"state":"ok","size":0,"stamp":"2026-01-01T10:00:00.000Z","data":[]}`

// poll reads the report of x@example once.
func poll(t *testing.T, p providers.Provider, ticket providers.Ticket) providers.Progress {
	t.Helper()
	got, err := newSet(t, p).Poll(t.Context(), "spectrumdata", ticket, []providers.Request{request(nil)})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAReportThatIsNotThereIsWaitedFor: then it is missing, once, and what
// comes late still counts.
func TestAReportThatIsNotThereIsWaitedFor(t *testing.T) {
	t.Parallel()
	const own = `{"check_person":{"vehicle_validator":{"ownedStatus":"OWN"}}}`
	s := newServer(t, func(_ *http.Request, n int) (int, string) {
		switch n {
		case 2, 20:
			return 200, reportAnswer("x@example", 1, "PROGRESS", "{}")
		case 30:
			return 200, reportAnswer("x@example", 0, "OK", own)
		default:
			return 200, nothing
		}
	})
	p := newProvider(t, config(s.URL))
	ticket := providers.Ticket{ID: "x@example"}
	for n := range 31 {
		got := poll(t, p, ticket)
		ticket = got.Ticket
		switch missing := len(got.Outcomes) == 1 && errors.Is(got.Outcomes[0].Err, providers.Missing); {
		case n == 30:
			if len(got.Outcomes) != 1 || got.Outcomes[0].Record == nil {
				t.Errorf("poll %d: got %+v, want a record", n, got.Outcomes)
			}
		case n == 7 || n == 25: // the fifth in a row
			if !missing {
				t.Errorf("poll %d: got %+v, want missing", n, got.Outcomes)
			}
		case len(got.Outcomes) != 0:
			t.Errorf("poll %d: got %+v, want it to be waited for", n, got.Outcomes)
		}
	}
}

// TestAnotherReportIsNotOurs: it is as if there were none.
func TestAnotherReportIsNotOurs(t *testing.T) {
	t.Parallel()
	s := newServer(t, always(200, reportAnswer("y@example", 0, "OK", `{"check_person":{"vehicle_validator":{"ownedStatus":"OWN"}}}`)))
	got := poll(t, newProvider(t, config(s.URL)), providers.Ticket{ID: "x@example"})
	if len(got.Outcomes) != 0 || len(got.Notices) != 1 || got.Notices[0].Kind != "foreign_record" || len(got.Ticket.Cursor) != 1 {
		t.Errorf("got %+v, want nothing but a notice, and a poll without a report counted", got)
	}
}

func TestATicketWithoutAUsableUIDIsNotPolled(t *testing.T) {
	t.Parallel()
	s := newServer(t, always(200, nothing))
	p := newProvider(t, config(s.URL))
	for _, id := range []string{"", ".", "..", "a b", "a\n", string(make([]byte, 5000))} {
		_, err := newSet(t, p).Poll(t.Context(), "spectrumdata", providers.Ticket{ID: id}, []providers.Request{request(nil)})
		if !errors.Is(err, providers.InvalidInput) || len(s.got()) != 0 {
			t.Errorf("%q: got %v after %d requests, want invalid_input after none", id, err, len(s.got()))
		}
	}
}

// TestADamagedCursorCountsAsNone: it is the count of polls without a report.
func TestADamagedCursorCountsAsNone(t *testing.T) {
	t.Parallel()
	s := newServer(t, always(200, nothing))
	p := newProvider(t, config(s.URL))
	for _, cursor := range [][]byte{nil, {}, {1, 2}, []byte("long")} {
		got := poll(t, p, providers.Ticket{ID: "x@example", Cursor: cursor})
		if string(got.Ticket.Cursor) != "\x01" || len(got.Outcomes) != 0 {
			t.Errorf("cursor %x: got %+v, want the count to begin", cursor, got)
		}
	}
	if got := poll(t, p, providers.Ticket{ID: "x@example", Cursor: []byte{255}}); len(got.Outcomes) != 0 {
		t.Errorf("a count beyond all bounds: got %+v, want nothing more", got.Outcomes)
	}
}
