package client

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"time"
)

// Schedule is a list that is asked about again and again.
type Schedule struct {
	ID       string  `json:"id"`
	Batch    string  `json:"batch"` // whose rows are asked about
	Provider string  `json:"provider"`
	Name     string  `json:"name"`
	State    string  `json:"state"` // "active" or "paused"
	Cron     string  `json:"cron"`
	Zone     string  `json:"zone"`
	Overlap  bool    `json:"overlap"`
	Known    bool    `json:"known"`
	MaxCost  *string `json:"max_cost"`
	Currency *string `json:"currency"`
	// NextAt is nil while it is paused; AskedAt is when somebody wanted a run
	// now that has not begun.
	NextAt    *time.Time    `json:"next_at"`
	AskedAt   *time.Time    `json:"asked_at"`
	CreatedAt time.Time     `json:"created_at"`
	Runs      []ScheduleRun `json:"runs"` // the last ones, newest first
}

// ScheduleRun is what became of a schedule that was due: a batch, or a reason
// why there is none.
type ScheduleRun struct {
	DueAt  time.Time `json:"due_at"`
	At     time.Time `json:"at"`
	Batch  *string   `json:"batch"`
	Reason *string   `json:"reason"`
}

// ScheduleRequest is a schedule that somebody wants.
type ScheduleRequest struct {
	// Batch is the one whose rows are asked about.
	Batch string `json:"batch"`
	// Cron says when, such as "0 6 1 * *" or "@monthly", in the time zone Zone;
	// empty: UTC.
	Cron string `json:"cron"`
	Zone string `json:"zone,omitempty"`
	// Overlap begins a run though that before it is not finished. Otherwise
	// that time is passed over.
	Overlap bool `json:"overlap,omitempty"`
	// Known is content with known answers. Otherwise all is asked anew.
	Known bool `json:"known,omitempty"`
	// MaxCost is a decimal: where a run would cost more, it pauses.
	MaxCost string `json:"max_cost,omitempty"`
}

// AddSchedule repeats the list of a batch from its next time on. Where the
// server cannot be reached or is overloaded it is asked again, a few times, and
// adds one schedule.
func (c *Client) AddSchedule(ctx context.Context, r ScheduleRequest) (s Schedule, err error) {
	err = c.postOnce(ctx, "", "/v1/schedules", r, &s)
	return s, err
}

// Schedules lists schedules, oldest first, each with its last run.
func (c *Client) Schedules(ctx context.Context) ([]Schedule, error) {
	var page struct {
		Items []Schedule `json:"items"`
	}
	err := c.get(ctx, "/v1/schedules", nil, &page)
	return page.Items, err
}

func schedulePath(id string) string { return "/v1/schedules/" + url.PathEscape(id) }

// Schedule returns a schedule as it stands, with its last runs.
func (c *Client) Schedule(ctx context.Context, id string) (s Schedule, err error) {
	err = c.get(ctx, schedulePath(id), nil, &s)
	return s, err
}

// PauseSchedule stops a schedule. A run that has begun goes on.
func (c *Client) PauseSchedule(ctx context.Context, id string) (Schedule, error) {
	return c.changeSchedule(ctx, id, "pause")
}

// ResumeSchedule goes on with a schedule at its next time.
func (c *Client) ResumeSchedule(ctx context.Context, id string) (Schedule, error) {
	return c.changeSchedule(ctx, id, "resume")
}

// RunSchedule has a schedule run now, once, even where it is paused. Where the
// server cannot be reached or is overloaded it is asked again, a few times.
func (c *Client) RunSchedule(ctx context.Context, id string) (s Schedule, err error) {
	err = c.handIn(ctx, "", request{path: schedulePath(id) + "/run"}, bytes.NewReader(nil), &s)
	return s, err
}

func (c *Client) changeSchedule(ctx context.Context, id, verb string) (s Schedule, err error) {
	err = c.post(ctx, request{path: schedulePath(id) + "/" + verb}, &s)
	return s, err
}

// RemoveSchedule forgets a schedule, and returns it as it was. The batches that
// were made of it stay.
func (c *Client) RemoveSchedule(ctx context.Context, id string) (s Schedule, err error) {
	resp, err := c.once(ctx, request{method: http.MethodDelete, path: schedulePath(id), accept: jsonType})
	if err != nil {
		return s, err
	}
	err = decode(resp, &s)
	return s, err
}
