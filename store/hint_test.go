package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestWhatAHintLeadsTo(t *testing.T) {
	t.Parallel()
	const every = 15 * time.Second
	now := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	none := time.Time{}
	for name, tc := range map[string]struct {
		ticket store.HintedTicket
		due    time.Time
		new    bool
	}{
		"never polled":                    {store.HintedTicket{Due: at(9)}, now, true},
		"never polled, again":             {store.HintedTicket{Due: now, Hinted: at(-1)}, now, false},
		"polled long ago":                 {store.HintedTicket{Due: at(99), Claimed: at(-15)}, now, true},
		"polled just now":                 {store.HintedTicket{Due: at(99), Claimed: at(-5)}, at(10), true},
		"polled just now, again":          {store.HintedTicket{Due: at(10), Claimed: at(-5), Hinted: at(-1)}, at(10), false},
		"due already":                     {store.HintedTicket{Due: at(-3), Claimed: at(-60)}, at(-3), true},
		"due already, and hinted":         {store.HintedTicket{Due: at(-3), Claimed: at(-60), Hinted: at(-9)}, at(-3), false},
		"hinted before it was polled":     {store.HintedTicket{Due: at(-3), Claimed: at(-60), Hinted: at(-61)}, at(-3), true},
		"hinted as it was polled":         {store.HintedTicket{Due: at(-3), Claimed: at(-60), Hinted: at(-60)}, at(-3), false},
		"hinted, and put off by an error": {store.HintedTicket{Due: at(60), Claimed: at(-60), Hinted: at(-50)}, now, true},
		"closed":                          {store.HintedTicket{Due: at(9), Closed: true}, none, false},
		"the clock went back":             {store.HintedTicket{Due: at(9), Claimed: at(3600)}, at(9), true},
	} {
		tc.ticket.ID = 7
		want := store.Hinted{Ticket: 7, Due: tc.due, New: tc.new}
		if got := tc.ticket.Hint(now, every); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestHintsSurvive(t *testing.T) {
	t.Parallel()
	want := []providers.Hint{
		{Ticket: "b1", Record: "i1", Subject: providers.Subject{providers.Plate: "DL01AA1000"}, Signed: "raw"}, {Record: "q1"}, {},
	}
	text, err := store.EncodeHints(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.DecodeHints(text)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("hints differ (-want +got): %v\n%s", err, d)
	}
}
