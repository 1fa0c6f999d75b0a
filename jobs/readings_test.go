package jobs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestReadingsComeWithTheSettlement(t *testing.T) {
	t.Parallel()
	decoded, left := providers.Reading{Name: "decoded", Value: 1}, providers.Reading{Name: "left", Value: 9, Gauge: true}
	c := claimOf(4)
	c.Asks[1].FoundBefore = true
	record := &providers.Record{Result: []byte("{}")}
	nothing := &providers.Error{Provider: "acme", Class: providers.NotFound, Scope: "acme"}
	outs := []providers.Outcome{
		{Ref: ref(c.Asks[0].ID), Record: record, Readings: []providers.Reading{decoded, left}},
		{Ref: ref(c.Asks[1].ID), Record: record, Readings: []providers.Reading{decoded}},
		{Ref: ref(c.Asks[2].ID), Err: nothing, Readings: []providers.Reading{left}},
		{Ref: ref(c.Asks[3].ID), Err: nothing},
	}
	first := func(n int64) providers.Reading { return providers.Reading{Name: "calculated", Value: n} }
	for name, tc := range map[string]struct {
		counts string
		from   int // of the outcomes
		to     int
		want   []providers.Reading
	}{
		"as they came":       {to: 4, want: []providers.Reading{decoded, left, decoded, left}},
		"and one of our own": {counts: "calculated", to: 4, want: []providers.Reading{decoded, left, decoded, left, first(1)}},
		"none was the first": {counts: "calculated", from: 1, to: 2, want: []providers.Reading{decoded, first(0)}},
		"nothing found":      {counts: "calculated", from: 3, to: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testPolicy(false)
			p.spec.CountsFirstFound = tc.counts
			asks, outs := c.Asks[tc.from:tc.to], outs[tc.from:tc.to]
			if diff := cmp.Diff(tc.want, p.judge(store.Claim{Call: 7, Asks: asks}, noon, outs).Readings, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("of a call (-want +got):\n%s", diff)
			}
			ticket := store.OpenTicket{Asks: asks, Deadline: noon.Add(time.Hour)}
			got := p.judgePoll(ticket, noon, providers.Progress{Outcomes: outs}, nil, 0)
			if diff := cmp.Diff(tc.want, got.settlement.Readings, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("of a poll (-want +got):\n%s", diff)
			}
		})
	}
}
