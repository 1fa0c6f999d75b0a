package app_test

import (
	"testing"

	"github.com/plateq/plateq/client"
)

func TestThePaceOfTheFleetIsShown(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	f := newFleet(t, u, "PLATEQ_ATTESTR_RATE=learn", "PLATEQ_ATTESTR_DAILY=500")
	f.serve()
	f.spawn("scheduler")
	f.spawn("worker")
	f.await(f.submit(plates(60)))
	all, err := f.api.Providers(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		switch {
		case p.Name != "attestr":
			if p.Pace != nil {
				t.Errorf("%s has the pace %+v though it is not set up", p.Name, p.Pace)
			}
		case p.Pace == nil:
			t.Error("the pace is not known")
		default:
			wantPace(t, *p.Limits, *p.Pace, u.Stats().Requests)
		}
	}
}

func wantPace(t *testing.T, l client.Limits, p client.Pace, sent map[string]int) {
	t.Helper()
	if l.Daily != 500 {
		t.Errorf("got %d a day, want 500", l.Daily)
	}
	if !p.Learnt || p.Rate == nil || *p.Rate <= 0 || p.Workers != 1 {
		t.Errorf("got %+v, want a rate that one worker has learnt", p)
	}
	if want := sent["submit"] + sent["items"]; p.UsedToday < want || p.DayEnds == nil {
		t.Errorf("got %d used of a day, want at least %d", p.UsedToday, want)
	}
}
