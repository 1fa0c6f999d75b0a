package jobs_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers/sim"
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

func (o *orderer) order(id, provider string, plates ...string) (*asynq.TaskInfo, error) {
	o.t.Helper()
	r := jobs.BatchRequest{Provider: provider, Name: "of a program"}
	for _, p := range plates {
		r.Items = append(r.Items, map[string]string{"plate": p})
	}
	task, err := jobs.NewBatchTask(o.key, "acme", id, r)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.client.EnqueueContext(o.t.Context(), task)
}

// ends waits until a task is in a state.
func (o *orderer) ends(info *asynq.TaskInfo, want asynq.TaskState) *asynq.TaskInfo {
	o.t.Helper()
	inspector := asynq.NewInspector(o.redis)
	defer inspector.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := inspector.GetTaskInfo(info.Queue, info.ID)
		if err != nil {
			o.t.Fatal(err)
		}
		if got.State == want {
			return got
		}
		select {
		case <-tick.C:
		case <-o.t.Context().Done():
			o.t.Fatalf("the task is %v: %s", got.State, got.LastErr)
		}
	}
}

// plateqOver is how Plateq is set up over a Redis, asking a stand-in.
func plateqOver(t *testing.T, redis string, keys store.Keys, log *lockedText) app.Options {
	t.Helper()
	upstream, err := sim.New(sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(upstream.Handler())
	t.Cleanup(func() {
		_ = upstream.Close()
		web.Close()
	})
	b64 := base64.StdEncoding.EncodeToString
	cfg, warnings, err := config.Load([]string{
		"PLATEQ_DATA_DIR=" + t.TempDir(), "PLATEQ_REDIS_URL=" + redis, "PLATEQ_LISTEN=127.0.0.1:0",
		"PLATEQ_ENCRYPTION_KEYS=" + fmt.Sprintf("%x:%s", keys.Seal[0].ID, b64(keys.Seal[0].Key)),
		"PLATEQ_INDEX_KEY=" + b64(keys.Index), "PLATEQ_ENQUEUE_KEY=" + b64(keys.Enqueue),
		"PLATEQ_ATTESTR_BASE_URL=" + web.URL + "/attestr", "PLATEQ_ATTESTR_AUTH_TOKEN=" + sim.DefaultToken,
	})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("load configuration: %v, %q", err, warnings)
	}
	return app.Options{Config: cfg, Log: zerolog.New(log)}
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
	srv := redistest.Start(t)
	keys := store.NewKeys()
	key := base64.StdEncoding.EncodeToString(keys.Enqueue)
	log := &lockedText{}
	o := newOrderer(t, srv.URL(), key)

	// It may come before anybody is there to take it.
	first, err := o.order("order 7", "attestr", "DL01AA1000", "DL01AA1001")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := srv.Client().HGetAll(t.Context(), "asynq:{"+first.Queue+"}:t:"+first.ID).Result()
	if err != nil || kept["msg"] == "" {
		t.Fatalf("Redis holds %v, %v", kept, err)
	}
	for _, word := range []string{"DL01AA", "order 7", "acme"} {
		if strings.Contains(kept["msg"], word) {
			t.Errorf("Redis holds %q", word)
		}
	}
	a, err := app.Open(t.Context(), plateqOver(t, srv.URL(), keys, log), app.Worker|app.Scheduler|app.Server)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	o.ends(first, asynq.TaskStateCompleted)

	if _, err := o.order("order 7", "attestr", "DL01AA1000", "DL01AA1001"); !errors.Is(err, asynq.ErrTaskIDConflict) {
		t.Errorf("the same again: got %v, want a conflict", err)
	}
	inspector := asynq.NewInspector(o.redis)
	defer inspector.Close()
	if err := inspector.DeleteTask(first.Queue, first.ID); err != nil {
		t.Fatal(err)
	}
	again, err := o.order("order 7", "attestr", "DL01AA1000", "DL01AA1001")
	if err != nil {
		t.Fatal(err)
	}
	o.ends(again, asynq.TaskStateCompleted)

	other, err := o.order("order 8", "nobody", "DL01AA1002")
	if err != nil {
		t.Fatal(err)
	}
	if got := o.ends(other, asynq.TaskStateArchived); strings.Contains(got.LastErr, "nobody") {
		t.Errorf("Redis is told %q", got.LastErr)
	}
	o.key = store.NewKeys().Enqueue
	forged, err := o.order("order 9", "attestr", "DL01AA1003")
	if err != nil {
		t.Fatal(err)
	}
	o.ends(forged, asynq.TaskStateArchived)

	batches, err := a.Store().Batches(t.Context(), store.BatchFilter{})
	if err != nil || len(batches) != 1 || batches[0].Tenant != "acme" || batches[0].Rows != 2 || batches[0].Name != "of a program" {
		t.Errorf("batches %+v, %v", batches, err)
	}
	if log := log.String(); strings.Contains(log, "DL01AA") {
		t.Errorf("a plate is in the log: %s", log)
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
