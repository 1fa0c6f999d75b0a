package attestr_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/providers/sim"
)

// clock is moved by hand.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time { return noon.Add(time.Duration(c.ms.Load()) * time.Millisecond) }

func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// TestAgainstStandIn submits 500 plates to a stand-in that shuffles, shifts,
// shortens and regresses, loses some records for good and mixes in others',
// and wants the true answer about each.
func TestAgainstStandIn(t *testing.T) {
	t.Parallel()
	opts := sim.Hostile()
	var c clock
	opts.Now, opts.Seed = c.now, 7
	opts.Faults = []sim.Fault{ // without the waits, which are in real time
		{Name: "reorder", Kind: sim.KindReorder, Where: "items"},
		{Name: "regress", Kind: sim.KindRegress, Where: "items", Rate: 0.1},
		{Name: "short", Kind: sim.KindShort, Where: "items", Rate: 0.1},
		{Name: "foreign", Kind: sim.KindForeign, Where: "items", Rate: 0.1},
		{Name: "missing", Kind: sim.KindMissing, Where: "items", Prefix: "XX"},
	}
	server, err := sim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	srv := httptest.NewServer(server.Handler())
	defer srv.Close()
	p, err := attestr.New(attestr.Config{BaseURL: srv.URL + "/attestr", AuthToken: sim.DefaultToken},
		attestr.Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	set := newSet(t, p)

	plates := make([]string, 500)
	for i := range plates {
		plates[i] = fmt.Sprintf("DL%02dAB%04d", i%90, i)
		if i%100 == 42 {
			plates[i] = fmt.Sprintf("XX00AB%04d", i)
		}
	}
	reqs := requests(plates...)
	outs, err := set.Submit(t.Context(), "attestr", reqs)
	if err != nil || outs[0].Ticket == nil {
		t.Fatalf("got %+v, %v, want a ticket", outs[0], err)
	}
	got, notices := pollAll(t, set, &c, *outs[0].Ticket, reqs)
	for i, plate := range plates {
		want := wanted(server.Answer(plate))
		if plate[:2] == "XX" {
			want = "missing_at_provider"
		}
		if got[reqs[i].Ref] != want {
			t.Errorf("row %d: got %q, want %q", i, got[reqs[i].Ref], want)
		}
	}
	for plate, n := range server.Charges() {
		if n != 1 {
			t.Errorf("got plate %s charged %d times, want once", plate, n)
		}
	}
	if shown := server.Stats().Regressions; notices["regression"] != shown || shown == 0 {
		t.Errorf("got %d regressions noticed, want %d", notices["regression"], shown)
	}
	if notices["foreign_record"] == 0 {
		t.Error("got no foreign record noticed, want some")
	}
}

// pollAll polls until nothing is open, two seconds of the clock apart, and
// returns what became of each Ref, and the notices by kind.
func pollAll(t *testing.T, set *providers.Set, c *clock, ticket providers.Ticket, open []providers.Request) (map[string]string, map[string]int) {
	t.Helper()
	got, notices := map[string]string{}, map[string]int{}
	for polls := 0; len(open) > 0; polls++ {
		if polls == 2000 {
			t.Fatalf("got %d rows open after %d polls, want none", len(open), polls)
		}
		progress, err := set.Poll(t.Context(), "attestr", ticket, open)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range progress.Outcomes {
			if got[o.Ref] != "" {
				t.Errorf("got two outcomes of %s", o.Ref)
			}
			got[o.Ref] = became(o)
		}
		for _, n := range progress.Notices {
			notices[n.Kind] += n.Count
		}
		ticket = progress.Ticket
		var left []providers.Request
		for _, r := range open {
			if got[r.Ref] == "" {
				left = append(left, r)
			}
		}
		open = left
		if !progress.More {
			c.advance(2 * time.Second)
		}
	}
	return got, notices
}

func became(o providers.Outcome) string {
	if e, ok := errors.AsType[*providers.Error](o.Err); ok {
		if e.Class == providers.ProviderError {
			return e.Class.String() + " " + e.Code
		}
		return e.Class.String()
	}
	return string(o.Record.Result)
}

// wanted is what became must say of an answer of the stand-in.
func wanted(a sim.Answer) string {
	switch {
	case a.Record == sim.RecordErrored:
		return "provider_error ERRORED"
	case a.Valid:
		contact := "null"
		if a.Contact != "" {
			contact = `"` + a.Contact + `"`
		}
		return fmt.Sprintf(`{"valid":true,"status":%q,"contact":%s}`, a.Status, contact)
	case a.Status == sim.StatusNotFound:
		return "not_found"
	default:
		return "provider_error " + a.Status
	}
}
