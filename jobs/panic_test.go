package jobs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

// fellOver is what our code panics with: it quotes the plate that it fell over.
const fellOver = "no index for DL01AA1000"

// panickingStore falls over whatever it is to claim.
type panickingStore struct{ store.Store }

func (panickingStore) Claim(context.Context, store.ClaimRequest) (store.Claim, error) {
	panic(fellOver)
}

// TestAPanicTellsOfNobody: a task that panics ends, and neither Redis, where
// asynq keeps why tasks failed, nor the log are told what it panicked with.
func TestAPanicTellsOfNobody(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2, Timeout: time.Second})
	b.list("a", 3, 0)
	b.fill()
	tasks := b.pending()
	key := store.NewKeys().Enqueue
	o := &orderer{t: t, key: key, client: asynq.NewClientFromRedisClient(b.redis)}
	order, err := o.order("order 7", "acme", "DL01AA1000")
	if err != nil {
		t.Fatal(err)
	}
	tasks = append(tasks, order)
	log := &lockedText{}
	b.store = panickingStore{b.store}
	w := newWorker(t, b, zerolog.New(log), &jobs.Orders{Key: key, Take: func(context.Context, jobs.Order) (string, error) { panic(fellOver) }})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if said := b.tried(task); strings.Contains(said, "DL01AA") {
			t.Errorf("Redis keeps of a task of the kind %s: %q", task.Type, said)
		}
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	text := log.String()
	for _, kind := range []string{jobs.TaskSend, jobs.TaskSplit} {
		if !strings.Contains(text, `"task":"`+kind+`","panic":"string","stack":"`) {
			t.Errorf("the log does not tell of a panic in %s: %s", kind, text)
		}
	}
	if strings.Contains(text, "DL01AA") {
		t.Errorf("a plate is in the log: %s", text)
	}
}

// tried waits until a task was tried, and returns why it failed as far as Redis
// knows.
func (b *bell) tried(task *asynq.TaskInfo) string {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := b.inspector.GetTaskInfo(task.Queue, task.ID)
		switch {
		case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
			return ""
		case err != nil:
			b.t.Fatal(err)
		case info.LastErr != "":
			return info.LastErr
		case info.State == asynq.TaskStateCompleted:
			return ""
		}
		select {
		case <-tick.C:
		case <-b.t.Context().Done():
			b.t.Fatalf("the task is %v", info.State)
		}
	}
}
