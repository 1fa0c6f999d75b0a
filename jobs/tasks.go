package jobs

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plateq/plateq/store"
)

// The kinds of tasks. Names are a contract between versions that run side by
// side: a worker that does not know one leaves it for others.
const (
	TaskSend = "chunk:send"
	TaskPoll = "ticket:poll"
)

// maxTickets is how many tickets one task carries.
const maxTickets = 100

// sendPayload and pollPayload are all that Redis ever sees: numbers; and those
// of a span in the headers, where somebody traces.
type sendPayload struct {
	Chunk store.ChunkID `json:"chunk"`
	N     int           `json:"n,omitempty"` // asks that were ready when it was rung for
}

type pollPayload struct {
	Tickets []store.TicketID `json:"tickets"`
}

// taskTimeout is far beyond what a handler needs, and below asynq's own
// assumptions; the calls inside have their own, shorter ones.
const taskTimeout = 10 * time.Minute

// Queue is the asynq queue of a provider. Each has one of its own, with its
// own server: a provider that is stuck holds nobody else's slots.
func Queue(provider string) string { return provider }

func sendTask(provider string, c store.ChunkRef, headers map[string]string) (*asynq.Task, []asynq.Option, error) {
	return newTask(provider, TaskSend, "c:"+strconv.FormatInt(int64(c.ID), 36)+":"+strconv.Itoa(c.Ring), sendPayload{Chunk: c.ID, N: c.N}, headers)
}

// pollTask is named after its tickets and how often each was polled, so that
// the same bell is not hung twice.
func pollTask(provider string, due []store.TicketRef, headers map[string]string) (*asynq.Task, []asynq.Option, error) {
	ids := make([]store.TicketID, len(due))
	name := fnv.New64a()
	for i, t := range due {
		ids[i] = t.ID
		_, _ = fmt.Fprintf(name, "%d:%d,", t.ID, t.Polls) // a hash takes everything
	}
	return newTask(provider, TaskPoll, "t:"+strconv.FormatUint(name.Sum64(), 36), pollPayload{Tickets: ids}, headers)
}

func newTask(provider, kind, id string, payload any, headers map[string]string) (*asynq.Task, []asynq.Option, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, nil, fmt.Errorf("write task %s: %w", kind, err)
	}
	return asynq.NewTaskWithHeaders(kind, body, headers), []asynq.Option{
		asynq.TaskID(id), asynq.Queue(Queue(provider)), asynq.MaxRetry(25), asynq.Timeout(taskTimeout),
	}, nil
}
