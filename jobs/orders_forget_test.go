package jobs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

// TestRedisForgetsAListThatWasTakenInOrRefused: what is left of it is its name
// and how it ended.
func TestRedisForgetsAListThatWasTakenInOrRefused(t *testing.T) {
	t.Parallel()
	onEach(t, redisForgets)
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		redisForgets(t, opened(t, redistest.StartCluster(t).URL()))
	})
}

func redisForgets(t *testing.T, c redis.UniversalClient) {
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2, Timeout: time.Second})
	log, r := &lockedText{}, newReader(t, c)
	o := &orderer{t: t, key: store.NewKeys().Enqueue, client: asynq.NewClientFromRedisClient(c)}
	body, err := json.Marshal(o.request("acme", "DL01AA1000", "DL01AA1001"))
	if err != nil {
		t.Fatal(err)
	}
	var sent []*asynq.TaskInfo
	order := func(id, provider string) *asynq.TaskInfo {
		t.Helper()
		info, err := o.order(id, provider, "DL01AA1000", "DL01AA1001")
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, info)
		return info
	}
	taken, refused, again, slow := order("order 1", "acme"), order("order 2", "nobody"), order("order 3", "acme"), order("order 4", "acme")
	for _, info := range sent {
		if held := r.holding(info.Payload); len(held) != 1 {
			t.Fatalf("before a worker is there %v hold order %s, want one key", held, info.ID)
		}
	}

	// The worker of the third took it in, and died before it came to say so.
	r.took(again, time.Now().Add(-time.Minute))
	if _, err := b.takeOrder(t.Context(), jobs.Order{Tenant: "acme", ID: "order 3", Body: body}); err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{})
	orders := &jobs.Orders{Key: o.key, Take: func(ctx context.Context, order jobs.Order) (string, error) {
		if order.ID == "order 4" {
			select {
			case <-seen:
			case <-ctx.Done():
			}
		}
		if order.ID == "order 3" && !bytes.Equal(order.Body, body) {
			t.Errorf("it comes again as %s, not as %s", order.Body, body)
		}
		return b.takeOrder(ctx, order)
	}}
	w := newWorkerOver(t, b, c, zerolog.New(log), orders)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "Redis to say who works on order 4", func() bool { return len(r.workersOn(slow)) > 0 })
	if held := r.holding(slow.Payload); len(held) != 1 {
		t.Errorf("while it is worked on %v hold it, want one key", held)
	}
	close(seen)
	for _, info := range []*asynq.TaskInfo{taken, again, slow} {
		if got := ends(t, r.Inspector, info, asynq.TaskStateCompleted); got.Retention != store.OnceLife || len(got.Payload) != 0 {
			t.Errorf("of a list that was taken in %d bytes are kept for %v", len(got.Payload), got.Retention)
		}
	}
	if got := ends(t, r.Inspector, refused, asynq.TaskStateArchived); !strings.Contains(got.LastErr, "see the log") {
		t.Errorf("of a list that was refused Redis says %q", got.LastErr)
	}
	nothing := func(when string) {
		t.Helper()
		for _, info := range sent {
			if held := r.holding(info.Payload); len(held) != 0 {
				t.Errorf("%s %v hold a list", when, held)
			}
		}
	}
	nothing("in the end")
	for id, provider := range map[string]string{"order 1": "acme", "order 2": "nobody"} {
		if _, err := o.order(id, provider, "DL01AA1000"); !errors.Is(err, asynq.ErrTaskIDConflict) {
			t.Errorf("%s again: got %v, want a conflict", id, err)
		}
	}

	// Somebody has one run again that was refused, of which there is nothing.
	if err := r.RunTask(refused.Queue, refused.ID); err != nil {
		t.Fatal(err)
	}
	await(t, "word that it has to be sent again", func() bool { return strings.Contains(log.String(), "has to send it again") })
	ends(t, r.Inspector, refused, asynq.TaskStateArchived)
	nothing("after it was run again")
	if err := w.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	batches, err := b.store.Batches(t.Context(), store.BatchFilter{})
	if err != nil || len(batches) != 3 {
		t.Errorf("%d batches, %v, want 3", len(batches), err)
	}
}

