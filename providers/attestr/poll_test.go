package attestr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
)

// script is a server whose next answer a test sets before each poll.
type script struct {
	*testing.T
	p    *attestr.Provider
	url  string
	body string
	skip int // of the last poll

	ticket providers.Ticket
	open   []providers.Request
}

// newScript submits plates, as b1, and is ready to be polled.
func newScript(t *testing.T, plates ...string) *script {
	t.Helper()
	s := &script{T: t, open: requests(plates...), body: `{"_id":"b1","number":"N-1"}`}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Skip int `json:"$skip"`
		}
		_ = json.NewDecoder(r.Body).Decode(&q)
		s.skip = q.Skip
		_, _ = io.WriteString(w, s.body)
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	s.p = newProvider(t, config(s.url))
	outs, err := s.p.Submit(t.Context(), s.open)
	if err != nil {
		t.Fatal(err)
	}
	s.ticket = *outs[0].Ticket
	return s
}

// poll gets these records and returns, in a line, what became of it.
func (s *script) poll(records ...string) string {
	s.Helper()
	s.body = page(records...)
	got, err := s.p.Poll(s.Context(), s.ticket, s.open)
	if err != nil {
		s.Fatal(err)
	}
	words := []string{fmt.Sprintf("skip %d", s.skip)}
	done := map[string]bool{}
	for _, o := range got.Outcomes {
		done[o.Ref] = true
		word := "found"
		if e, ok := errors.AsType[*providers.Error](o.Err); ok {
			word = e.Class.String()
		}
		words = append(words, o.Ref+" "+word)
	}
	for _, n := range got.Notices {
		words = append(words, fmt.Sprintf("%s %d", n.Kind, n.Count))
	}
	if got.More {
		words = append(words, "more")
	}
	s.ticket = got.Ticket
	s.settle(done)
	return strings.Join(words, ", ")
}

// settle leaves open what is not done, by Ref.
func (s *script) settle(done map[string]bool) {
	s.open = slices.DeleteFunc(slices.Clone(s.open), func(r providers.Request) bool { return done[r.Ref] })
}

func (s *script) want(want string, records ...string) {
	s.Helper()
	if got := s.poll(records...); got != want {
		s.Errorf("got %q, want %q", got, want)
	}
}

// Records of b1: A is found, B not; each also as INITIATED.
const (
	plateA, plateB, plateC = "DL01AA1000", "DL01AA1001", "DL01AA1003"
)

func initiated(plate string) string { return listing("b1", plate, false) }
func final(plate string) string     { return listing("b1", plate, true) }

func TestPassEndsWhenAllWereSeen(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA, plateB, plateC)
	s.want("skip 0, more", initiated(plateA), initiated(plateB))
	s.want("skip 2", initiated(plateC))
	s.want("skip 0, r0 found, more", final(plateA), initiated(plateB))
	// A is final, so that it need not be seen again for the pass to end.
	s.want("skip 2", initiated(plateC))
	s.want("skip 0, r1 not_found, r2 found", final(plateB), final(plateC))
}

func TestPassEndsAtAnEmptyPageOnly(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA, plateB, plateC)
	s.want("skip 0, more", initiated(plateA)) // a short page
	s.want("skip 1, more", initiated(plateB)) // and another
	s.want("skip 2")
	s.want("skip 0, more", initiated(plateA))
}

func TestShiftedPages(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA, plateB, plateC)
	s.want("skip 0, r1 not_found, more", initiated(plateA), final(plateB))
	s.want("skip 2, more", final(plateB)) // again: A and C changed places
	s.want("skip 3")
	s.want("skip 0, r2 found", final(plateC), initiated(plateA))
	s.want("skip 0, r0 found", initiated(plateA), final(plateA)) // twice on a page: the final one counts
}

func TestRegressionKeepsWhatWasFinal(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA, plateB)
	s.want("skip 0, r0 found", final(plateA), initiated(plateB))
	s.want("skip 0, regression 1", initiated(plateA), initiated(plateB))
	s.want("skip 0, r1 not_found, regression 1", initiated(plateA), final(plateB))
}

func TestForeignRecordsAreNobodys(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA, plateB)
	s.want("skip 0, r0 found, foreign_record 2, more",
		final(plateA), listing("b2", plateB, true), listing("b1", "XX00XX0000", true))
	// What is not of this batch does not count as read.
	s.want("skip 2, r1 not_found", final(plateB))
}

func TestMissingAfterThreeWholePasses(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA, plateB, plateC)
	s.want("skip 0, r0 found, more", final(plateA), initiated(plateB))
	s.want("skip 2") // not counted: B is not final
	for range 2 {
		s.poll(final(plateA), final(plateB))
		s.want("skip 2")
	}
	s.poll(final(plateA), final(plateB))
	s.want("skip 2, r2 missing_at_provider")
	if len(s.open) != 0 {
		t.Errorf("got %d open, want none", len(s.open))
	}
}

func TestMissingIsNotSaidOfWhatTurnsUp(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA, plateB)
	for range 2 {
		s.poll(final(plateA))
		s.want("skip 1")
	}
	s.want("skip 0", final(plateA), initiated(plateB)) // there it is: counted anew
	for range 2 {
		s.poll(final(plateA))
		s.want("skip 1")
	}
	s.want("skip 0, r1 not_found", final(plateB))
}

