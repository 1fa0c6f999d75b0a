package jobs

import (
	"errors"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func testPolicy(free bool) *Policy {
	spec := providers.Spec{Name: "acme", MaxBatch: 4, Endpoints: providers.Endpoints{Submit: "submit", Poll: "items"}, Timeout: time.Second}
	if free {
		spec.FreeRepeat = func(providers.Params) bool { return true }
	}
	return NewPolicy(spec, Limits{
		PollMin: 10 * time.Second, PollMax: time.Minute, Deadline: time.Hour, Probe: time.Hour,
		NextReset: func(t time.Time) time.Time { return t.Truncate(24 * time.Hour).Add(24 * time.Hour) },
	}, func() time.Time { return noon })
}

func claimOf(n int) store.Claim {
	c := store.Claim{Call: 7}
	for i := range n {
		c.Asks = append(c.Asks, store.Ask{ID: store.NewAskID(1, i)})
	}
	return c
}

func failAll(c store.Claim, e *providers.Error) []providers.Outcome {
	outs := make([]providers.Outcome, len(c.Asks))
	for i, a := range c.Asks {
		outs[i] = providers.Outcome{Ref: ref(a.ID), Err: e}
	}
	return outs
}

func TestEveryClassHasARuling(t *testing.T) {
	t.Parallel()
	rules := rulings()
	for _, c := range providers.Classes() {
		r, ok := rules[c]
		if !ok {
			t.Errorf("class %s has no ruling", c)
			continue
		}
		if r.to == store.Failed {
			if _, named := failureClass[c]; !named {
				t.Errorf("class %s fails an ask and has no name in results", c)
			}
		}
	}
	if len(rules) != len(providers.Classes()) {
		t.Errorf("got %d rulings for %d classes", len(rules), len(providers.Classes()))
	}
}

// What each class does to a single ask of a paid call that cannot be repeated.
func TestWhatAnOutcomeDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		class   providers.Class
		free    bool
		to      store.State
		counted bool
		gate    string
	}{
		{class: providers.NotFound, to: store.NotFound, counted: true},
		{class: providers.InvalidInput, to: store.Failed, counted: true},
		{class: providers.ProviderError, to: store.Failed, counted: true},
		{class: providers.Missing, to: store.Failed, counted: true},
		{class: providers.RateLimited, to: store.Queued},
		{class: providers.DailyLimited, to: store.Queued, gate: "acme/submit"},
		{class: providers.OutOfCredit, to: store.Queued, gate: "acme"},
		{class: providers.Unauthorised, to: store.Queued, gate: "acme"},
		{class: providers.Unavailable, to: store.Queued, counted: true},
		{class: providers.Ambiguous, to: store.Unknown, counted: true},
		{class: providers.Ambiguous, free: true, to: store.Queued, counted: true},
		{class: providers.Poison, to: store.Queued},
	} {
		claim := claimOf(1)
		s := testPolicy(c.free).judge(claim, noon, failAll(claim, &providers.Error{Provider: "acme", Scope: "acme/submit", Class: c.class, Code: "x"}))
		v := s.Verdicts[0]
		if v.To != c.to || v.Counted != c.counted {
			t.Errorf("%s (free %t): got %s, counted %t; want %s, %t", c.class, c.free, v.To, v.Counted, c.to, c.counted)
		}
		gate := ""
		if len(s.Gates.Close) > 0 {
			gate = s.Gates.Close[0].Scope
		}
		if gate != c.gate {
			t.Errorf("%s: closed gate %q, want %q", c.class, gate, c.gate)
		}
		if (v.To == store.Failed || v.To == store.NotFound) != (v.Answer != nil) {
			t.Errorf("%s: answer %v does not go with %s", c.class, v.Answer, v.To)
		}
	}
}

