package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// counts adds up what a worker did at its providers until it is written down,
// all together every some seconds, so that no settlement waits for it. What a
// process had not written when it was killed is missing from the series, and
// from nothing else.
type counts struct {
	now   func() time.Time
	meter Meter

	mu  sync.Mutex
	all map[store.Count]int64 // by counts without their N
}

func newCounts(now func() time.Time, meter Meter) *counts {
	return &counts{now: now, meter: meter, all: map[store.Count]int64{}}
}

func (c *counts) add(provider string, m store.Measure, n int64) {
	if n == 0 {
		return
	}
	k := store.Count{Provider: provider, At: c.now().UTC().Truncate(time.Minute), Measure: m}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[k] += n
}

// request counts one that came back, with the error that it brought.
func (c *counts) request(provider, endpoint string, took time.Duration, err error) {
	class := ""
	c.add(provider, store.MeasureRequests, 1)
	c.add(provider, store.TookMeasure(took), 1)
	if e, ok := errors.AsType[*providers.Error](err); ok && e.Class != providers.NotFound {
		class = e.Class.String()
		c.add(provider, store.ErrorMeasure(class), 1)
	}
	c.meter.Request(provider, endpoint, class, took)
}

// settled counts what the store accepted.
func (c *counts) settled(provider string, s store.Settled) {
	c.meter.Settled(provider, s)
	c.add(provider, store.MeasureFound, int64(s.Moved[store.Found]))
	c.add(provider, store.MeasureNotFound, int64(s.Moved[store.NotFound]))
	c.add(provider, store.MeasureFailed, int64(s.Moved[store.Failed]))
	c.add(provider, store.MeasureUnknown, int64(s.Moved[store.Unknown]))
	if s.Billed.Currency != "" { // without one it counts questions
		c.add(provider, store.SpentMeasure(s.Billed.Currency), int64(s.Billed.Spent))
	}
}

// write gives the store what was added up. What it does not take is tried again
// with the next.
func (c *counts) write(ctx context.Context, st store.Monitoring) error {
	c.mu.Lock()
	taken := c.all
	c.all = map[store.Count]int64{}
	c.mu.Unlock()
	list := make([]store.Count, 0, len(taken))
	for k, n := range taken {
		k.N = n
		list = append(list, k)
	}
	err := st.AddCounts(ctx, list)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		for k, n := range taken {
			c.all[k] += n
		}
	}
	return err
}

// WriteCounts writes down what was counted since it last did.
func (w *Worker) WriteCounts(ctx context.Context) error { return w.counts.write(ctx, w.opts.Store) }

// firstError is what a request failed by, as far as one of its outcomes says.
func firstError(outs []providers.Outcome) error {
	for _, o := range outs {
		if e, ok := errors.AsType[*providers.Error](o.Err); ok && e.Class != providers.NotFound {
			return e
		}
	}
	return nil
}
