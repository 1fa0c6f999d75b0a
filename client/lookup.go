package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// LookedUp is what became of one row that was looked up.
type LookedUp struct {
	// Batch is the list of this one row: by its ID the answer is found again.
	Batch Batch `json:"batch"`
	Row   Row   `json:"row"`
}

// Settled reports whether there will be no other answer by itself.
func (l LookedUp) Settled() bool { return l.Batch.State.Finished() }

// LookUp asks about one row and waits for the answer, up to wait, of which
// seconds count and at most 30. What is not settled then goes on: Wait for its
// batch. Where the server cannot be reached or is overloaded it is asked again, a
// few times. Of the options Format, Encoding, Sheet, Columns and Limit do not
// count.
func (c *Client) LookUp(ctx context.Context, o SubmitOptions, item Item, wait time.Duration) (l LookedUp, err error) {
	body, err := json.Marshal(struct {
		envelope
		Item Item `json:"item"`
	}{o.envelope(), item})
	if err != nil {
		return l, fmt.Errorf("encode item: %w", err)
	}
	err = c.handIn(ctx, o.Key, request{
		path: "/v1/lookups", query: url.Values{"wait": {strconv.Itoa(int(wait.Seconds()))}}, contentType: jsonType,
	}, bytes.NewReader(body), &l)
	return l, err
}

// envelope is what goes with rows in JSON.
type envelope struct {
	Provider string            `json:"provider"`
	Name     string            `json:"name,omitempty"`
	Purpose  string            `json:"purpose,omitempty"`
	Metadata json.RawMessage   `json:"metadata,omitempty"`
	Weight   float64           `json:"weight,omitempty"`
	MaxCost  string            `json:"max_cost,omitempty"`
	Callback string            `json:"callback_url,omitempty"`
	Kept     string            `json:"retention,omitempty"`
	Params   map[string]string `json:"params,omitempty"`
	Fresh    bool              `json:"fresh,omitempty"`
}

func (o SubmitOptions) envelope() envelope {
	return envelope{
		Provider: o.Provider, Name: o.Name, Purpose: o.Purpose, Metadata: o.Metadata, Weight: o.Weight, MaxCost: o.MaxCost,
		Callback: o.Callback, Kept: o.Retention, Params: o.Params, Fresh: o.Fresh,
	}
}
