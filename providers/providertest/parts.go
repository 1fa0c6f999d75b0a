package providertest

import (
	"testing"

	"github.com/plateq/plateq/providers"
)

// partsBringAll reads tickets part by part, the last one first, each time from
// the stored ticket alone.
func partsBringAll(t testing.TB, h Harness) {
	b := newRig(t, h)
	b.wantHappy(b.finishInParts(b.submit(t.Context()), func(_, _ []providers.Part, _ int) {}))
}

// partsTell: a part holds each request that became final in it, and loses
// none to another.
func partsTell(t testing.TB, h Harness) {
	b := newRig(t, h)
	sized := 0
	b.finishInParts(b.submit(t.Context()), func(before, after []providers.Part, final int) {
		size, open := 0, 0
		for _, p := range after {
			if p.Size < 1 || p.Open < 0 || p.Ahead < 0 || p.Ahead > p.Size-p.Open {
				t.Errorf("got part %+v, want what can be", p)
			}
			size, open = size+p.Size, open+p.Open
		}
		for _, p := range before {
			open -= p.Open
		}
		if open != -final {
			t.Errorf("got %d final in a part, and %d less open, want as many", final, -open)
		}
		sized = max(sized, size)
	})
	if sized != len(h.Requests) {
		t.Errorf("got parts that hold %d requests, want %d", sized, len(h.Requests))
	}
}

// finishInParts is finish for a provider whose tickets have parts. look sees
// the parts before and after each poll, and how many requests it made final.
func (b *rig) finishInParts(outs []providers.Outcome, look func(before, after []providers.Part, final int)) map[string]providers.Outcome {
	b.Helper()
	ended := map[string]providers.Outcome{}
	var ticket *providers.Ticket
	open := b.h.Requests
	for _, o := range outs {
		if o.Ticket == nil || ticket != nil && ticket.ID != o.Ticket.ID {
			b.Fatalf("submit: got %+v, want one ticket for all", o)
		}
		ticket = o.Ticket
	}
	for polls := 0; len(open) > 0; polls++ {
		before := b.set.Parts(b.spec.Name, *ticket)
		if len(before) == 0 || polls == maxPolls {
			b.Errorf("after %d polls: got %d parts and %d open, want them to be answered in parts", polls, len(before), len(open))
			return ended
		}
		part := len(before) - 1 - polls%len(before)
		got, err := b.set.PollPart(b.Context(), b.spec.Name, *ticket, part, open)
		if err != nil {
			b.Errorf("poll part: got %v, want progress", err)
			return ended
		}
		for _, o := range got.Outcomes {
			ended[o.Ref] = o
		}
		open = without(open, got.Outcomes)
		look(before, b.set.Parts(b.spec.Name, got.Ticket), len(got.Outcomes))
		*ticket = roundTrip(b.TB, got.Ticket)
		b.renew()
	}
	return ended
}
