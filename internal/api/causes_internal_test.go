package api

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

// reader is a store whose causes take some time to read.
type reader struct {
	now   time.Time
	takes time.Duration
	reads int
	err   error
}

func (r *reader) causes(context.Context, store.BatchNo) ([]store.Cause, error) {
	r.reads++
	r.now = r.now.Add(r.takes)
	return []store.Cause{{Rows: r.reads}}, r.err
}

func TestCausesAreReadAgainWhenTheBatchMoves(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		takes, after time.Duration
		moves        bool
		reads        int
	}{
		"the same batch":                   {time.Millisecond, 59 * time.Second, false, 1},
		"the same batch, a minute on":      {time.Millisecond, time.Minute, false, 2},
		"a batch that moved":               {time.Millisecond, 0, true, 2},
		"a long one that moved":            {4 * time.Second, 39 * time.Second, true, 1},
		"a long one that moved, later":     {4 * time.Second, 40 * time.Second, true, 2},
		"a long one that is done, later":   {4 * time.Second, 59 * time.Second, false, 1},
		"a long one that is done, day on":  {4 * time.Second, 24 * time.Hour, false, 2},
		"one that took just not very long": {causesDear, 0, true, 2},
	} {
		r := &reader{now: time.Unix(0, 0), takes: tc.takes}
		c := newCauses(func() time.Time { return r.now }, r.causes)
		b := store.Batch{No: 7, Asks: 9}
		for range 2 {
			if _, err := c.list(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			r.now = r.now.Add(tc.after)
			if tc.moves {
				b.Unasked++
			}
		}
		if r.reads != tc.reads {
			t.Errorf("%s: %d readings, want %d", name, r.reads, tc.reads)
		}
	}
}

func TestCausesThatCouldNotBeReadAreNotRemembered(t *testing.T) {
	t.Parallel()
	r := &reader{now: time.Unix(0, 0), err: errors.New("away")}
	c := newCauses(func() time.Time { return r.now }, r.causes)
	if _, err := c.list(t.Context(), store.Batch{No: 7}); err == nil {
		t.Error("no error")
	}
	r.err = nil
	if got, err := c.list(t.Context(), store.Batch{No: 7}); err != nil || got[0].Rows != 2 {
		t.Errorf("%v, %v, want the second reading", got, err)
	}
	for no := range store.BatchNo(2 * causesMost) {
		if _, err := c.list(t.Context(), store.Batch{No: no}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.of) > causesMost {
		t.Errorf("%d batches are remembered, at most %d", len(c.of), causesMost)
	}
}