func TestUnavailableFailsAfterFiveAttempts(t *testing.T) {
	t.Parallel()
	p := testPolicy(false)
	for attempts := range 5 {
		claim := claimOf(1)
		claim.Asks[0].Attempts = attempts
		p.succeed("acme/submit") // others get through: no circuit opens
		s := p.judge(claim, noon, failAll(claim, &providers.Error{Class: providers.Unavailable, Code: "no_answer"}))
		v := s.Verdicts[0]
		if want := attempts == 4; (v.To == store.Failed) != want {
			t.Errorf("after %d attempts: %s", attempts+1, v.To)
		}
		if attempts < 4 {
			lo, hi := time.Second<<attempts*8/10, time.Second<<attempts*12/10
			if d := s.Ready.Sub(noon); d < lo || d > hi {
				t.Errorf("attempt %d waits %v, want 2^%d s within a fifth", attempts+1, d, attempts)
			}
		}
	}
}

func TestProbesDoNotCountAsAttempts(t *testing.T) {
	t.Parallel()
	claim := claimOf(1)
	claim.Probe, claim.Asks[0].Attempts = true, 4
	s := testPolicy(false).judge(claim, noon, failAll(claim, &providers.Error{Class: providers.Unavailable}))
	if v := s.Verdicts[0]; v.To != store.Queued || v.Counted {
		t.Errorf("got %s, counted %t; want queued, not counted", v.To, v.Counted)
	}
}

func TestTheThirdRefusalInARowClosesTheScope(t *testing.T) {
	t.Parallel()
	p := testPolicy(false)
	limited := &providers.Error{Class: providers.RateLimited, Scope: "acme", Code: "4291"}
	claim := claimOf(1)
	for n := 1; n <= 3; n++ {
		s := p.judge(claim, noon, failAll(claim, limited))
		if closes := len(s.Gates.Close) == 1; closes != (n == 3) {
			t.Errorf("refusal %d closes: %t", n, closes)
		}
	}
	p.judge(claim, noon, []providers.Outcome{{Record: &providers.Record{}}})
	p.succeed("acme")
	if s := p.judge(claim, noon, failAll(claim, limited)); len(s.Gates.Close) != 0 {
		t.Error("a success in between did not end the run")
	}
}

// Of what was on its way at once, one refusal counts: the others say no more.
func TestABurstOfRefusalsIsOneStrike(t *testing.T) {
	t.Parallel()
	now := noon
	p := testPolicy(false)
	p.now = func() time.Time { return now }
	limited := &providers.Error{Class: providers.RateLimited, Scope: "acme", Code: "4291"}
	for n := range strikesClose {
		sent := now
		for i := range 64 {
			now = now.Add(time.Millisecond)
			s := p.judge(claimOf(1), sent, failAll(claimOf(1), limited))
			if closes := len(s.Gates.Close) == 1; closes != (n == strikesClose-1 && i == 0) {
				t.Fatalf("burst %d, refusal %d: closes %t", n+1, i+1, closes)
			}
			if len(s.Gates.Close) == 1 && s.Gates.Close[0].Until.Sub(now) > 1200*time.Millisecond {
				t.Errorf("closed for %v, want a second", s.Gates.Close[0].Until.Sub(now))
			}
		}
	}
}

// Five failures at once open the circuit; the others of the burst neither
// lengthen it nor count against anybody.
func TestABurstOfFailuresOpensTheCircuitOnce(t *testing.T) {
	t.Parallel()
	now := noon
	p := testPolicy(false)
	p.now = func() time.Time { return now }
	down := &providers.Error{Class: providers.Unavailable, Scope: "acme", Code: "no_connection"}
	for i := range 64 {
		now = now.Add(time.Millisecond)
		s := p.judge(claimOf(1), noon, failAll(claimOf(1), down))
		if closes := len(s.Gates.Close) == 1; closes != (i == runOpens-1) {
			t.Fatalf("failure %d: closes %t", i+1, closes)
		}
		if counted := s.Verdicts[0].Counted; counted != (i < runOpens-1) {
			t.Errorf("failure %d counts as an attempt: %t", i+1, counted)
		}
	}
	probe := claimOf(1)
	probe.Probe = true
	s := p.judge(probe, now, failAll(probe, down))
	if len(s.Gates.Close) != 1 || s.Gates.Close[0].Strikes != runOpens+1 {
		t.Errorf("the probe that failed: got %+v, want the sixth strike", s.Gates.Close)
	}
}