func TestMissingNeedsProof(t *testing.T) {
	t.Parallel()
	for name, records := range map[string][]string{
		"nothing listed yet":   nil,
		"a record seen twice":  {final(plateA), final(plateA)},
		"one under other name": {final(plateA), listing("b1", "XX00XX0000", true)},
		"one unreadable":       {final(plateA), `{"status":"COMPLETED"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, plateA, plateB)
			for pass := 1; pass <= 12; pass++ {
				last := s.poll(records...)
				if len(records) > 0 {
					last = s.poll()
				}
				if missing := strings.Contains(last, "missing"); missing != (pass == 12) {
					t.Fatalf("pass %d: got %q, want missing after the twelfth", pass, last)
				}
			}
		})
	}
}

func TestEndlessPagesAreCutShort(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA, plateB)
	for passes := 0; passes < 5; {
		got := s.poll(final(plateA), final(plateA), final(plateA))
		if strings.Contains(got, "missing") {
			t.Fatalf("got %q, want no verdict on what such pages do not show", got)
		}
		if strings.Contains(got, "endless_pages 1") {
			passes++
			continue
		}
		if !strings.HasSuffix(got, "more") {
			t.Fatalf("got %q, want the pass to go on or to be cut short", got)
		}
	}
	s.want("skip 0, r1 not_found", final(plateB))
}

func TestTicketWithoutACursor(t *testing.T) {
	t.Parallel()
	for _, cursor := range [][]byte{nil, {}, {99}, []byte("garbage")} {
		s := newScript(t, plateA, plateB)
		s.ticket.Cursor = cursor
		reset := ""
		if len(cursor) > 0 {
			reset = ", cursor_reset 1"
		}
		s.want("skip 0, r0 found"+reset+", more", final(plateA))
		s.want("skip 1, r1 not_found", final(plateB))
	}
}

func TestEqualAndEmptyPlates(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA, strings.ToLower(plateA), plateB)
	s.want("skip 0, r0 found, r1 found, r2 not_found", final(plateA), final(plateB))

	s.body = `{"_id":"b2","number":"N"}`
	outs, err := s.p.Submit(t.Context(), requests(plateA, " - ", plateB))
	if err != nil || outs[0].Ticket == nil || !errors.Is(outs[1].Err, providers.InvalidInput) || outs[2].Ticket == nil {
		t.Errorf("got %+v, %v, want the one without a plate refused alone", outs, err)
	}
	outs, err = s.p.Submit(t.Context(), requests("", "-"))
	if err != nil || len(outs) != 2 || !errors.Is(outs[0].Err, providers.InvalidInput) {
		t.Errorf("got %+v, %v, want both refused", outs, err)
	}
}

func TestPollWithoutAUsableID(t *testing.T) {
	t.Parallel()
	s := newScript(t, plateA)
	for _, id := range []string{"", ".", "..", "a b", "a\nb", strings.Repeat("x", 257)} {
		s.skip = -1
		_, err := s.p.Poll(t.Context(), providers.Ticket{ID: id}, s.open)
		if !errors.Is(err, providers.InvalidInput) || s.skip != -1 {
			t.Errorf("id %q: got %v, want it refused and nothing sent", id, err)
		}
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]bool{4001: false, 4291: true, 4294: true, 5001: true} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			fault(w, 429, code)
		}))
		_, err := newProvider(t, config(srv.URL)).Poll(t.Context(), providers.Ticket{ID: "b1"}, nil)
		srv.Close()
		e, _ := errors.AsType[*providers.Error](err)
		if e == nil || e.Until.IsZero() == want || want && e.Until.Sub(noon).Seconds() != 7 {
			t.Errorf("%d: got %+v, want a time: %v", code, e, want)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	if err := (attestr.Config{AuthToken: token}).Validate(); err != nil {
		t.Errorf("the least there can be: got %v, want nil", err)
	}
	bad := attestr.Config{BaseURL: "api.attestr.com", AuthToken: "Basic " + token, PageSize: -1, BatchSize: -1, Timeout: -1}
	err := bad.Validate()
	if err == nil || strings.Contains(err.Error(), token) {
		t.Fatalf("got %v, want faults without the token", err)
	}
	var got []string
	for line := range strings.Lines(err.Error()) {
		name, _, _ := strings.Cut(line, ":")
		got = append(got, name)
	}
	want := []string{"BASE_URL", "AUTH_TOKEN", "PAGE_SIZE", "BATCH_SIZE", "TIMEOUT"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	for _, u := range []string{"://", "ftp://x", "https://u:p@x", "https://x?a=b", "https://x#f", "https://x?", "https://x#", "https://"} {
		if err := (attestr.Config{BaseURL: u, AuthToken: token}).Validate(); err == nil {
			t.Errorf("base URL %q: got nil, want a fault", u)
		}
	}
	if _, err := attestr.New(attestr.Config{}, attestr.Options{}); err == nil {
		t.Error("New without a token: got nil, want an error")
	}
}
