package jobs

import (
	"slices"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// planned is a ticket of three parts that were read 20, 10 and 60 s ago, and
// are due in a minute.
func planned() (store.OpenTicket, []providers.Part) {
	at := func(d time.Duration) int64 { return noon.Add(d).UnixMilli() }
	p := plan{
		Read: []int64{at(-20 * time.Second), at(-10 * time.Second), at(-time.Minute)},
		Due:  []int64{at(time.Minute), at(time.Minute), at(time.Minute)},
	}
	t := store.OpenTicket{ID: 1, Lease: 1, Created: noon.Add(-time.Hour), Due: noon.Add(time.Minute), Deadline: noon.Add(time.Hour),
		Handle: providers.Ticket{ID: "a", Plan: p.write()}, Asks: claimOf(3).Asks}
	return t, []providers.Part{{Size: 10, Open: 5}, {Size: 10, Open: 5}, {Size: 10, Open: 5}}
}

// TestWhatIsAskedForIsDue: all parts that are open, by a webhook each no sooner
// than the shortest pause allows, by a person at once.
func TestWhatIsAskedForIsDue(t *testing.T) {
	t.Parallel()
	clock := noon
	p := simPolicy(DefaultPollPrice, &clock)
	for name, tc := range map[string]struct {
		change func(*store.OpenTicket, []providers.Part)
		want   []time.Duration // from now, by part
	}{
		"nobody":         {func(*store.OpenTicket, []providers.Part) {}, []time.Duration{time.Minute, time.Minute, time.Minute}},
		"a webhook":      {func(t *store.OpenTicket, _ []providers.Part) { t.Hinted = true }, []time.Duration{-5 * time.Second, 5 * time.Second, -45 * time.Second}},
		"a person":       {func(t *store.OpenTicket, _ []providers.Part) { t.Due = noon }, []time.Duration{0, 0, 0}},
		"a plan is lost": {func(t *store.OpenTicket, _ []providers.Part) { t.Handle.Plan = []byte("{}") }, []time.Duration{0}},
	} {
		ticket, parts := planned()
		tc.change(&ticket, parts)
		a := p.agenda(ticket, parts)
		for i, want := range tc.want {
			if due := noon.Add(want).UnixMilli(); a.plan.Due[i] != due && (want != 0 || a.plan.Due[i] > due) {
				t.Errorf("%s: part %d is due in %v, want %v", name, i, time.UnixMilli(a.plan.Due[i]).Sub(noon), want)
			}
		}
	}
}

// TestPartsThatAreDueAreReadInOrderOfTime, one request after the other, and
// then the ticket is given back until the next is due.
func TestPartsThatAreDueAreReadInOrderOfTime(t *testing.T) {
	t.Parallel()
	clock := noon
	p := simPolicy(DefaultPollPrice, &clock)
	ticket, parts := planned()
	ticket.Hinted = true
	a := p.agenda(ticket, parts)
	var read []int
	for {
		part := a.next()
		read = append(read, part)
		j := a.judge(ticket, clock, part, parts, providers.Progress{Ticket: ticket.Handle}, nil)
		if !j.more {
			if s := j.settlement; s.Hold || !s.Due.Equal(noon.Add(5*time.Second)) || len(s.Handle.Plan) == 0 {
				t.Errorf("got held %t, due in %v, want it due with the second part", s.Hold, s.Due.Sub(noon))
			}
			break
		}
	}
	if !slices.Equal(read, []int{2, 0}) {
		t.Errorf("got parts %v read, want those that are due, the longest due first", read)
	}
}

// TestATicketWithoutPartsIsReadAsAWhole: at once where the last poll of a part
// has shown that the parts cannot be relied on, or that none of them is open
// though an ask is.
func TestATicketWithoutPartsIsReadAsAWhole(t *testing.T) {
	t.Parallel()
	clock := noon
	p := simPolicy(DefaultPollPrice, &clock)
	for name, after := range map[string][]providers.Part{
		"no parts":     nil,
		"nothing open": {{Size: 10}, {Size: 10}, {Size: 10}},
	} {
		ticket, parts := planned()
		ticket.Hinted, ticket.Interval = true, time.Minute
		a := p.agenda(ticket, parts)
		j := a.judge(ticket, clock, a.next(), after, providers.Progress{Ticket: ticket.Handle}, nil)
		if !j.more || a.next() != whole {
			t.Errorf("%s: got more %t, next %d, want a whole pass at once", name, j.more, a.next())
		}
		j = a.judge(ticket, clock, whole, nil, providers.Progress{Ticket: ticket.Handle}, nil)
		if j.more || !j.settlement.Due.Equal(noon.Add(90*time.Second)) {
			t.Errorf("%s: got due in %v after the pass, want its pause to grow by half", name, j.settlement.Due.Sub(noon))
		}
		if got := p.agenda(ticket, after).next(); got != whole {
			t.Errorf("%s: got part %d read next time, want a whole pass", name, got)
		}
	}
}

// TestALateTicketIsReadHourly, whatever its parts are worth.
func TestALateTicketIsReadHourly(t *testing.T) {
	t.Parallel()
	clock := noon
	p := simPolicy(0, &clock)
	ticket, parts := planned()
	ticket.Late, ticket.Deadline, ticket.Due = true, noon.Add(-time.Hour), noon
	a := p.agenda(ticket, parts)
	for n := 1; ; n++ {
		j := a.judge(ticket, clock, a.next(), parts, providers.Progress{Ticket: ticket.Handle}, nil)
		if j.more {
			continue
		}
		if s := j.settlement; n != 3 || !s.Due.Equal(noon.Add(lateInterval)) {
			t.Errorf("got %d parts read, due in %v, want all 3 once an hour", n, s.Due.Sub(noon))
		}
		break
	}
}

// TestAPollThatFailedLeavesThePlan as it is: its part is read the next time.
func TestAPollThatFailedLeavesThePlan(t *testing.T) {
	t.Parallel()
	clock := noon
	p := simPolicy(DefaultPollPrice, &clock)
	ticket, parts := planned()
	ticket.Due = noon
	a := p.agenda(ticket, parts)
	part := a.next()
	s := a.judge(ticket, clock, part, nil, providers.Progress{}, &providers.Error{Class: providers.ProviderError}).settlement
	if string(s.Handle.Plan) != string(ticket.Handle.Plan) || s.Hold || s.Due.Before(noon.Add(p.limits.PollMin)) {
		t.Errorf("got plan %s, due in %v, want the same plan and a pause", s.Handle.Plan, s.Due.Sub(noon))
	}
}