func TestRetryAfterClosesAtOnce(t *testing.T) {
	t.Parallel()
	claim := claimOf(1)
	s := testPolicy(false).judge(claim, noon, failAll(claim, &providers.Error{Class: providers.RateLimited, Scope: "acme/submit", Until: noon.Add(17 * time.Second)}))
	if len(s.Gates.Close) != 1 || s.Gates.Close[0].Until.Before(noon.Add(17*time.Second)) || s.Gates.Close[0].Probe {
		t.Errorf("got %+v, want acme/submit closed for 17 s, open to all after", s.Gates.Close)
	}
}

func TestDailyLimitClosesUntilTheResetThenByProbe(t *testing.T) {
	t.Parallel()
	p := testPolicy(false)
	claim := claimOf(1)
	daily := &providers.Error{Class: providers.DailyLimited, Scope: "acme"}
	g := p.judge(claim, noon, failAll(claim, daily)).Gates.Close[0]
	if !g.Until.Equal(noon.Add(12*time.Hour)) || !g.Probe {
		t.Errorf("closed until %v, probe %t; want midnight, by probe", g.Until, g.Probe)
	}
	claim.Probe = true
	g = p.judge(claim, noon, failAll(claim, daily)).Gates.Close[0]
	if !g.Until.Equal(noon.Add(time.Hour)) {
		t.Errorf("a refused probe waits until %v, want an hour", g.Until)
	}
}

func TestARunOfFailuresOpensTheCircuit(t *testing.T) {
	t.Parallel()
	p := testPolicy(false)
	claim := claimOf(1)
	for n := 1; n <= runOpens; n++ {
		s := p.judge(claim, noon, failAll(claim, &providers.Error{Class: providers.Ambiguous, Scope: "acme"}))
		if closes := len(s.Gates.Close) == 1; closes != (n == runOpens) {
			t.Errorf("failure %d closes: %t", n, closes)
		}
	}
}

func TestACallRefusedOverItsInputIsHalved(t *testing.T) {
	t.Parallel()
	p := testPolicy(false)
	bad := &providers.Error{Class: providers.InvalidInput, Code: "4001"}
	claim := claimOf(4)
	s := p.judge(claim, noon, failAll(claim, bad))
	if s.Part != store.Suspects(4) {
		t.Errorf("part %d, want one of four to be looked for", s.Part)
	}
	for _, v := range s.Verdicts {
		if v.To != store.Queued || v.Counted {
			t.Errorf("got %s, counted %t; want queued, not counted", v.To, v.Counted)
		}
	}
	claim = claimOf(1)
	claim.Left, claim.Part = 1, store.Suspects(1)
	if s := p.judge(claim, noon, failAll(claim, bad)); s.Verdicts[0].To != store.Failed {
		t.Errorf("alone it is %s, want failed", s.Verdicts[0].To)
	}
	// Each has an error of its own: nothing was sent, nobody is looked for.
	claim = claimOf(2)
	s = p.judge(claim, noon, []providers.Outcome{
		{Err: &providers.Error{Class: providers.InvalidInput, Code: "no_vin"}},
		{Err: &providers.Error{Class: providers.InvalidInput, Code: "no_vin"}},
	})
	if s.Part != 0 || s.Verdicts[0].To != store.Failed || s.Verdicts[1].To != store.Failed {
		t.Errorf("part %d, %+v; want both failed", s.Part, s.Verdicts)
	}
}

func TestOneTicketForManyAsks(t *testing.T) {
	t.Parallel()
	claim := claimOf(3)
	a, b := &providers.Ticket{ID: "a"}, &providers.Ticket{ID: "b"}
	s := testPolicy(false).judge(claim, noon, []providers.Outcome{{Ticket: a}, {Ticket: b}, {Ticket: a}})
	if len(s.Tickets) != 2 || s.Verdicts[0].Ticket != 0 || s.Verdicts[1].Ticket != 1 || s.Verdicts[2].Ticket != 0 {
		t.Errorf("got %d tickets, %+v", len(s.Tickets), s.Verdicts)
	}
	if !s.Tickets[0].Due.Equal(noon.Add(10*time.Second)) || !s.Tickets[0].Deadline.Equal(noon.Add(time.Hour)) {
		t.Errorf("due %v, deadline %v", s.Tickets[0].Due, s.Tickets[0].Deadline)
	}
}

