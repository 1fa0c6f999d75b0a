package providers_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
)

// single answers at once; batch has tickets as well.
type single struct {
	spec   providers.Spec
	submit func(context.Context, []providers.Request) ([]providers.Outcome, error)
}

func (p *single) Spec() providers.Spec { return p.spec }

func (p *single) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	return p.submit(ctx, reqs)
}

type batch struct {
	single
	poll func(context.Context, providers.Ticket, []providers.Request) (providers.Progress, error)
}

func (p *batch) Poll(ctx context.Context, t providers.Ticket, open []providers.Request) (providers.Progress, error) {
	return p.poll(ctx, t, open)
}

type reader struct {
	single
	read func(http.Header, []byte) ([]providers.Hint, error)
}

func (p *reader) ReadCallback(h http.Header, body []byte) ([]providers.Hint, error) {
	return p.read(h, body)
}

func spec(change func(*providers.Spec)) providers.Spec {
	s := providers.Spec{
		Name: "fake", MaxBatch: 3, Timeout: time.Second,
		Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate, providers.VIN},
		Endpoints: providers.Endpoints{Submit: "submit"},
	}
	if change != nil {
		change(&s)
	}
	return s
}

func pending(s *providers.Spec) { s.Pending, s.Endpoints.Poll = true, "items" }

