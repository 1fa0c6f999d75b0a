package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Webhook is a receiver that is told of events.
type Webhook struct {
	ID     string   `json:"id"`
	Tenant string   `json:"tenant"`
	URL    string   `json:"url"`
	Events []string `json:"events"` // "batch.done" and the like
	// Callback: it is the callback URL of batches, and told of these alone.
	Callback bool `json:"callback"`
	// State is well, failing or disabled.
	State      string     `json:"state"`
	Pending    int        `json:"pending"`
	Failures   int        `json:"failures"`
	RetryAt    *time.Time `json:"retry_at"`
	CreatedAt  time.Time  `json:"created_at"`
	DisabledAt *time.Time `json:"disabled_at"`
}

// NewWebhook is a receiver that was added.
type NewWebhook struct {
	Webhook
	// Secret is what it verifies signatures with: "whsec_…".
	Secret string `json:"secret"`
}

// CallbacksID names the secret of all callback URLs where RotateWebhook takes
// an id.
const CallbacksID = "callbacks"

// Delivery is an event on its way to a receiver.
type Delivery struct {
	ID      string `json:"id"`
	Webhook string `json:"hook"`
	// EventID is the webhook-id, the same in all attempts and replays.
	EventID string  `json:"event_id"`
	Event   string  `json:"event"`
	Batch   *string `json:"batch"`
	// State is pending, delivered or failed.
	State     string     `json:"state"`
	Attempts  int        `json:"attempts"`
	Status    *int       `json:"status"` // what the receiver answered last
	Reason    *string    `json:"reason"` // why the last attempt failed
	CreatedAt time.Time  `json:"created_at"`
	DueAt     *time.Time `json:"due_at"`
	TriedAt   *time.Time `json:"tried_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

// AddWebhook has a receiver told of events from now on.
func (c *Client) AddWebhook(ctx context.Context, address string, events []string) (w NewWebhook, err error) {
	body := struct {
		URL    string   `json:"url"`
		Events []string `json:"events"`
	}{address, events}
	err = c.postJSON(ctx, "/v1/hooks", body, &w)
	return w, err
}

// Webhooks lists receivers, oldest first.
func (c *Client) Webhooks(ctx context.Context) ([]Webhook, error) {
	var page struct {
		Items []Webhook `json:"items"`
	}
	err := c.get(ctx, "/v1/hooks", nil, &page)
	return page.Items, err
}

// RemoveWebhook tells a receiver nothing more.
func (c *Client) RemoveWebhook(ctx context.Context, id string) (w Webhook, err error) {
	resp, err := c.once(ctx, request{method: http.MethodDelete, path: "/v1/hooks/" + url.PathEscape(id), accept: jsonType})
	if err != nil {
		return w, err
	}
	err = decode(resp, &w)
	return w, err
}

// RotateWebhook gives a receiver, or with CallbacksID all callback URLs, a new
// secret and returns it. The old one signs beside it for so many hours.
func (c *Client) RotateWebhook(ctx context.Context, id string, overlapHours float64) (string, error) {
	body := struct {
		OverlapHours float64 `json:"overlap_hours"`
	}{overlapHours}
	var got struct {
		Secret string `json:"secret"`
	}
	err := c.postJSON(ctx, "/v1/hooks/"+url.PathEscape(id)+"/rotate", body, &got)
	return got.Secret, err
}

// DeliveriesOptions choose deliveries; empty fields choose all.
type DeliveriesOptions struct {
	Webhook, Batch, Event, State string
	Limit                        int // 0: 100
}

// Deliveries lists deliveries, newest first.
func (c *Client) Deliveries(ctx context.Context, o DeliveriesOptions) ([]Delivery, error) {
	q := url.Values{}
	for name, value := range map[string]string{"hook": o.Webhook, "batch": o.Batch, "event": o.Event, "state": o.State} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if o.Limit > 0 {
		q.Set("limit", strconv.Itoa(o.Limit))
	}
	var page struct {
		Items []Delivery `json:"items"`
	}
	err := c.get(ctx, "/v1/deliveries", q, &page)
	return page.Items, err
}

// ReplayDelivery has a delivery made again.
func (c *Client) ReplayDelivery(ctx context.Context, id string) (d Delivery, err error) {
	err = c.postJSON(ctx, "/v1/deliveries/"+url.PathEscape(id)+"/replay", struct{}{}, &d)
	return d, err
}