func TestRawIsKeptOnlyWhereAsked(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{true, false} {
		claim := claimOf(1)
		claim.KeepRaw = keep
		s := testPolicy(false).judge(claim, noon, []providers.Outcome{{Record: &providers.Record{Result: []byte(`{}`), Raw: []byte(`{"x":1}`)}}})
		if got := s.Verdicts[0].Answer.Raw != nil; got != keep {
			t.Errorf("keep %t: raw kept %t", keep, got)
		}
	}
}

func openTicket(n int) store.OpenTicket {
	t := store.OpenTicket{ID: 1, Lease: 1, Interval: 20 * time.Second, Deadline: noon.Add(time.Hour), Asks: claimOf(n).Asks}
	return t
}

func TestPollPaceGrowsAndShrinks(t *testing.T) {
	t.Parallel()
	p := testPolicy(false)
	idle := p.judgePoll(openTicket(2), noon, providers.Progress{}, nil, 0)
	if idle.settlement.Interval != 30*time.Second {
		t.Errorf("after nothing new: %v, want 30s", idle.settlement.Interval)
	}
	busy := p.judgePoll(openTicket(2), noon, providers.Progress{}, nil, 3)
	if busy.settlement.Interval != 10*time.Second {
		t.Errorf("after news: %v, want 10s", busy.settlement.Interval)
	}
	slow := openTicket(2)
	slow.Interval = time.Minute
	if got := p.judgePoll(slow, noon, providers.Progress{}, nil, 0).settlement.Interval; got != time.Minute {
		t.Errorf("at the longest pause: %v, want 1m", got)
	}
}

func TestAPassGoesOnPageByPage(t *testing.T) {
	t.Parallel()
	ticket := openTicket(2)
	got := testPolicy(false).judgePoll(ticket, noon, providers.Progress{More: true, Outcomes: []providers.Outcome{
		{Ref: ref(ticket.Asks[0].ID), Record: &providers.Record{}},
	}}, nil, 0)
	if !got.more || !got.settlement.Hold || len(got.settlement.Verdicts) != 1 {
		t.Errorf("got %+v, want the pass to go on with one verdict", got)
	}
	last := testPolicy(false).judgePoll(ticket, noon, providers.Progress{More: true, Outcomes: []providers.Outcome{
		{Ref: ref(ticket.Asks[0].ID), Record: &providers.Record{}},
		{Ref: ref(ticket.Asks[1].ID), Err: &providers.Error{Class: providers.NotFound}},
	}}, nil, 0)
	if last.more || !last.settlement.Close {
		t.Error("nothing is open any more, and the pass goes on")
	}
}

func TestTheDeadlineGivesUpAndAsksOnHourly(t *testing.T) {
	t.Parallel()
	p := testPolicy(false)
	ticket := openTicket(2)
	ticket.Deadline = noon
	for _, err := range []error{nil, errors.New("no answer")} {
		got := p.judgePoll(ticket, noon, providers.Progress{}, err, 0).settlement
		if !got.Expire || len(got.Verdicts) != 2 || got.Verdicts[0].Answer.Failure.Class != store.ClassProviderTimeout {
			t.Errorf("%v: got %+v, want both given up", err, got)
		}
		if got.Due.Before(noon.Add(time.Hour)) {
			t.Errorf("%v: asked again at %v, want in an hour", err, got.Due)
		}
	}
	ticket.Late, ticket.Deadline = true, noon.Add(-lateFor-time.Second)
	if got := p.judgePoll(ticket, noon, providers.Progress{}, nil, 0).settlement; !got.Close || len(got.Verdicts) != 0 {
		t.Errorf("after 30 days: %+v, want it closed", got)
	}
}

