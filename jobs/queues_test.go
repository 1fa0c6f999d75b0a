package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
)

// onEach runs a test over a redis-server and over the embedded one.
func onEach(t *testing.T, test func(t *testing.T, c redis.UniversalClient)) {
	t.Helper()
	t.Run("redis-server", func(t *testing.T) {
		t.Parallel()
		c := redistest.Start(t).Client()
		t.Cleanup(func() { _ = c.Close() })
		test(t, c)
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		c := jobs.OpenEmbedded()
		t.Cleanup(func() { _ = c.Close() })
		test(t, c)
	})
}

func enqueued(t *testing.T, c redis.UniversalClient, queue, kind, id string, more ...asynq.Option) {
	t.Helper()
	more = append(more, asynq.Queue(queue), asynq.TaskID(id))
	if _, err := asynq.NewClientFromRedisClient(c).EnqueueContext(t.Context(), asynq.NewTask(kind, []byte(`{"chunk":1}`)), more...); err != nil {
		t.Fatal(err)
	}
}

func states(t *testing.T, q *jobs.Queues, queue, id string) string {
	t.Helper()
	for _, state := range jobs.TaskStates() {
		tasks, err := q.Tasks(queue, state, 1, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			if task.ID == id {
				return task.State
			}
		}
	}
	return ""
}

func TestQueues(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c redis.UniversalClient) {
		q := jobs.NewQueues(c)
		if all, err := q.List(); err != nil || len(all) != 0 {
			t.Fatalf("of an empty Redis: got %v, %v, want none", all, err)
		}
		for _, id := range []string{"c:1", "c:2", "c:3"} {
			enqueued(t, c, "regnum", jobs.TaskSend, id)
		}
		enqueued(t, c, "attestr", jobs.TaskPoll, "t:1")
		if err := errors.Join(q.Pause("regnum"), q.Pause("regnum"), q.Archive("regnum", "c:3")); err != nil {
			t.Fatal(err)
		}
		all, err := q.List()
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			if all[i].Pending > 0 && all[i].Latency < 0 {
				t.Errorf("%s: latency %v", all[i].Name, all[i].Latency)
			}
			all[i].Latency, all[i].Memory, all[i].Days = 0, 0, nil
		}
		want := []jobs.QueueInfo{{Name: "attestr", Pending: 1}, {Name: "regnum", Pending: 2, Archived: 1, Paused: true}}
		if d := cmp.Diff(want, all); d != "" {
			t.Errorf("queues differ (-want +got):\n%s", d)
		}
		if err := errors.Join(q.Resume("regnum"), q.Resume("regnum")); err != nil {
			t.Error(err)
		}
		if all, err = q.List(); err != nil || all[1].Paused {
			t.Errorf("after resuming: got %+v, %v", all, err)
		}
		if _, err := q.Redis(t.Context()); err != nil {
			t.Errorf("ask Redis: %v", err)
		}
		if servers, err := q.Servers(); err != nil || len(servers) != 0 {
			t.Errorf("servers: got %v, %v, want none", servers, err)
		}
	})
}

func TestQueuesTellWhatWasDoneByDay(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c redis.UniversalClient) {
		enqueued(t, c, "regnum", jobs.TaskSend, "c:1")
		today := time.Now().UTC().Truncate(24 * time.Hour)
		for back, done := range map[int]string{0: "12", 3: "5", 6: "7", 7: "9"} {
			day := today.AddDate(0, 0, -back).Format(time.DateOnly)
			if err := c.Set(t.Context(), "asynq:{regnum}:processed:"+day, done, 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Set(t.Context(), "asynq:{regnum}:failed:"+today.Format(time.DateOnly), "2", 0).Err(); err != nil {
			t.Fatal(err)
		}
		all, err := jobs.NewQueues(c).List()
		if err != nil || len(all) != 1 {
			t.Fatalf("got %v, %v, want one queue", all, err)
		}
		want := make([]jobs.QueueDay, 7)
		for i := range want {
			want[i].Day = today.AddDate(0, 0, -i)
		}
		want[0].Processed, want[0].Failed, want[3].Processed, want[6].Processed = 12, 2, 5, 7
		if d := cmp.Diff(want, all[0].Days); d != "" {
			t.Errorf("days differ (-want +got):\n%s", d)
		}
	})
}

func TestQueuesMoveOneTask(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c redis.UniversalClient) {
		q := jobs.NewQueues(c)
		enqueued(t, c, "regnum", jobs.TaskSend, "c:1")
		enqueued(t, c, "regnum", jobs.TaskSend, "c:2")
		for _, step := range []struct {
			name string
			do   func(queue, id string) error
			want string
			err  error
		}{
			{"run what is pending", q.Run, "pending", jobs.ErrTaskState},
			{"archive", q.Archive, "archived", nil},
			{"archive again", q.Archive, "archived", jobs.ErrTaskState},
			{"run", q.Run, "pending", nil},
			{"delete", q.Delete, "", nil},
			{"delete again", q.Delete, "", jobs.ErrNoTask},
		} {
			if err := step.do("regnum", "c:1"); !errors.Is(err, step.err) {
				t.Errorf("%s: got %v, want %v", step.name, err, step.err)
			}
			if got := states(t, q, "regnum", "c:1"); got != step.want {
				t.Errorf("%s: the task is %q, want %q", step.name, got, step.want)
			}
		}
		if got := states(t, q, "regnum", "c:2"); got != "pending" {
			t.Errorf("the other task is %q, want pending", got)
		}
		for name, err := range map[string]error{
			"pause": q.Pause("none"), "resume": q.Resume("none"), "run": q.Run("none", "c:1"),
		} {
			if !errors.Is(err, jobs.ErrNoQueue) {
				t.Errorf("%s in no queue: got %v, want %v", name, err, jobs.ErrNoQueue)
			}
		}
		if _, err := q.Tasks("none", "pending", 1, 10); !errors.Is(err, jobs.ErrNoQueue) {
			t.Errorf("list of no queue: got %v, want %v", err, jobs.ErrNoQueue)
		}
	})
}

func TestQueuesShowErrorsOfOursAlone(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c redis.UniversalClient) {
		const said = "KA01AB1234 is not to be shown"
		done := make(chan struct{}, 2)
		srv := asynq.NewServerFromRedisClient(c, asynq.Config{Queues: map[string]int{"regnum": 1}, LogLevel: asynq.FatalLevel})
		err := srv.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
			done <- struct{}{}
			if task.Type() == jobs.TaskSplit {
				return asynq.SkipRetry
			}
			return errors.Join(errors.New(said), asynq.SkipRetry)
		}))
		if err != nil {
			t.Fatal(err)
		}
		enqueued(t, c, "regnum", jobs.TaskSplit, "b:1")
		enqueued(t, c, "regnum", "theirs", "x:1")
		<-done
		<-done
		srv.Shutdown()
		tasks, err := jobs.NewQueues(c).Tasks("regnum", "archived", 1, 10)
		if err != nil || len(tasks) != 2 {
			t.Fatalf("got %+v, %v, want two tasks", tasks, err)
		}
		for _, task := range tasks {
			if ours := task.Type == jobs.TaskSplit; ours != (task.LastError != "") {
				t.Errorf("task %s says %q", task.Type, task.LastError)
			}
		}
	})
}
