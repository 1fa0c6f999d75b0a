package jobs

import (
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestOverridesOfASubmit(t *testing.T) {
	t.Parallel()
	o := Overrides{AmbiguousCodes: []string{"5001", "9"}, NotFoundCodes: []string{"9", "17"}, NotFoundTexts: []string{"No Bill"}}
	for _, tc := range []struct {
		class providers.Class
		code  string
		said  string
		want  store.State
	}{
		{providers.ProviderError, "5001", "", store.Unknown},
		{providers.InvalidInput, "5001", "", store.Unknown},
		{providers.OutOfCredit, "5001", "", store.Unknown},
		{providers.ProviderError, "9", "", store.Unknown}, // money comes first
		{providers.ProviderError, "17", "", store.NotFound},
		{providers.ProviderError, "18", "Sorry, NO BILL was found", store.NotFound},
		{providers.ProviderError, "18", "no such luck", store.Failed},
		{providers.ProviderError, "", "", store.Failed},
		{providers.InvalidInput, "17", "no bill", store.Failed}, // refused as it was written: nobody looked
		{providers.Unauthorised, "17", "no bill", store.Queued},
		{providers.Ambiguous, "17", "no bill", store.Unknown},
	} {
		p := testPolicy(false)
		p.limits.Overrides = o
		claim := claimOf(2)
		s := p.judge(claim, noon, []providers.Outcome{
			{Err: &providers.Error{Provider: "acme", Scope: "acme", Class: tc.class, Code: tc.code, Message: tc.said}},
			{Record: &providers.Record{Result: []byte(`{}`)}},
		})
		if got := s.Verdicts[0].To; got != tc.want || s.Verdicts[1].To != store.Found {
			t.Errorf("%s (%s) %q: got %s, want %s", tc.class, tc.code, tc.said, got, tc.want)
		}
	}
}

// A poll is free, so that no code of it is a matter of money.
func TestOverridesOfAPoll(t *testing.T) {
	t.Parallel()
	p := testPolicy(false)
	p.limits.Overrides = Overrides{AmbiguousCodes: []string{"BLOCKED"}, NotFoundTexts: []string{"blocked"}}
	ticket := openTicket(2)
	got := p.judgePoll(ticket, noon, providers.Progress{Outcomes: []providers.Outcome{
		{Ref: ref(ticket.Asks[0].ID), Err: &providers.Error{Class: providers.ProviderError, Code: "BLOCKED", Message: "BLOCKED"}},
		{Ref: ref(ticket.Asks[1].ID), Err: &providers.Error{Class: providers.ProviderError, Code: "OTHER", Message: "OTHER"}},
	}}, nil, 0).settlement.Verdicts
	if got[0].To != store.NotFound || got[0].Answer.Failure != nil || got[1].To != store.Failed {
		t.Errorf("got %+v, want the first not found and the second failed", got)
	}
}
