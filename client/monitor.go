package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Happening is one thing that happened, to a batch or to a gate.
type Happening struct {
	At     time.Time  `json:"at"`
	What   string     `json:"what"`   // "accepted", "paused", "gate_closed"
	Scope  string     `json:"scope"`  // the gate, or the budget that holds the batch
	Reason string     `json:"reason"` // why
	Code   string     `json:"code"`
	Until  *time.Time `json:"until"` // of a gate that was closed; nil: until a person opens it
	By     string     `json:"by"`    // who opened or closed a gate by hand
}

// Timeline returns what happened to a batch, and to the gates of its provider
// meanwhile, newest first, fetched as it is asked for. After an error there is
// no more.
func (c *Client) Timeline(ctx context.Context, id string) iter.Seq2[Happening, error] {
	return pages[Happening](ctx, c, "/v1/batches/"+url.PathEscape(id)+"/timeline", url.Values{"limit": {"1000"}})
}

// Incidents returns what happened to the gates of a provider, newest first,
// fetched as it is asked for. After an error there is no more.
func (c *Client) Incidents(ctx context.Context, provider string) iter.Seq2[Happening, error] {
	return pages[Happening](ctx, c, "/v1/providers/"+url.PathEscape(provider)+"/history", url.Values{"limit": {"1000"}})
}

// CloseGate closes a gate, "attestr" or "attestr/submit", until somebody opens
// it. It returns those that were closed.
func (c *Client) CloseGate(ctx context.Context, gate string) ([]string, error) {
	name, _, _ := strings.Cut(gate, "/")
	var answer struct {
		Closed []string `json:"closed"`
	}
	err := c.post(ctx, request{path: "/v1/providers/" + url.PathEscape(name) + "/close", query: url.Values{"scope": {gate}}}, &answer)
	return answer.Closed, err
}

// Series is how much there was at a provider, minute by minute or hour by hour.
type Series struct {
	Provider string  `json:"provider"`
	Points   []Point `json:"points"` // oldest first, the last one not over yet
	Total    Point   `json:"total"`  // its At is that of the first
	// LastSuccess is when the last minute or hour began in which there was an
	// answer; nil: there was none.
	LastSuccess *time.Time `json:"last_success"`
}

// Point counts what there was in a minute, an hour or more.
type Point struct {
	At time.Time `json:"at"` // when it began
	// Found, NotFound, Failed and Unknown are questions that came to that.
	Found    int64 `json:"found"`
	NotFound int64 `json:"not_found"`
	Failed   int64 `json:"failed"`
	Unknown  int64 `json:"unknown"`
	// Requests were made, those that ask for answers again among them.
	Requests int64            `json:"requests"`
	Errors   map[string]int64 `json:"errors"` // of requests, by class
	// P50 and P95 are how many milliseconds half, and nearly all, of the
	// requests took at most, as exactly as they are counted; nil: there were none.
	P50 *int64 `json:"p50_ms"`
	P95 *int64 `json:"p95_ms"`
	// Spent is by currency, in decimals.
	Spent map[string]string `json:"spent"`
}

// Answered is how many questions came to an end.
func (p Point) Answered() int64 { return p.Found + p.NotFound + p.Failed }

// SeriesOptions choose counts.
type SeriesOptions struct {
	Span     string // "minute", which it is where nothing is said, or "hour"
	Provider string // empty: all
	Last     int    // how many of them; 0: 60 minutes, 24 hours
}

// Series returns how much there was at providers lately.
func (c *Client) Series(ctx context.Context, o SeriesOptions) ([]Series, error) {
	q := url.Values{}
	if o.Span != "" {
		q.Set("span", o.Span)
	}
	if o.Provider != "" {
		q.Set("provider", o.Provider)
	}
	if o.Last > 0 {
		q.Set("last", strconv.Itoa(o.Last))
	}
	var answer struct {
		Items []Series `json:"items"`
	}
	err := c.get(ctx, "/v1/series", q, &answer)
	return answer.Items, err
}
