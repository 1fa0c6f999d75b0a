package client

import (
	"context"
	"net/url"
	"time"
)

// Queues is what stands in Redis, and who works on it.
type Queues struct {
	Items   []Queue       `json:"items"`
	Servers []QueueServer `json:"servers"`
	Redis   RedisInfo     `json:"redis"`
}

// Queue is one queue: a provider's, or that of lists that other systems enqueue.
type Queue struct {
	Name      string `json:"name"`
	Paused    bool   `json:"paused"`
	Pending   int    `json:"pending"`
	Active    int    `json:"active"`
	Scheduled int    `json:"scheduled"`
	Retry     int    `json:"retry"`
	Archived  int    `json:"archived"`
	Completed int    `json:"completed"`
	// Processed and Failed are of today, in UTC.
	Processed   int   `json:"processed"`
	Failed      int   `json:"failed"`
	LatencyMS   int64 `json:"latency_ms"` // how long the oldest pending task waits
	MemoryBytes int64 `json:"memory_bytes"`
	// Days are the last seven, today first.
	Days []QueueDay `json:"days"`
}

// QueueDay is what was done of a queue on a day in UTC.
type QueueDay struct {
	Day       string `json:"day"` // as 2026-11-21
	Processed int    `json:"processed"`
	Failed    int    `json:"failed"` // of Processed
}

// QueueServer is a process that takes tasks.
type QueueServer struct {
	ID          string        `json:"id"`
	Host        string        `json:"host"`
	PID         int           `json:"pid"`
	Status      string        `json:"status"`
	Queues      []string      `json:"queues"`
	Concurrency int           `json:"concurrency"`
	StartedAt   time.Time     `json:"started_at"`
	Workers     []QueueWorker `json:"workers"`
}

// QueueWorker is a task that a server works on.
type QueueWorker struct {
	Queue     string    `json:"queue"`
	Task      string    `json:"task"`
	Type      string    `json:"type"`
	StartedAt time.Time `json:"started_at"`
}

// RedisInfo is what Redis says of itself. What it does not tell is empty.
type RedisInfo struct {
	Version     string `json:"version"`
	Mode        string `json:"mode"`
	Memory      string `json:"memory"`     // in use, "1.05M"
	MaxMemory   string `json:"max_memory"` // "0B": no bound
	Policy      string `json:"policy"`
	Clients     string `json:"clients"`
	UptimeDays  string `json:"uptime_days"`
	Persistence string `json:"persistence"` // "append-only file", "snapshots only"
}

// QueueTask is a task. What it carries are ids, and is not shown.
type QueueTask struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	State     string     `json:"state"`
	Retried   int        `json:"retried"`
	MaxRetry  int        `json:"max_retry"`
	LastError string     `json:"last_error"`
	FailedAt  *time.Time `json:"failed_at"`
	NextAt    *time.Time `json:"next_at"`
	Orphaned  bool       `json:"orphaned"` // it is active, and nobody works on it
}

// Queues returns what stands in Redis, and who works on it.
func (c *Client) Queues(ctx context.Context) (q Queues, err error) {
	err = c.get(ctx, "/v1/queues", nil, &q)
	return q, err
}

// PauseQueue has no more tasks of a queue taken; ResumeQueue lets it go on.
func (c *Client) PauseQueue(ctx context.Context, queue string) error {
	return c.post(ctx, request{path: "/v1/queues/" + url.PathEscape(queue) + "/pause"}, &struct{}{})
}

// ResumeQueue has tasks of a queue taken again.
func (c *Client) ResumeQueue(ctx context.Context, queue string) error {
	return c.post(ctx, request{path: "/v1/queues/" + url.PathEscape(queue) + "/resume"}, &struct{}{})
}
