package api

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/plateq/plateq/store"
)

const (
	// causesKept is how long causes of a batch that looks as it did are taken for
	// what they were.
	causesKept = time.Minute
	// causesDear is how long a reading may take that is made for everybody who
	// asks. One that took longer holds for causesRest times as long: of a list
	// of ten million, hundreds of thousands of failed rows are read through.
	causesDear = 100 * time.Millisecond
	causesRest = 10
	// causesMost bounds how many batches are remembered.
	causesMost = 1000
)

// causes remembers why rows of batches failed. It is safe for concurrent use.
type causes struct {
	now  func() time.Time
	read func(context.Context, store.BatchNo) ([]store.Cause, error)

	mu sync.Mutex
	of map[store.BatchNo]*causesRead
}

// causesRead is what was read for one batch.
type causesRead struct {
	mu   sync.Mutex // held while it is read: others wait for the same
	all  []store.Cause
	seen string // the batch as it was then; empty: nothing was read
	at   time.Time
	took time.Duration
}

func newCauses(now func() time.Time, read func(context.Context, store.BatchNo) ([]store.Cause, error)) *causes {
	return &causes{now: now, read: read, of: map[store.BatchNo]*causesRead{}}
}

// list returns why rows of b failed, perhaps as it was a while ago.
func (c *causes) list(ctx context.Context, b store.Batch) ([]store.Cause, error) {
	r := c.entry(b.No)
	r.mu.Lock()
	defer r.mu.Unlock()
	began, seen := c.now(), fmt.Sprint(b)
	if r.seen != "" && began.Before(r.at.Add(r.holds(seen))) {
		return slices.Clone(r.all), nil
	}
	all, err := c.read(ctx, b.No)
	if err != nil {
		return nil, err
	}
	r.all, r.seen, r.at = all, seen, c.now()
	r.took = r.at.Sub(began)
	return slices.Clone(all), nil // who masks them does so in place
}

// holds is how long what was read is good for a batch that looks so.
func (r *causesRead) holds(seen string) time.Duration {
	var d time.Duration
	if r.took > causesDear {
		d = causesRest * r.took
	}
	if r.seen == seen {
		d = max(d, causesKept)
	}
	return d
}

func (c *causes) entry(no store.BatchNo) *causesRead {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.of[no]
	if r == nil {
		if len(c.of) >= causesMost {
			clear(c.of)
		}
		r = &causesRead{}
		c.of[no] = r
	}
	return r
}
