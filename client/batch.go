package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// Batch is a list that was submitted, as it stands.
type Batch struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	Name     string `json:"name"`
	Tenant   string `json:"tenant"`
	Purpose  string `json:"purpose"` // what the answers are for; may be empty
	State    State  `json:"state"`
	// Reason says why it is paused or cancelled.
	Reason string         `json:"reason"`
	Rows   int            `json:"rows"`
	Counts map[Status]int `json:"counts"`
	// Questions are those that the batch asked itself, Shared the rows that cost
	// it none.
	Questions int    `json:"questions"`
	Shared    Shared `json:"shared"`
	// Causes says why rows failed, the commonest first; nil in a list of batches.
	Causes []Cause `json:"causes"`
	Cost   Cost    `json:"cost"`
	// WaitingFor says what holds it up beyond the provider's own time.
	WaitingFor *Waiting   `json:"waiting_for"`
	CreatedAt  time.Time  `json:"created_at"`
	DoneAt     *time.Time `json:"done_at"`
	// Retention is how long its rows are kept after its end, as "90d"; nil: for
	// ever. KeptUntil is when that is over, nil while it has not ended.
	Retention *string    `json:"retention"`
	KeptUntil *time.Time `json:"kept_until"`
	// RowsDeletedAt is when it was over: there are no rows any more, and neither
	// name nor metadata.
	RowsDeletedAt *time.Time      `json:"rows_deleted_at"`
	Metadata      json.RawMessage `json:"metadata"`
}

// State is where a batch stands.
type State string

// The states of a batch.
const (
	Running   State = "running"
	Paused    State = "paused"
	Done      State = "done"
	Cancelled State = "cancelled"
)

// Finished reports whether nothing more happens to a batch by itself.
func (s State) Finished() bool { return s == Done || s == Cancelled }

// Status is where a row stands.
type Status string

// The statuses of a row. The first three are on their way.
const (
	RowQueued    Status = "queued"
	RowSending   Status = "sending"
	RowWaiting   Status = "waiting"
	RowFound     Status = "found"
	RowNotFound  Status = "not_found"
	RowFailed    Status = "failed"
	RowInvalid   Status = "invalid"
	RowUnknown   Status = "unknown"
	RowCancelled Status = "cancelled"
)

// Unanswered lists the statuses of rows that will have no answer by
// themselves, and Answered all others.
func Unanswered() []Status { return []Status{RowFailed, RowInvalid, RowUnknown, RowCancelled} }

// Answered is the counterpart of Unanswered.
func Answered() []Status {
	return []Status{RowQueued, RowSending, RowWaiting, RowFound, RowNotFound}
}

// Statuses lists every status of a row, in the order in which people read
// them.
func Statuses() []Status {
	return []Status{RowQueued, RowSending, RowWaiting, RowFound, RowNotFound, RowFailed, RowInvalid, RowUnknown, RowCancelled}
}

// Open returns how many rows are on their way.
func (b Batch) Open() int { return b.Counts[RowQueued] + b.Counts[RowSending] + b.Counts[RowWaiting] }

// Cost is what a batch costs, in decimals; nil while no prices are known.
type Cost struct {
	Currency *string `json:"currency"`
	Spent    *string `json:"spent"`
	AtMost   *string `json:"at_most"`
}

// Waiting names a closed gate or, where Reason is ReasonBudget, a budget
// without room.
type Waiting struct {
	Scope  string     `json:"scope"`
	Reason string     `json:"reason"`
	Until  *time.Time `json:"until"`
}

// ReasonBudget is why a batch is paused that goes on by itself as soon as its
// budget has room: it was raised, or its day or month is over.
const ReasonBudget = "budget"

// Row is one row of a batch with its answer, as far as there is one.
type Row struct {
	Batch    string  `json:"batch"`
	Row      int     `json:"row"`
	ID       *string `json:"id"` // the caller's own
	Provider string  `json:"provider"`
	Plate    *string `json:"plate"`
	VIN      *string `json:"vin"`
	Status   Status  `json:"status"`
	// Result is the provider's answer in the provider's own words.
	Result     json.RawMessage `json:"result"`
	Error      *RowError       `json:"error"`
	Attempts   int             `json:"attempts"`
	Cached     bool            `json:"cached"`
	AnsweredAt *time.Time      `json:"answered_at"`
	// Input is the line as it was given, and Raw the answer as it was
	// received: only where they were asked for, and kept.
	Input json.RawMessage `json:"input,omitempty"`
	Raw   json.RawMessage `json:"raw,omitempty"`
}