func newSet(t *testing.T, ps ...providers.Provider) *providers.Set {
	t.Helper()
	s, err := providers.NewSet(ps...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func requests(refs ...string) []providers.Request {
	reqs := make([]providers.Request, len(refs))
	for i, ref := range refs {
		reqs[i] = providers.Request{Ref: ref, Subject: providers.Subject{providers.Plate: plate}}
	}
	return reqs
}

func found(ref string) providers.Outcome {
	return providers.Outcome{Ref: ref, Record: &providers.Record{Result: []byte(`{}`)}}
}

func failed(ref string, err error) providers.Outcome { return providers.Outcome{Ref: ref, Err: err} }

func TestNewSetRefusesBadSpecs(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]providers.Provider{
		"name must be": &single{spec: spec(func(s *providers.Spec) { s.Name = "" })},
		"digits":       &single{spec: spec(func(s *providers.Spec) { s.Name = "Fake" })},
		"- and _":      &single{spec: spec(func(s *providers.Spec) { s.Name = "fa/ke" })},
		"MaxBatch":     &single{spec: spec(func(s *providers.Spec) { s.MaxBatch = 0 })},
		"Timeout":      &single{spec: spec(func(s *providers.Spec) { s.Timeout = 0 })},
		"Endpoints.Submit must be set": &single{spec: spec(func(s *providers.Spec) {
			s.Endpoints.Submit = ""
		})},
		"Pending must say":      &single{spec: spec(pending)},
		"whether Poll is there": &batch{single: single{spec: spec(nil)}},
		"Parts must say":        &single{spec: spec(func(s *providers.Spec) { s.Parts = true })},
		"Endpoints.Poll goes":   &batch{single: single{spec: spec(func(s *providers.Spec) { s.Pending = true })}},
		"goes with Pending":     &single{spec: spec(func(s *providers.Spec) { s.Endpoints.Poll = "items" })},
		"Callback must say":     &single{spec: spec(func(s *providers.Spec) { s.Callback = true })},
		"whether ReadCallback":  &reader{single: single{spec: spec(nil)}},
		"Uses must name a":      &single{spec: spec(func(s *providers.Spec) { s.Needs, s.Uses = nil, nil })},
		"Uses must name known": &single{spec: spec(func(s *providers.Spec) {
			s.Uses = append(s.Uses, "colour")
		})},
		"Needs must be": &single{spec: spec(func(s *providers.Spec) { s.Needs = []providers.Column{providers.INN} })},
		"is nil":        nil,
	} {
		if _, err := providers.NewSet(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
	_, err := providers.NewSet(&single{spec: spec(nil)}, &single{spec: spec(nil)},
		&single{spec: spec(func(s *providers.Spec) { s.Name, s.MaxBatch, s.Timeout = "other", 0, 0 })})
	for _, want := range []string{`"fake": named twice`, `"other"`, "MaxBatch", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want all faults in it, %q too", err, want)
		}
	}
}

func TestSetKnowsItsProviders(t *testing.T) {
	t.Parallel()
	s := newSet(t, &single{spec: spec(nil)}, &batch{single: single{spec: spec(func(s *providers.Spec) {
		s.Name = "batch"
		pending(s)
	})}})
	if diff := cmp.Diff([]string{"batch", "fake"}, s.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if got, err := s.Spec("batch"); err != nil || got.PollScope() != "batch/items" || got.SubmitScope() != "batch/submit" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, specErr := s.Spec("none")
	_, submitErr := s.Submit(t.Context(), "none", requests("a"))
	_, pollErr := s.Poll(t.Context(), "none", providers.Ticket{}, nil)
	for _, err := range []error{specErr, submitErr, pollErr} {
		e, ok := errors.AsType[*providers.UnknownError](err)
		if !ok || e.Error() != `unknown provider "none": there is batch, fake` {
			t.Errorf("got %v, want an UnknownError that lists what there is", err)
		}
	}
	if _, err := newSet(t).Spec("x"); err == nil || !strings.Contains(err.Error(), "none is set up") {
		t.Errorf("got %v from an empty set", err)
	}
}

func TestSubmitGivesOneOutcomeEachInOrder(t *testing.T) {
	t.Parallel()
	limited := &providers.Error{Class: providers.RateLimited, Scope: "fake/submit", Code: "4292"}
	unjudged := errors.New("not judged")
	for _, tc := range []struct {
		name string
		outs []providers.Outcome
		err  error
		want string // of a, b, c
	}{
		{"shuffled", []providers.Outcome{found("c"), failed("a", limited), found("b")}, nil, "rate_limited found found"},
		{"one left out", []providers.Outcome{found("c"), found("a")}, nil, "found ambiguous found"},
		{"none at all", nil, nil, "ambiguous ambiguous ambiguous"},
		{"one twice", []providers.Outcome{found("a"), found("b"), failed("a", limited), found("c")}, nil, "ambiguous found found"},
		{"a foreign one", []providers.Outcome{found("a"), found("x"), found("c")}, nil, "found ambiguous found"},
		{"an empty one", []providers.Outcome{found("a"), {Ref: "b"}, found("c")}, nil, "found ambiguous found"},
		{"one with two verdicts", []providers.Outcome{found("a"), found("b"),
			{Ref: "c", Record: &providers.Record{}, Err: limited}}, nil, "found found ambiguous"},
		{"one not judged", []providers.Outcome{found("a"), failed("b", unjudged), found("c")}, nil, "found ambiguous found"},
		{"the whole call", []providers.Outcome{found("a")}, limited, "rate_limited rate_limited rate_limited"},
		{"the whole call, not judged", nil, unjudged, "ambiguous ambiguous ambiguous"},
		{"the whole call, no class", nil, &providers.Error{Code: "x"}, "ambiguous ambiguous ambiguous"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSet(t, &single{spec: spec(nil), submit: func(context.Context, []providers.Request) ([]providers.Outcome, error) {
				return tc.outs, tc.err
			}})
			outs, err := s.Submit(t.Context(), "fake", requests("a", "b", "c"))
			if err != nil {
				t.Fatal(err)
			}
			if got := verdicts(t, outs); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			for i, ref := range []string{"a", "b", "c"} {
				if outs[i].Ref != ref {
					t.Errorf("got ref %q at %d, want %q", outs[i].Ref, i, ref)
				}
			}
		})
	}
}

// verdicts says in a word what became of each, and that errors are complete.
func verdicts(t *testing.T, outs []providers.Outcome) string {
	t.Helper()
	words := make([]string, 0, len(outs))
	for _, o := range outs {
		switch e, ok := errors.AsType[*providers.Error](o.Err); {
		case ok:
			words = append(words, e.Class.String())
			if e.Provider != "fake" || e.Op == "" || e.Scope == "" {
				t.Errorf("got %+v, want provider, op and scope in it", e)
			}
		case o.Err != nil:
			t.Errorf("got an error of type %T", o.Err)
		default:
			words = append(words, "found")
		}
	}
	return strings.Join(words, " ")
}

func TestSubmitAttemptsNothingWithBadRequests(t *testing.T) {
	t.Parallel()
	s := newSet(t, &single{spec: spec(nil), submit: func(context.Context, []providers.Request) ([]providers.Outcome, error) {
		t.Error("the provider was called")
		return nil, nil
	}})
	for _, reqs := range [][]providers.Request{nil, requests("a", "b", "c", "d"), requests("a", "b", "a")} {
		if outs, err := s.Submit(t.Context(), "fake", reqs); err == nil || outs != nil {
			t.Errorf("%d requests: got %v, %v, want an error alone", len(reqs), outs, err)
		}
	}
}

func TestPollKeepsWhatIsAsked(t *testing.T) {
	t.Parallel()
	ticket := providers.Ticket{ID: "t", Cursor: []byte{1}}
	limited := &providers.Error{Class: providers.RateLimited}
	s := newSet(t, &batch{single: single{spec: spec(pending)},
		poll: func(_ context.Context, got providers.Ticket, open []providers.Request) (providers.Progress, error) {
			if got.ID == "bad" {
				return providers.Progress{}, limited
			}
			return providers.Progress{Ticket: got, More: true, Outcomes: []providers.Outcome{
				found("x"), failed("b", errors.New("not judged")), found("a"), found("a"),
				{Ref: "c"}, {Ref: "c", Ticket: &ticket},
			}}, nil
		}})
	got, err := s.Poll(t.Context(), "fake", ticket, requests("a", "b", "c"))
	if err != nil {
		t.Fatal(err)
	}
	if verdicts(t, got.Outcomes) != "ambiguous found" || got.Outcomes[1].Ref != "a" || !got.More {
		t.Errorf("got %+v, want b and a alone", got)
	}
	if diff := cmp.Diff(ticket, got.Ticket); diff != "" {
		t.Errorf("ticket (-want +got):\n%s", diff)
	}
	_, err = s.Poll(t.Context(), "fake", providers.Ticket{ID: "bad"}, nil)
	if e := wantError(t, err, providers.RateLimited, ""); e.Op != "items" || e.Provider != "fake" {
		t.Errorf("got %+v, want provider and op in it", e)
	}
	answersAtOnce := newSet(t, &single{spec: spec(nil)})
	if _, err := answersAtOnce.Poll(t.Context(), "fake", ticket, nil); err == nil {
		t.Error("a provider without tickets was polled")
	}
}

func TestSetReadsCallbacks(t *testing.T) {
	t.Parallel()
	r := &reader{single: single{spec: spec(func(s *providers.Spec) { s.Callback = true })}}
	s := newSet(t, r, &single{spec: spec(func(s *providers.Spec) { s.Name = "deaf" })})
	want := []providers.Hint{{Ticket: "b1"}}
	r.read = func(h http.Header, body []byte) ([]providers.Hint, error) {
		if h.Get("X") != "y" || string(body) != "body" {
			t.Errorf("got %v, %q", h, body)
		}
		return want, nil
	}
	got, err := s.ReadCallback("fake", http.Header{"X": {"y"}}, []byte("body"))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("got %v (-want +got):\n%s", err, diff)
	}
	for name, tc := range map[string]struct {
		read func(http.Header, []byte) ([]providers.Hint, error)
		want providers.Class
	}{
		"an unjudged error": {func(http.Header, []byte) ([]providers.Hint, error) { return want, errors.New("of no class") }, providers.Ambiguous},
		"an error": {func(http.Header, []byte) ([]providers.Hint, error) {
			return want, &providers.Error{Class: providers.Unauthorised}
		}, providers.Unauthorised},
		"a panic": {func(http.Header, []byte) ([]providers.Hint, error) { panic("DL01AA1000") }, providers.Poison},
	} {
		r.read = tc.read
		hints, err := s.ReadCallback("fake", nil, nil)
		e, ok := errors.AsType[*providers.Error](err)
		if !ok || e.Class != tc.want || e.Provider != "fake" || len(hints) > 0 || strings.Contains(err.Error(), "DL01") {
			t.Errorf("%s: got %v, %v, want %v", name, hints, err, tc.want)
		}
	}
	for _, name := range []string{"deaf", "nobody"} {
		_, err := s.ReadCallback(name, nil, nil)
		if e, ok := errors.AsType[*providers.UnknownError](err); !ok || strings.Join(e.Known, " ") == "" {
			t.Errorf("%s: got %v, want it not to be known", name, err)
		}
	}
}
