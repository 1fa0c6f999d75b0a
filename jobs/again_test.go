package jobs

import (
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// A call that has a failed report made anew is paid for each time, whatever
// else is free at the provider.
func TestARetryOfATicketIsNotFreeToRepeat(t *testing.T) {
	t.Parallel()
	cut := &providers.Error{Provider: "acme", Scope: "acme/submit", Class: providers.Ambiguous, Code: "cut"}
	p := testPolicy(true)
	claim := claimOf(2)
	claim.Asks[1].Prior = &providers.Ticket{ID: "T-1"}
	if reqs := requests(claim.Asks); reqs[0].Prior != nil || reqs[1].Prior == nil || reqs[1].Prior.ID != "T-1" {
		t.Errorf("the requests are %+v, want the ticket with the second", reqs)
	}
	s := p.judge(claim, noon, failAll(claim, cut))
	if s.Verdicts[0].To != store.Queued || s.Verdicts[1].To != store.Unknown {
		t.Errorf("verdicts are %+v, want queued and unknown", s.Verdicts)
	}
	for i := range claim.Asks {
		claim.Asks[i].Subject = providers.Subject{providers.Plate: "X"}
	}
	if got := JudgeStale(p.spec, store.StaleCall{Asks: claim.Asks}).Rest.To; got != store.Unknown {
		t.Errorf("a dead call with it becomes %s, want unknown", got)
	}
	if got := JudgeStale(p.spec, store.StaleCall{Asks: claim.Asks[:1]}).Rest.To; got != store.Queued {
		t.Errorf("a dead call without it becomes %s, want queued", got)
	}
}

// What an adopted ticket does not hold is as unknown as it was, and never
// failed: a person may have named the wrong one.
func TestAnAdoptedTicketGivesBackWhatItDoesNotHold(t *testing.T) {
	t.Parallel()
	missing := &providers.Error{Provider: "acme", Scope: "acme/items", Class: providers.Missing, Code: "missing"}
	none := &providers.Error{Provider: "acme", Scope: "acme/items", Class: providers.InvalidInput, Code: "no_such"}
	later := &providers.Error{Provider: "acme", Scope: "acme/items", Class: providers.ProviderError, Code: "5001"}
	for name, tt := range map[string]struct {
		err      error
		outs     bool
		deadline time.Time
		want     store.State // of both asks; 0: they wait
	}{
		"records are missing":  {outs: true, deadline: noon.Add(time.Hour), want: store.Unknown},
		"there is no such":     {err: none, deadline: noon.Add(time.Hour), want: store.Unknown},
		"the deadline is over": {err: later, deadline: noon, want: store.Unknown},
		"the poll went wrong":  {err: later, deadline: noon.Add(time.Hour)},
		"nothing is there yet": {deadline: noon.Add(time.Hour)},
	} {
		ticket := openTicket(2)
		ticket.Adopted, ticket.Deadline = true, tt.deadline
		got := providers.Progress{}
		if tt.outs {
			for _, r := range requests(ticket.Asks) {
				got.Outcomes = append(got.Outcomes, providers.Outcome{Ref: r.Ref, Err: missing})
			}
		}
		p := testPolicy(false)
		s := p.judgePoll(ticket, noon, got, tt.err, 0).settlement
		if s.Release {
			t.Errorf("%s: a ticket that may hold more is released", name)
		}
		p.spec.MaxBatch, p.spec.Pending = 1, true
		if got := p.judgePoll(ticket, noon, got, tt.err, 0).settlement.Release; got != (tt.want == store.Unknown) {
			t.Errorf("%s: a ticket that answers one ask is released: %t", name, got)
		}
		if tt.want == 0 {
			if len(s.Verdicts) != 0 || s.Close {
				t.Errorf("%s: settled as %+v, want it to go on waiting", name, s)
			}
			continue
		}
		if !s.Close || s.Expire || len(s.Verdicts) != 2 || s.Verdicts[0].To != tt.want || s.Verdicts[1].To != tt.want {
			t.Errorf("%s: settled as %+v, want %s and closed", name, s, tt.want)
		}
	}
}
