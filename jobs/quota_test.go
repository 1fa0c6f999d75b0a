package jobs_test

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// answering is acme that is asked one by one, and answers.
type answering struct {
	acme
	asked *atomic.Int64
}

func (a answering) Submit(_ context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	a.asked.Add(int64(len(reqs)))
	outs := make([]providers.Outcome, len(reqs))
	for i, r := range reqs {
		outs[i] = providers.Outcome{Ref: r.Ref, Record: &providers.Record{Result: json.RawMessage(`{"x":1}`)}}
	}
	return outs, nil
}

func TestADayThatIsUsedUpClosesTheGate(t *testing.T) {
	t.Parallel()
	limits := jobs.Limits{
		Rate: jobs.Unlimited, Concurrency: 1, Timeout: time.Second, Daily: 3,
		NextReset: func(t time.Time) time.Time { return t.Truncate(time.Hour).Add(time.Hour) },
	}
	b := newBell(t, limits)
	b.now = time.Now()
	b.list("A", 10, 1)
	asked := new(atomic.Int64)
	set, err := providers.NewSet(answering{acme{1}, asked})
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := store.NewSealer(store.NewKeys())
	if err != nil {
		t.Fatal(err)
	}
	spool, err := store.OpenSpool(t.TempDir(), sealer, b.store.ID(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = spool.Close() })
	w, err := jobs.NewWorker(jobs.WorkerOptions{
		ID: "w", Store: b.store, Providers: set, Limits: map[string]jobs.Limits{"acme": limits},
		Redis: b.redis, Spool: spool, Log: zerolog.Nop(), Now: func() time.Time { return b.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time the gate is found closed
		if _, err := w.SendNow(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("the provider was asked %d times, want 3", n)
	}
	gates, err := b.store.Gates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(gates) != 1 || !gates[0].Shut(b.now) || gates[0].Scope != "acme" || gates[0].Class != providers.DailyLimited || gates[0].Code != "quota" || !gates[0].Probe {
		t.Errorf("gates are %+v, want that of the provider closed until the day is new", gates)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}