func TestAPollIsRepeatedWhateverItsError(t *testing.T) {
	t.Parallel()
	for _, c := range providers.Classes() {
		got := testPolicy(false).judgePoll(openTicket(1), noon, providers.Progress{}, &providers.Error{Class: c, Scope: "acme/items"}, 0).settlement
		if len(got.Verdicts) != 0 || got.Close || got.Due.IsZero() {
			t.Errorf("%s: got %+v, want another poll", c, got)
		}
	}
}

func TestTheFailureThatOpensTheCircuitFailsNobody(t *testing.T) {
	t.Parallel()
	p := testPolicy(false)
	claim := claimOf(1)
	for attempts := range runOpens {
		claim.Asks[0].Attempts = attempts
		s := p.judge(claim, noon, failAll(claim, &providers.Error{Class: providers.Unavailable, Code: "no_connection"}))
		if v := s.Verdicts[0]; v.To != store.Queued {
			t.Errorf("after %d attempts it is %s: a provider that is down fails no row", attempts+1, v.To)
		}
	}
}

func TestALostRecordIsAskedAboutForAWhileLonger(t *testing.T) {
	t.Parallel()
	ticket := openTicket(2)
	got := testPolicy(false).judgePoll(ticket, noon, providers.Progress{Outcomes: []providers.Outcome{
		{Ref: ref(ticket.Asks[0].ID), Record: &providers.Record{}},
		{Ref: ref(ticket.Asks[1].ID), Err: &providers.Error{Class: providers.Missing}},
	}}, nil, 0).settlement
	if got.Close || !got.Expire || !got.Due.Equal(noon.Add(time.Hour)) {
		t.Errorf("got %+v, want it late and due in an hour", got)
	}
	ticket.Late, ticket.Asks = true, ticket.Asks[1:]
	again := providers.Progress{Outcomes: []providers.Outcome{{Ref: ref(ticket.Asks[0].ID), Err: &providers.Error{Class: providers.Missing}}}}
	for _, said := range []providers.Progress{{}, again} {
		got = testPolicy(false).judgePoll(ticket, noon, said, nil, 0).settlement
		if got.Close || len(got.Verdicts) != 0 || !got.Due.Equal(noon.Add(time.Hour)) {
			t.Errorf("late: got %+v, want it due in an hour", got)
		}
		old := ticket
		old.Deadline = noon.Add(-lateFor - time.Second)
		if got = testPolicy(false).judgePoll(old, noon, said, nil, 0).settlement; !got.Close {
			t.Errorf("after 30 days: got %+v, want it closed", got)
		}
	}
}

// TestPollsForWantOfCreditKeepTheirPace: the gate that it closes is none of
// theirs.
func TestPollsForWantOfCreditKeepTheirPace(t *testing.T) {
	t.Parallel()
	refused := &providers.Error{Provider: "acme", Scope: "acme", Class: providers.OutOfCredit, Code: "4005"}
	ticket := openTicket(1)
	ticket.Interval = 20 * time.Second
	got := testPolicy(false).judgePoll(ticket, noon, providers.Progress{}, refused, 0).settlement
	if len(got.Gates.Close) != 1 || !got.Due.Equal(noon.Add(30*time.Second)) {
		t.Errorf("got %+v, want a closed gate and the next poll after its pause", got)
	}
}

func TestRawOfFailuresIsKeptWhereAsked(t *testing.T) {
	t.Parallel()
	ticket := openTicket(2)
	ticket.KeepRaw = true
	got := testPolicy(false).judgePoll(ticket, noon, providers.Progress{Outcomes: []providers.Outcome{
		{Ref: ref(ticket.Asks[0].ID), Err: &providers.Error{Class: providers.NotFound, Head: []byte(`{"a":1}`)}},
		{Ref: ref(ticket.Asks[1].ID), Err: &providers.Error{Class: providers.ProviderError, Head: []byte("no JSON")}},
	}}, nil, 0).settlement
	if string(got.Verdicts[0].Answer.Raw) != `{"a":1}` || got.Verdicts[1].Answer.Raw != nil {
		t.Errorf("got raw %q and %q", got.Verdicts[0].Answer.Raw, got.Verdicts[1].Answer.Raw)
	}
}
