package jobs_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// orderer is a system that knows the Redis and the key, and nothing else.
type orderer struct {
	t      *testing.T
	key    []byte
	redis  asynq.RedisConnOpt
	client *asynq.Client
}

func newOrderer(t *testing.T, url, key string) *orderer {
	t.Helper()
	conn, err := asynq.ParseRedisURI(url)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := store.ParseKey(key)
	if err != nil {
		t.Fatal(err)
	}
	o := &orderer{t: t, key: raw, redis: conn, client: asynq.NewClient(conn)}
	t.Cleanup(func() { _ = o.client.Close() })
	return o
}

func (o *orderer) request(provider string, plates ...string) jobs.BatchRequest {
	r := jobs.BatchRequest{Provider: provider, Name: "of a program"}
	for _, p := range plates {
		r.Items = append(r.Items, map[string]string{"plate": p})
	}
	return r
}

func (o *orderer) order(id, provider string, plates ...string) (*asynq.TaskInfo, error) {
	o.t.Helper()
	task, err := jobs.NewBatchTask(o.key, "acme", id, o.request(provider, plates...))
	if err != nil {
		o.t.Fatal(err)
	}
	return o.client.EnqueueContext(o.t.Context(), task)
}

// inspector looks at the tasks of the orderer's Redis.
func (o *orderer) inspector() *asynq.Inspector {
	i := asynq.NewInspector(o.redis)
	o.t.Cleanup(func() { _ = i.Close() })
	return i
}

// ends waits until a task is in a state, of which asynq tells nobody.
func ends(t *testing.T, i *asynq.Inspector, info *asynq.TaskInfo, want asynq.TaskState) (got *asynq.TaskInfo) {
	t.Helper()
	await(t, fmt.Sprintf("task %s to be %v", info.ID, want), func() bool {
		var err error
		if got, err = i.GetTaskInfo(info.Queue, info.ID); err != nil {
			t.Fatal(err)
		}
		return got.State == want
	})
	return got
}

// await looks again and again whether something is so, for a minute at most.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// takesOrders is a worker of the bell that takes orders in.
func takesOrders(t *testing.T, b *bell, key []byte, log zerolog.Logger) *jobs.Worker {
	t.Helper()
	return newWorker(t, b, log, &jobs.Orders{Key: key, Take: b.takeOrder})
}

// takeOrder takes one in as the API does, but knows one column only.
func (b *bell) takeOrder(ctx context.Context, o jobs.Order) (string, error) {
	var r jobs.BatchRequest
	if err := json.Unmarshal(o.Body, &r); err != nil || r.Provider != "acme" {
		return "", &jobs.RefusedError{Err: errors.New("there is no provider " + r.Provider)}
	}
	no, err := b.store.BeginBatch(ctx, store.NewBatch{Tenant: o.Tenant, Provider: r.Provider, Name: r.Name})
	if err != nil {
		return "", err
	}
	rows := make([]store.NewRow, len(r.Items))
	for i, item := range r.Items {
		s := providers.Subject{providers.Plate: item["plate"]}
		rows[i] = store.NewRow{Subject: s, Question: store.Question{Subject: s}}
	}
	if _, err := b.store.AddRows(ctx, no, store.Piece{Rows: rows}); err != nil {
		return "", err
	}
	got, err := b.store.CommitOnce(ctx, no, store.Once{Tenant: o.Tenant, Key: o.ID, Print: o.Body})
	if repeat, ok := errors.AsType[*store.RepeatError](err); ok && repeat.Same {
		return got.ID, b.store.AbandonBatch(ctx, no)
	}
	return got.ID, err
}

// lockedText is a log that many write to.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestAProgramEnqueuesDirectly: it shares the Redis, and its list becomes a
// batch of its tenant, once however often it is enqueued.
func TestAProgramEnqueuesDirectly(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2, Timeout: time.Second})
	key := store.NewKeys().Enqueue
	log := &lockedText{}
	o := newOrderer(t, "redis://"+b.redis.Options().Addr, base64.StdEncoding.EncodeToString(key))

	// It may come before anybody is there to take it.
	first, err := o.order("order 7", "acme", "DL01AA1000", "DL01AA1001")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := b.redis.HGetAll(t.Context(), "asynq:{"+first.Queue+"}:t:"+first.ID).Result()
	if err != nil || kept["msg"] == "" {
		t.Fatalf("Redis holds %v, %v", kept, err)
	}
	for _, word := range []string{"DL01AA", "order 7", "acme"} {
		if strings.Contains(kept["msg"], word) {
			t.Errorf("Redis holds %q", word)
		}
	}
	w := takesOrders(t, b, key, zerolog.New(log))
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	inspector := o.inspector()
	ends(t, inspector, first, asynq.TaskStateCompleted)

	if _, err := o.order("order 7", "acme", "DL01AA1000", "DL01AA1001"); !errors.Is(err, asynq.ErrTaskIDConflict) {
		t.Errorf("the same again: got %v, want a conflict", err)
	}
	if err := inspector.DeleteTask(first.Queue, first.ID); err != nil {
		t.Fatal(err)
	}
	again, err := o.order("order 7", "acme", "DL01AA1000", "DL01AA1001")
	if err != nil {
		t.Fatal(err)
	}
	ends(t, inspector, again, asynq.TaskStateCompleted)

	other, err := o.order("order 8", "nobody", "DL01AA1002")
	if err != nil {
		t.Fatal(err)
	}
	if got := ends(t, inspector, other, asynq.TaskStateArchived); strings.Contains(got.LastErr, "nobody") {
		t.Errorf("Redis is told %q", got.LastErr)
	}
	o.key = store.NewKeys().Enqueue
	forged, err := o.order("order 9", "acme", "DL01AA1003")
	if err != nil {
		t.Fatal(err)
	}
	ends(t, inspector, forged, asynq.TaskStateArchived)

	batches, err := b.store.Batches(t.Context(), store.BatchFilter{})
	if err != nil || len(batches) != 1 || batches[0].Tenant != "acme" || batches[0].Rows != 2 || batches[0].Name != "of a program" {
		t.Errorf("batches %+v, %v", batches, err)
	}
	if log := log.String(); strings.Contains(log, "DL01AA") {
		t.Errorf("a plate is in the log: %s", log)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}
