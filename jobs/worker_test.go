package jobs_test

import (
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// newWorker is a worker of the bell; one without orders takes none in.
func newWorker(t *testing.T, b *bell, log zerolog.Logger, orders *jobs.Orders) *jobs.Worker {
	t.Helper()
	return newWorkerOver(t, b, b.redis, log, orders)
}

// newWorkerOver is newWorker with another Redis than the bell's.
func newWorkerOver(t *testing.T, b *bell, c redis.UniversalClient, log zerolog.Logger, orders *jobs.Orders) *jobs.Worker {
	t.Helper()
	sealer, err := store.NewSealer(store.NewKeys())
	if err != nil {
		t.Fatal(err)
	}
	spool, err := store.OpenSpool(t.TempDir(), sealer, b.store.ID(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = spool.Close() })
	set, err := providers.NewSet(acme{100})
	if err != nil {
		t.Fatal(err)
	}
	w, err := jobs.NewWorker(jobs.WorkerOptions{
		ID: "w", Store: b.store, Providers: set, Limits: map[string]jobs.Limits{"acme": {Concurrency: 1, Timeout: time.Second}},
		Redis: c, Spool: spool, Log: log, Now: time.Now, Orders: orders,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestATaskOfAnUnknownKindIsLeftForOthers(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2, Timeout: time.Second})
	w := newWorker(t, b, zerolog.Nop(), nil)
	client := asynq.NewClientFromRedisClient(b.redis)
	_, err := client.Enqueue(asynq.NewTask("chunk:newer", nil), asynq.Queue("acme"), asynq.TaskID("newer"), asynq.MaxRetry(1))
	if err != nil {
		t.Fatal(err)
	}
	var info *asynq.TaskInfo
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for seen := false; !seen; { // until it was offered to the worker, and given back
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the worker never saw the task")
		}
		info, err = b.inspector.GetTaskInfo("acme", "newer")
		if err != nil {
			t.Fatalf("the task is gone: %v", err)
		}
		seen = info.LastErr != ""
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err = b.inspector.GetTaskInfo("acme", "newer")
	if err != nil || info.State == asynq.TaskStateArchived || info.Retried != 0 {
		t.Errorf("state %v, retried %d, %v; want it waiting for a worker that knows it", info.State, info.Retried, err)
	}
}
