package api

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

// queues returns the queues, to those of all tenants: what stands in them is
// everybody's.
func (s *server) queues(r *http.Request) (*jobs.Queues, error) {
	if err := wholeOnly(r.Context()); err != nil {
		return nil, err
	}
	if s.Queues == nil {
		return nil, problem(http.StatusNotFound, "no_queues", "this process has no Redis")
	}
	return s.Queues, nil
}

// listQueues answers with what stands in Redis, and who works on it.
func (s *server) listQueues(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	q, err := s.queues(r)
	if err != nil {
		return err
	}
	all, err := q.List()
	if err != nil {
		return err
	}
	servers, err := q.Servers()
	if err != nil {
		return err
	}
	info, err := q.Redis(r.Context())
	if err != nil {
		return err
	}
	answer := client.Queues{Items: []client.Queue{}, Servers: []client.QueueServer{}, Redis: client.RedisInfo(info)}
	for _, i := range all {
		answer.Items = append(answer.Items, client.Queue{
			Days: viewDays(i.Days), Name: i.Name, Paused: i.Paused, Pending: i.Pending, Active: i.Active, Scheduled: i.Scheduled, Retry: i.Retry,
			Archived: i.Archived, Completed: i.Completed, Processed: i.Processed, Failed: i.Failed,
			LatencyMS: i.Latency.Milliseconds(), MemoryBytes: i.Memory,
		})
	}
	for _, i := range servers {
		answer.Servers = append(answer.Servers, viewServer(i))
	}
	return writeJSON(w, http.StatusOK, answer)
}

func viewDays(days []jobs.QueueDay) []client.QueueDay {
	all := []client.QueueDay{}
	for _, d := range days {
		all = append(all, client.QueueDay{Day: d.Day.Format(time.DateOnly), Processed: d.Processed, Failed: d.Failed})
	}
	return all
}

func viewServer(i jobs.ServerInfo) client.QueueServer {
	v := client.QueueServer{
		ID: i.ID, Host: i.Host, PID: i.PID, Status: i.Status, Queues: append([]string{}, i.Queues...), Concurrency: i.Concurrency,
		StartedAt: store.Millis(i.Started), Workers: []client.QueueWorker{},
	}
	for _, w := range i.Workers {
		v.Workers = append(v.Workers, client.QueueWorker{Queue: w.Queue, Task: w.Task, Type: w.Type, StartedAt: store.Millis(w.Started)})
	}
	return v
}

// steered says how a queue stands that was paused or resumed.
type steered struct {
	Name   string `json:"name"`
	Paused bool   `json:"paused"`
}

// steerQueue pauses or resumes a queue.
func (s *server) steerQueue(paused bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := newQuery(r).err(); err != nil {
			return err
		}
		q, err := s.queues(r)
		if err != nil {
			return err
		}
		name, do, kind := r.PathValue("queue"), q.Resume, store.ActQueueResumed
		if paused {
			do, kind = q.Pause, store.ActQueuePaused
		}
		all, err := q.List()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(i jobs.QueueInfo) bool { return i.Name == name }) {
			return queueProblem(jobs.ErrNoQueue)
		}
		if err := s.note(r.Context(), kind, store.AllTenants, name); err != nil {
			return err
		}
		if err := do(name); err != nil {
			return queueProblem(err)
		}
		s.Log.Warn().Str("queue", name).Bool("paused", paused).Str("by", requester(r.Context())).Msg("a queue is steered by a person")
		return writeJSON(w, http.StatusOK, steered{name, paused})
	}
}

// taskPage is a page of tasks.
type taskPage struct {
	Items      []client.QueueTask `json:"items"`
	NextCursor *string            `json:"next_cursor"`
}

// listTasks answers with a page of the tasks of a queue.
func (s *server) listTasks(w http.ResponseWriter, r *http.Request) error {
	query := newQuery(r)
	state, limit, page := query.text("state"), query.limit(), query.cursor()+1
	if state == "" {
		state = "pending"
	}
	if !slices.Contains(jobs.TaskStates(), state) {
		query.fault("state", "there is no such state of tasks")
	}
	if err := query.err(); err != nil {
		return err
	}
	q, err := s.queues(r)
	if err != nil {
		return err
	}
	tasks, err := q.Tasks(r.PathValue("queue"), state, page, limit)
	if err != nil {
		return queueProblem(err)
	}
	answer := taskPage{Items: []client.QueueTask{}}
	for _, t := range tasks {
		answer.Items = append(answer.Items, client.QueueTask{
			ID: t.ID, Type: t.Type, State: t.State, Retried: t.Retried, MaxRetry: t.MaxRetry, LastError: t.LastError,
			FailedAt: instantOf(t.Failed), NextAt: instantOf(t.Next), Orphaned: t.Orphaned,
		})
	}
	if len(tasks) == limit { // perhaps there are more: asynq has pages alone
		answer.NextCursor = new(cursorOf(page))
	}
	return writeJSON(w, http.StatusOK, answer)
}

// instantOf is a time as the types of the client hold it; nil: there is none.
func instantOf(t time.Time) *time.Time {
	if t.IsZero() || t.Unix() == 0 {
		return nil
	}
	return new(store.Millis(t))
}

// moved says what became of a task.
type moved struct {
	ID   string `json:"id"`
	Done string `json:"done" enum:"run,archive,delete"`
}

// moveTask does one thing to one task.
func (s *server) moveTask(verb string, pick func(*jobs.Queues) func(queue, id string) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := newQuery(r).err(); err != nil {
			return err
		}
		q, err := s.queues(r)
		if err != nil {
			return err
		}
		queue, id := r.PathValue("queue"), r.PathValue("id")
		if err := pick(q)(queue, id); err != nil {
			return queueProblem(err)
		}
		s.Log.Warn().Str("queue", queue).Str("task_id", id).Str("done", verb).Str("by", requester(r.Context())).Msg("a task is moved by a person")
		return writeJSON(w, http.StatusOK, moved{id, verb})
	}
}

// queueProblem says what is wrong with a queue or task that somebody names.
func queueProblem(err error) error {
	switch {
	case errors.Is(err, jobs.ErrNoQueue):
		return problem(http.StatusNotFound, "no_such_queue", "there is no such queue")
	case errors.Is(err, jobs.ErrNoTask):
		return problem(http.StatusNotFound, "no_such_task", "there is no such task: it may have been done meanwhile")
	case errors.Is(err, jobs.ErrTaskState):
		return problem(http.StatusConflict, "wrong_state", "%v", err)
	}
	return err
}