// TestRedisKeepsAListThatWasNotTakenIn, however its task ended.
func TestRedisKeepsAListThatWasNotTakenIn(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2, Timeout: time.Second})
	key, r := store.NewKeys().Enqueue, newReader(t, b.redis)
	task, err := jobs.NewBatchTask(key, "acme", "order 1", jobs.BatchRequest{Provider: "acme", Items: []map[string]string{{"plate": "DL01AA1000"}}})
	if err != nil {
		t.Fatal(err)
	}
	info, err := asynq.NewClientFromRedisClient(b.redis).EnqueueContext(t.Context(), task, asynq.MaxRetry(0)) // a sender may
	if err != nil {
		t.Fatal(err)
	}
	w := newWorker(t, b, zerolog.Nop(), &jobs.Orders{Key: key, Take: func(context.Context, jobs.Order) (string, error) {
		return "", errors.New("the store is away")
	}})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	if got := ends(t, r.Inspector, info, asynq.TaskStateArchived); !bytes.Equal(got.Payload, info.Payload) {
		t.Errorf("%d bytes are left of %d", len(got.Payload), len(info.Payload))
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAListOfAnotherKeyIsKept: of a key that is changed, senders or workers have
// the new one first.
func TestAListOfAnotherKeyIsKept(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2, Timeout: time.Second})
	r := newReader(t, b.redis)
	o := &orderer{t: t, key: store.NewKeys().Enqueue, client: asynq.NewClientFromRedisClient(b.redis)}
	info, err := o.order("order 1", "acme", "DL01AA1000")
	if err != nil {
		t.Fatal(err)
	}
	old := takesOrders(t, b, store.NewKeys().Enqueue, zerolog.Nop())
	if err := old.Start(); err != nil {
		t.Fatal(err)
	}
	got := ends(t, r.Inspector, info, asynq.TaskStateArchived)
	if !bytes.Equal(got.Payload, info.Payload) || !strings.Contains(got.LastErr, "another key") {
		t.Errorf("%d bytes are left of %d, and Redis says %q", len(got.Payload), len(info.Payload), got.LastErr)
	}
	if err := old.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	w := takesOrders(t, b, o.key, zerolog.Nop())
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	if err := r.RunTask(info.Queue, info.ID); err != nil {
		t.Fatal(err)
	}
	ends(t, r.Inspector, info, asynq.TaskStateCompleted)
	if err := w.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if batches, err := b.store.Batches(t.Context(), store.BatchFilter{}); err != nil || len(batches) != 1 {
		t.Errorf("%d batches, %v, want the one of the list", len(batches), err)
	}
}

// reader looks at all that a Redis holds.
type reader struct {
	*asynq.Inspector
	t *testing.T
	c redis.UniversalClient
}

func newReader(t *testing.T, c redis.UniversalClient) *reader {
	return &reader{Inspector: asynq.NewInspectorFromRedisClient(c), t: t, c: c}
}

// took makes a task that of a worker whose lease ended.
func (r *reader) took(info *asynq.TaskInfo, until time.Time) {
	r.t.Helper()
	ctx, queue := r.t.Context(), "asynq:{"+info.Queue+"}:"
	err := errors.Join(
		r.c.LRem(ctx, queue+"pending", 1, info.ID).Err(),
		r.c.LPush(ctx, queue+"active", info.ID).Err(),
		r.c.HSet(ctx, queue+"t:"+info.ID, "state", "active").Err(),
		r.c.ZAdd(ctx, queue+"lease", redis.Z{Score: float64(until.Unix()), Member: info.ID}).Err(),
	)
	if err != nil {
		r.t.Fatal(err)
	}
}

// workersOn lists who is said to work on a task.
func (r *reader) workersOn(info *asynq.TaskInfo) (started []time.Time) {
	servers, err := r.Servers()
	if err != nil {
		r.t.Error(err)
	}
	for _, s := range servers {
		for _, w := range s.ActiveWorkers {
			if w.TaskID == info.ID {
				started = append(started, w.Started)
			}
		}
	}
	return started
}

// holding lists the keys in whose names or values a piece of a payload is.
func (r *reader) holding(payload []byte) (keys []string) {
	r.t.Helper()
	piece := string(payload[len(payload)/2:])[:32]
	for key, value := range r.everything() {
		if strings.Contains(key+value, piece) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (r *reader) everything() map[string]string {
	r.t.Helper()
	all := map[string]string{}
	var mu sync.Mutex
	look := func(ctx context.Context, c *redis.Client) error {
		keys := c.Scan(ctx, 0, "", 100).Iterator()
		for keys.Next(ctx) {
			value, err := valueOf(ctx, c, keys.Val())
			if err != nil {
				return err
			}
			mu.Lock()
			all[keys.Val()] = value
			mu.Unlock()
		}
		return keys.Err()
	}
	var err error
	client := r.c
	if e, ok := client.(*jobs.Embedded); ok {
		client = e.UniversalClient
	}
	switch c := client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(r.t.Context(), look)
	case *redis.Client:
		err = look(r.t.Context(), c)
	default:
		err = errors.New("nobody knows how to look at all of this Redis")
	}
	if err != nil {
		r.t.Error(err)
	}
	return all
}

// valueOf is all that is under a key, as one text.
func valueOf(ctx context.Context, c *redis.Client, key string) (string, error) {
	kind, err := c.Type(ctx, key).Result()
	if err != nil {
		return "", err
	}
	var parts []string
	switch kind {
	case "string":
		var value string
		value, err = c.Get(ctx, key).Result()
		parts = []string{value}
	case "hash":
		var fields map[string]string
		fields, err = c.HGetAll(ctx, key).Result()
		for name, value := range fields {
			parts = append(parts, name, value)
		}
	case "list":
		parts, err = c.LRange(ctx, key, 0, -1).Result()
	case "set":
		parts, err = c.SMembers(ctx, key).Result()
	case "zset":
		parts, err = c.ZRange(ctx, key, 0, -1).Result()
	case "none": // it went meanwhile
	default:
		err = errors.New("nobody knows how to read a " + kind)
	}
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return strings.Join(parts, "\x00"), err
}
