package jobs

import (
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestFirstPoll(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		min, first, said, want time.Duration // from now; said 0: nothing was said
	}{
		"as the provider is known":           {min: time.Second, first: 2 * time.Second, want: 2 * time.Second},
		"never before the shortest pause":    {min: 10 * time.Second, first: 2 * time.Second, want: 10 * time.Second},
		"where nothing is known":             {min: 10 * time.Second, want: 10 * time.Second},
		"later where the provider says so":   {min: time.Second, first: 2 * time.Second, said: 5 * time.Second, want: 5 * time.Second},
		"not earlier where it says so":       {min: time.Second, first: 2 * time.Second, said: -time.Hour, want: 2 * time.Second},
		"what it says is bounded":            {min: time.Second, first: 2 * time.Second, said: time.Hour, want: time.Minute},
		"a first poll may come after all":    {min: time.Second, first: 2 * time.Minute, want: 2 * time.Minute},
		"a first poll is not cut by a bound": {min: time.Second, first: 2 * time.Minute, said: time.Hour, want: 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testPolicy(true)
			p.limits.PollMin, p.limits.FirstPoll = tc.min, tc.first
			out := providers.Outcome{Ticket: &providers.Ticket{ID: "a"}}
			if tc.said != 0 {
				out.PollAfter = noon.Add(tc.said)
			}
			got := p.judge(claimOf(1), noon, []providers.Outcome{out}).Tickets[0]
			if !got.Due.Equal(noon.Add(tc.want)) || got.Interval != tc.min {
				t.Errorf("got due in %v with pause %v, want %v and %v", got.Due.Sub(noon), got.Interval, tc.want, tc.min)
			}
		})
	}
}

// TestThePaceIsSteadyAtFirst polls a ticket that is never answered, and wants
// the pauses of a provider that answers within seconds.
func TestThePaceIsSteadyAtFirst(t *testing.T) {
	t.Parallel()
	now := noon
	p := NewPolicy(testPolicy(true).spec, Limits{
		PollMin: time.Second, PollMax: 15 * time.Second, FirstPoll: 2 * time.Second, SteadyFor: 7 * time.Second, Deadline: 2 * time.Minute,
	}, func() time.Time { return now })
	first := p.judge(claimOf(1), noon, []providers.Outcome{{Ticket: &providers.Ticket{ID: "a"}}}).Tickets[0]
	ticket := store.OpenTicket{ID: 1, Lease: 1, Created: now, Interval: first.Interval, Deadline: first.Deadline, Asks: claimOf(1).Asks}
	now = first.Due
	for i, ms := range []float64{1000, 1000, 1000, 1000, 1000, 1500, 2250, 3375, 5062.5, 7593.75, 11390.625, 15000, 15000} {
		want := time.Duration(ms * float64(time.Millisecond))
		got := p.judgePoll(ticket, noon, providers.Progress{}, nil, 0).settlement
		if got.Interval != want || !got.Due.Equal(now.Add(want)) {
			t.Fatalf("after poll %d: got a pause of %v, due in %v, want %v", i+1, got.Interval, got.Due.Sub(now), want)
		}
		now, ticket.Interval = got.Due, got.Interval
	}
}

