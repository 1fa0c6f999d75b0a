package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Errors of those who name a queue or a task.
var (
	ErrNoQueue = errors.New("there is no such queue")
	ErrNoTask  = errors.New("there is no such task")
	// ErrTaskState: a task that stands so cannot be moved like that.
	ErrTaskState = errors.New("the task cannot be moved as it stands")
)

// Queues shows what stands in Redis, and moves one task at a time: what moves
// all of a queue holds Redis up for as long as it takes, and the store rings
// again for whatever counts.
type Queues struct {
	redis     redis.UniversalClient
	inspector *asynq.Inspector
}

// NewQueues returns the queues of a Redis.
func NewQueues(c redis.UniversalClient) *Queues {
	return &Queues{redis: c, inspector: asynq.NewInspectorFromRedisClient(c)}
}

// QueueInfo is how a queue stands.
type QueueInfo struct {
	Name                                                   string
	Paused                                                 bool
	Pending, Active, Scheduled, Retry, Archived, Completed int
	Processed, Failed                                      int           // today, in UTC
	Days                                                   []QueueDay    // the last seven, today first
	Latency                                                time.Duration // of the oldest pending task
	Memory                                                 int64         // bytes, about
}

// QueueDay is what was done of a queue on a day in UTC.
type QueueDay struct {
	Day               time.Time // its beginning
	Processed, Failed int       // Failed are some of Processed
}

// queueDays is how many days are shown of a queue; asynq keeps 90.
const queueDays = 7

// List returns all queues by name.
func (q *Queues) List() ([]QueueInfo, error) {
	names, err := q.inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	slices.Sort(names)
	all := make([]QueueInfo, 0, len(names))
	for _, name := range names {
		i, err := q.inspector.GetQueueInfo(name)
		if errors.Is(err, asynq.ErrQueueNotFound) {
			continue // it went meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("look at queue %s: %w", name, err)
		}
		days, err := q.days(name)
		if err != nil {
			return nil, err
		}
		all = append(all, QueueInfo{
			Days: days, Name: name, Paused: i.Paused, Pending: i.Pending, Active: i.Active, Scheduled: i.Scheduled, Retry: i.Retry,
			Archived: i.Archived, Completed: i.Completed, Processed: i.Processed, Failed: i.Failed, Latency: i.Latency, Memory: i.MemoryUsage,
		})
	}
	return all, nil
}

func (q *Queues) days(queue string) ([]QueueDay, error) {
	stats, err := q.inspector.History(queue, queueDays)
	if err != nil {
		return nil, fmt.Errorf("look at the days of queue %s: %w", queue, err)
	}
	days := make([]QueueDay, 0, len(stats))
	for _, d := range stats {
		days = append(days, QueueDay{Day: d.Date.UTC().Truncate(24 * time.Hour), Processed: d.Processed, Failed: d.Failed})
	}
	return days, nil
}

// Pause has no more tasks of a queue taken. Those that are worked on go on, and
// so does their chunk.
func (q *Queues) Pause(queue string) error {
	return q.steer(queue, true, q.inspector.PauseQueue)
}

// Resume has them taken again.
func (q *Queues) Resume(queue string) error {
	return q.steer(queue, false, q.inspector.UnpauseQueue)
}

// steer pauses or resumes a queue that does not stand so already.
func (q *Queues) steer(queue string, paused bool, do func(string) error) error {
	names, err := q.inspector.Queues()
	if err != nil {
		return fmt.Errorf("list queues: %w", err)
	}
	if !slices.Contains(names, queue) {
		return ErrNoQueue
	}
	info, err := q.inspector.GetQueueInfo(queue)
	if err == nil && info.Paused != paused {
		err = do(queue)
	}
	return named("steer queue", err)
}

// TaskStates are the states of tasks that can be listed.
func TaskStates() []string {
	return []string{"active", "pending", "scheduled", "retry", "archived", "completed"}
}

// TaskInfo is how a task stands.
type TaskInfo struct {
	ID, Type, State   string
	Retried, MaxRetry int
	// LastError is kept by asynq. Of tasks that are not ours it is left out:
	// nobody knows what they say.
	LastError string
	Failed    time.Time
	Next      time.Time
	Orphaned  bool
}

// Tasks returns a page of the tasks of a queue in a state, from page 1 on.
func (q *Queues) Tasks(queue, state string, page, size int) ([]TaskInfo, error) {
	list := map[string]func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		"active": q.inspector.ListActiveTasks, "pending": q.inspector.ListPendingTasks, "scheduled": q.inspector.ListScheduledTasks,
		"retry": q.inspector.ListRetryTasks, "archived": q.inspector.ListArchivedTasks, "completed": q.inspector.ListCompletedTasks,
	}[state]
	if list == nil {
		return nil, fmt.Errorf("list tasks: there is no state %q", state)
	}
	tasks, err := list(queue, asynq.Page(page), asynq.PageSize(size))
	if err != nil {
		return nil, named("list tasks", err)
	}
	all := make([]TaskInfo, len(tasks))
	for i, t := range tasks {
		all[i] = TaskInfo{ID: t.ID, Type: t.Type, State: t.State.String(), Retried: t.Retried, MaxRetry: t.MaxRetry,
			Failed: t.LastFailedAt, Next: t.NextProcessAt, Orphaned: t.IsOrphaned}
		if slices.Contains([]string{TaskSend, TaskPoll, TaskSplit}, t.Type) {
			all[i].LastError = t.LastErr
		}
	}
	return all, nil
}

