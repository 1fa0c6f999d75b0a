package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
)

func TestProvidersAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.Local)
	const away = "acme: balance: unavailable (no_connection): dial tcp 127.0.0.1:1: connect: connection refused"
	all := []client.Provider{
		{
			Name: "acme", Title: "Acme Vehicles", Answers: "whether a person or company owns the vehicle", Countries: []string{"NO", "SE"},
			SetUp: true, MaxBatch: 500, Later: true, Repeats: "yes: the last report comes back, unless a new one is forced",
			DocumentedLimits: "500 vehicles a call; quotas of a day, a month and in all",
			Choices: []client.Choice{
				{Name: "vehicle", Ways: []client.Way{{Needs: []string{"plate"}}, {Needs: []string{"vin"}}}},
				{Name: "owner", Ways: []client.Way{{Needs: []string{"last_name", "first_name"}, May: []string{"patronymic"}}, {Needs: []string{"inn"}}}},
			},
			Params: []client.Param{{Name: "country", Usage: "whose plates", Default: "NO"}, {Name: "force", Usage: "ask anew", Required: true}},
			Limits: &client.Limits{Rate: "learn", Burst: 2, Concurrency: 4, Daily: 9000},
			Pace:   &client.Pace{Rate: new(12.3456), Learnt: true, Limit: new(12.5), PausedUntil: new(at), Workers: 2, InFlight: 3, UsedToday: 120, DayEnds: new(at)},
			Gates: []client.Gate{
				{Scope: "acme", Reason: "out_of_credit", Code: "4005", Since: at, Until: new(at), Probe: true},
				{Scope: "acme/submit", Reason: "rate_limited", Since: at, Until: new(at)},
				{Scope: "acme/items", Reason: "unauthorised", Since: at},
			},
			Open:     client.Backlog{Queued: 120, Sending: 3, Waiting: 4000, Tickets: 8, LateTickets: 1},
			Readings: []client.Reading{{Name: "decoded", Value: 12, At: at}, {Name: "free_requests_left", Value: 40, Gauge: true, At: at}},
			Balances: []client.Balance{{Name: "day", Left: "100", Unit: "reports", Until: new(at)}, {Name: "credit", Left: "12.50"}, {Name: "month", Unit: "reports"}},
		},
		{Name: "bare", Title: "Bare", Answers: "a name", Countries: []string{"IN"}, MaxBatch: 1, Repeats: "no", Needs: []string{"plate"}, BalanceError: new(away)},
	}
	var got strings.Builder
	if err := printProviders(&got, all, true); err != nil {
		t.Fatal(err)
	}
	want := `PROVIDER  SET UP  COUNTRY  A CALL  ANSWERS  QUEUED  WAITING  GATES
acme      yes     NO SE    500     later    120     4003     3 closed
bare      no      IN       1       at once  0       0        open

acme: Acme Vehicles (NO, SE), set up
  answers     whether a person or company owns the vehicle, later
  a call      up to 500 questions
  repeatable  yes: the last report comes back, unless a new one is forced
  a row has   plate or vin; last_name + first_name or inn
  parameter   country: whose plates; NO where nobody says
  parameter   force: ask anew; it must be given
  documented  500 vehicles a call; quotas of a day, a month and in all
  limits      rate learn, burst 2, 4 at once, 9000 a day
  pace        12.3 a second, as learnt so far, the limit was measured at 12.5,
              paused until 4 March 05:06, 3 in flight at 2 workers, 120 used of
              the day that ends 4 March 05:06
  closed      acme since 4 March 05:06: out of credit (4005), next probe 4 March
              05:06
  closed      acme/submit since 4 March 05:06: rate limited, until 4 March 05:06
  closed      acme/items since 4 March 05:06: unauthorised, until a person opens
              it
  open        120 queued, 3 sending, 4000 waiting, 8 tickets, 1 tickets asked
              about late answers
  readings    decoded 12, free requests left 40 at 4 March 05:06
  balance     day: 100 reports left until 2026-03-04 05:06:07
  balance     credit: 12.50 left
  balance     month: no limit

bare: Bare (IN), not set up
  answers     a name, at once
  a call      one question
  repeatable  no
  a row has   plate
  balance     not told: acme: balance: unavailable (no_connection): dial tcp
              127.0.0.1:1: connect: connection refused
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for line := range strings.Lines(got.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > pageWidth {
			t.Errorf("a line has %d characters: %s", n, line)
		}
	}
	for name, tc := range map[string]struct {
		all  []client.Provider
		want string
	}{
		"a gate that waits for a person": {all, "gate open acme (once its cause is gone)"},
		"only gates that open by time":   {[]client.Provider{{Name: "a", SetUp: true, Gates: all[0].Gates[1:2]}}, "run FILE -p a -o results.csv"},
		"none is set up":                 {all[1:], "config (what sets a provider up)"},
	} {
		if got := afterProviders(tc.all); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestThePaceAsPeopleReadIt(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]client.Pace{
		"":                                    {Rate: new(5.0)}, // it is among the limits
		"to be learnt: nothing was asked yet": {Rate: new(0.0), Learnt: true},
		"0.251 a second, as learnt so far, 0 in flight at one worker": {Rate: new(0.2514), Learnt: true, Workers: 1},
	} {
		if got := pace(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestProvidersAndGates(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(t, 3, "run", "mixed.csv", "-p", "attestr", "--simulate", "-o", "out.csv")
	out, errs := p.ok(t, 0, "providers", "attestr", "--simulate", "--balance")
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, `"set_up":true`) || !strings.Contains(errs, "next: plateq run FILE -p attestr") {
		t.Errorf("providers: %s%s", out, errs)
	}
	out, errs = p.ok(t, 0, "gate", "open", "attestr", "--simulate")
	if out != `{"opened":[]}`+"\n" || !strings.Contains(errs, "no gate of attestr was closed") {
		t.Errorf("gate open: %s%s", out, errs)
	}
	if _, errs := p.ok(t, 2, "gate", "open", "attestr/nothing", "--simulate"); !strings.Contains(errs, "those of attestr are attestr, attestr/submit, attestr/items") {
		t.Errorf("gate open: %s", errs)
	}
}