// TestPollsSlowDownWhileWebhooksArrive: whatever a pass brings, the next one
// that nobody asks for is the longest pause away, while the last webhook is no
// older than that.
func TestPollsSlowDownWhileWebhooksArrive(t *testing.T) {
	t.Parallel()
	p := testPolicy(true)
	found := providers.Outcome{Ref: ref(claimOf(2).Asks[0].ID), Record: &providers.Record{Result: []byte(`{}`)}}
	for name, tc := range map[string]struct {
		heard time.Duration // ago; 0: never
		news  bool
		want  time.Duration
	}{
		"never heard":          {want: 30 * time.Second},
		"never heard, news":    {news: true, want: 10 * time.Second},
		"heard lately":         {heard: 59 * time.Second, want: time.Minute},
		"heard lately, news":   {heard: time.Second, news: true, want: time.Minute},
		"heard long ago":       {heard: time.Minute, want: 30 * time.Second},
		"heard long ago, news": {heard: time.Hour, news: true, want: 10 * time.Second},
	} {
		ticket := store.OpenTicket{ID: 1, Lease: 1, Interval: 20 * time.Second, Deadline: noon.Add(time.Hour), Asks: claimOf(2).Asks}
		if tc.heard > 0 {
			ticket.Heard = noon.Add(-tc.heard)
		}
		got := providers.Progress{Names: []string{"r1"}}
		if tc.news {
			got.Outcomes = []providers.Outcome{found}
		}
		s := p.judgePoll(ticket, noon, got, nil, 0).settlement
		if s.Interval != tc.want || !s.Due.Equal(noon.Add(tc.want)) {
			t.Errorf("%s: got a pause of %v, due in %v, want %v", name, s.Interval, s.Due.Sub(noon), tc.want)
		}
		if !s.Prompt.Equal(noon.Add(10*time.Second)) || len(s.Names) != 1 {
			t.Errorf("%s: got prompt in %v, names %v, want it at the shortest pause, and the names", name, s.Prompt.Sub(noon), s.Names)
		}
	}
}

// TestNewsThatAPollDidNotBringAreAskedForSoon: a hint is not used up by a poll
// that failed.
func TestNewsThatAPollDidNotBringAreAskedForSoon(t *testing.T) {
	t.Parallel()
	p := testPolicy(true)
	for hinted, want := range map[bool]time.Duration{true: 10 * time.Second, false: time.Minute} {
		ticket := store.OpenTicket{ID: 1, Lease: 1, Interval: time.Minute, Deadline: noon.Add(time.Hour), Asks: claimOf(1).Asks,
			Hinted: hinted, Heard: noon.Add(-time.Second)}
		s := p.judgePoll(ticket, noon, providers.Progress{}, &providers.Error{Class: providers.ProviderError}, 0).settlement
		if !s.Due.Equal(noon.Add(want)) {
			t.Errorf("hinted %v: got due in %v, want %v", hinted, s.Due.Sub(noon), want)
		}
	}
}

func TestSharedTicketsAreKeptAsSuch(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{true, false} {
		p := testPolicy(true)
		p.spec.SharedTickets = shared
		s := p.judge(claimOf(1), noon, []providers.Outcome{{Ticket: &providers.Ticket{ID: "a"}}})
		if got := s.Tickets[0].Shared; got != shared {
			t.Errorf("got shared %t, want %t", got, shared)
		}
	}
}

// A call of a dead owner goes back to the queue only where none of its asks
// would be paid for again.
func TestJudgeStale(t *testing.T) {
	t.Parallel()
	ask := func(params providers.Params) store.Ask {
		return store.Ask{Subject: providers.Subject{providers.Plate: "A1"}, Params: params}
	}
	forced := ask(providers.Params{"force": "true"})
	free := providers.Spec{Name: "acme", FreeRepeat: func(p providers.Params) bool { return p["force"] == "" }}
	for name, tc := range map[string]struct {
		spec providers.Spec
		asks []store.Ask
		want store.State
	}{
		"free":                  {free, []store.Ask{ask(nil), ask(nil)}, store.Queued},
		"one is not free":       {free, []store.Ask{ask(nil), forced}, store.Unknown},
		"one cannot be read":    {free, []store.Ask{ask(nil), {}}, store.Unknown},
		"nothing is ever free":  {providers.Spec{Name: "acme"}, []store.Ask{ask(nil)}, store.Unknown},
		"provider not set up":   {providers.Spec{}, []store.Ask{forced}, store.Unknown},
		"nothing can be judged": {free, nil, store.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := JudgeStale(tc.spec, store.StaleCall{Call: 7, Asks: tc.asks}); got.Rest.To != tc.want || got.Call != 7 {
				t.Errorf("got %+v, want the rest %s", got, tc.want)
			}
		})
	}
}