// Run has a task taken now that waits for its time, or was archived.
func (q *Queues) Run(queue, id string) error {
	return q.move(queue, id, q.inspector.RunTask, asynq.TaskStateScheduled, asynq.TaskStateRetry, asynq.TaskStateArchived)
}

// Archive puts a task aside.
func (q *Queues) Archive(queue, id string) error {
	return q.move(queue, id, q.inspector.ArchiveTask, asynq.TaskStatePending, asynq.TaskStateScheduled, asynq.TaskStateRetry)
}

// Delete forgets a task that nobody works on. What it rang for is rung for
// again, if it is still to be done.
func (q *Queues) Delete(queue, id string) error {
	return q.move(queue, id, q.inspector.DeleteTask,
		asynq.TaskStatePending, asynq.TaskStateScheduled, asynq.TaskStateRetry, asynq.TaskStateArchived, asynq.TaskStateCompleted)
}

func (q *Queues) move(queue, id string, do func(queue, id string) error, from ...asynq.TaskState) error {
	t, err := q.inspector.GetTaskInfo(queue, id)
	if err == nil && !slices.Contains(from, t.State) {
		return fmt.Errorf("%w: it is %s", ErrTaskState, t.State)
	}
	if err == nil {
		err = do(queue, id)
	}
	return named("move task", err)
}

// named makes the errors of asynq that say what is not there our own.
func named(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, asynq.ErrQueueNotFound):
		return ErrNoQueue
	case errors.Is(err, asynq.ErrTaskNotFound):
		return ErrNoTask
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// ServerInfo is a process that takes tasks, one for each of its queues.
type ServerInfo struct {
	ID, Host, Status string
	PID, Concurrency int
	Queues           []string
	Started          time.Time
	Workers          []WorkerInfo
}

// WorkerInfo is a task that a server works on.
type WorkerInfo struct {
	Queue, Task, Type string
	Started           time.Time
}

// Servers returns who takes tasks, by host, process and queues.
func (q *Queues) Servers() ([]ServerInfo, error) {
	servers, err := q.inspector.Servers()
	if err != nil {
		return nil, fmt.Errorf("list servers: %w", err)
	}
	all := make([]ServerInfo, len(servers))
	for i, s := range servers {
		all[i] = ServerInfo{ID: s.ID, Host: s.Host, Status: s.Status, PID: s.PID, Concurrency: s.Concurrency, Started: s.Started}
		for name := range s.Queues {
			all[i].Queues = append(all[i].Queues, name)
		}
		slices.Sort(all[i].Queues)
		for _, w := range s.ActiveWorkers {
			all[i].Workers = append(all[i].Workers, WorkerInfo{Queue: w.Queue, Task: w.TaskID, Type: w.TaskType, Started: w.Started})
		}
	}
	slices.SortFunc(all, func(a, b ServerInfo) int { return strings.Compare(a.order(), b.order()) })
	return all, nil
}

func (s ServerInfo) order() string {
	return fmt.Sprint(s.Host, " ", s.PID, " ", s.Queues, " ", s.ID)
}

// RedisInfo is what a Redis says of itself; empty: it does not tell.
type RedisInfo struct {
	Version, Mode, Memory, MaxMemory, Policy, Clients, UptimeDays, Persistence string
}

// Redis asks for it. Of a Cluster one node answers. What it may not be asked,
// or does not know, is left out.
func (q *Queues) Redis(ctx context.Context) (RedisInfo, error) {
	if err := q.redis.Ping(ctx).Err(); err != nil {
		return RedisInfo{}, fmt.Errorf("ask Redis: %w", err)
	}
	section := func(name string) string {
		text, err := q.redis.Info(ctx, name).Result()
		if err != nil {
			return "" // +info is not granted, or it is not a whole Redis
		}
		return text
	}
	server, memory := section("server"), section("memory")
	r := RedisInfo{
		Version: infoField(server, "redis_version"), Mode: infoField(server, "redis_mode"), UptimeDays: infoField(server, "uptime_in_days"),
		Memory: infoField(memory, "used_memory_human"), MaxMemory: infoField(memory, "maxmemory_human"), Policy: infoField(memory, "maxmemory_policy"),
		Clients: infoField(section("clients"), "connected_clients"),
	}
	switch infoField(section("persistence"), "aof_enabled") {
	case "1":
		r.Persistence = "append-only file"
	case "0":
		r.Persistence = "snapshots only"
	}
	return r, nil
}