// RowError says why a row has no answer.
type RowError struct {
	Class   string `json:"class"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Batch returns a batch as it stands.
func (c *Client) Batch(ctx context.Context, id string) (Batch, error) {
	var b Batch
	err := c.get(ctx, batchPath(id), nil, &b)
	return b, err
}

func batchPath(id string) string { return "/v1/batches/" + url.PathEscape(id) }

// BatchesOptions choose batches.
type BatchesOptions struct {
	States   []State // empty: all
	Provider string  // empty: all
	// Name is text that the name holds, whatever its case.
	Name string
	// Metadata are members that the metadata has. A value that is no string is
	// given as its JSON.
	Metadata map[string]string
	// From and To bound when it was made; To is out. Zero: no bound.
	From, To time.Time
}

// Batches returns batches, newest first, fetched as they are asked for. After
// an error there are no more.
func (c *Client) Batches(ctx context.Context, o BatchesOptions) iter.Seq2[Batch, error] {
	q := url.Values{}
	for _, s := range o.States {
		q.Add("state", string(s))
	}
	if o.Provider != "" {
		q.Set("provider", o.Provider)
	}
	if o.Name != "" {
		q.Set("name", o.Name)
	}
	for k, v := range o.Metadata {
		q.Add("metadata", k+"="+v)
	}
	for name, at := range map[string]time.Time{"from": o.From, "to": o.To} {
		if !at.IsZero() {
			q.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return pages[Batch](ctx, c, "/v1/batches", q)
}

// ResultsOptions choose rows, and what is shown of them.
type ResultsOptions struct {
	Status []Status // empty: all
	// Input adds the lines as they were given, Raw the answers as received.
	Input, Raw bool
	// Plain leaves cells of CSV as they are that a spreadsheet would take for
	// formulas. Otherwise they get a ' in front.
	Plain bool
}

func (o ResultsOptions) query() url.Values {
	q := url.Values{}
	for _, s := range o.Status {
		q.Add("status", string(s))
	}
	if o.Input {
		q.Set("input", "true")
	}
	if o.Plain {
		q.Set("plain", "true")
	}
	if o.Raw {
		q.Set("raw", "true")
	}
	return q
}

// Results returns rows of a batch in their order, fetched as they are asked
// for. After an error there are no more.
func (c *Client) Results(ctx context.Context, id string, o ResultsOptions) iter.Seq2[Row, error] {
	q := o.query()
	q.Set("limit", "1000")
	return pages[Row](ctx, c, batchPath(id)+"/results", q)
}

// pages goes through what path lists, page by page.
func pages[T any](ctx context.Context, c *Client, path string, q url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := maps.Clone(q) // each walk begins anew
		for {
			var page struct {
				Items      []T     `json:"items"`
				NextCursor *string `json:"next_cursor"`
			}
			if err := c.get(ctx, path, q, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == nil {
				return
			}
			q.Set("cursor", *page.NextCursor)
		}
	}
}

// Download writes the rows of a batch to w as a list, all of them in one
// piece. After an error w holds a part of it.
func (c *Client) Download(ctx context.Context, id string, format Format, o ResultsOptions, w io.Writer) error {
	resp, err := c.safely(ctx, request{method: http.MethodGet, path: batchPath(id) + "/results", query: o.query(), accept: string(format)})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("download results: %w", err)
	}
	return nil
}

// Pause stops new calls for a batch. Calls in flight end, answers still come.
func (c *Client) Pause(ctx context.Context, id string) (Batch, error) {
	return c.change(ctx, id, "pause")
}

// Resume goes on with a paused batch.
func (c *Client) Resume(ctx context.Context, id string) (Batch, error) {
	return c.change(ctx, id, "resume")
}

// Cancel ends a batch. What was sent is finished and kept.
func (c *Client) Cancel(ctx context.Context, id string) (Batch, error) {
	return c.change(ctx, id, "cancel")
}

func (c *Client) change(ctx context.Context, id, verb string) (Batch, error) {
	var b Batch
	err := c.post(ctx, request{path: batchPath(id) + "/" + verb}, &b)
	return b, err
}

// Poll has the provider asked at once about what it has not finished. It
// returns about how many of its tickets.
func (c *Client) Poll(ctx context.Context, id string) (int, error) {
	var polled struct {
		Tickets int `json:"tickets"`
	}
	err := c.post(ctx, request{path: batchPath(id) + "/poll"}, &polled)
	return polled.Tickets, err
}

// errNotPlateq says that something else answers at the server's address.
var errNotPlateq = errors.New("ask for health: what answers is not Plateq")

// Healthy asks once whether the server answers.
func (c *Client) Healthy(ctx context.Context) error {
	resp, err := c.once(ctx, request{method: http.MethodGet, path: "/healthz", accept: jsonType})
	if err != nil {
		return err
	}
	var health struct {
		Status string `json:"status"`
	}
	if decode(resp, &health) != nil || health.Status != "ok" {
		return errNotPlateq
	}
	return nil
}
