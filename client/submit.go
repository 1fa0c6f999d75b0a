package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
)

// Format is how lists are written.
type Format string

// The formats of lists.
const (
	CSV    Format = "text/csv"
	NDJSON Format = "application/x-ndjson"
	XLSX   Format = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	// Any leaves it to the first bytes of a list to tell: CSV, JSON Lines, a
	// JSON array or XLSX, as it is or packed by gzip or zstd.
	Any Format = "application/octet-stream"
)

// SubmitOptions say what is to be done with a list.
type SubmitOptions struct {
	// Provider is who is asked: "attestr".
	Provider string
	Name     string
	Purpose  string
	Metadata json.RawMessage // an object, given back as it is; nil: none
	Weight   float64         // share of the pace among batches; 0: 1
	// MaxCost is a decimal: where the list would cost more, it pauses. Empty:
	// only other budgets bound it.
	MaxCost string
	// Callback is a URL that is told when the batch is done or paused; empty:
	// none is.
	Callback string
	// Fresh asks again where an answer is known.
	Fresh bool
	// Params are parameters of the provider, or values of a column for every
	// row that has none.
	Params map[string]string

	// Format is what a list that Submit reads is written in.
	Format Format
	// Encoding is that of a list that is neither UTF-8 nor marked UTF-16, such
	// as "windows-1251". Only for Submit.
	Encoding string
	// Sheet of a spreadsheet, where several hold something. Only for Submit.
	Sheet string
	// Columns name columns that are not found by their own name: "Reg no"
	// holds the plates, "vin=Chassis" something else. Only for Submit.
	Columns []string
	// Limit ends the list after so many rows; 0: it does not. Only for Submit.
	Limit int
}

// Submit hands a list over. It is read once and streamed; the batch runs when
// Submit returns, or was not created.
func (c *Client) Submit(ctx context.Context, o SubmitOptions, list io.Reader) (Batch, error) {
	var b Batch
	// The body is hidden behind a plain reader: it is sent as it comes.
	err := c.post(ctx, request{path: "/v1/batches", query: o.query(), contentType: string(o.Format), body: io.NopCloser(list)}, &b)
	return b, err
}

// query is how options go with a list that is not JSON.
func (o SubmitOptions) query() url.Values {
	q := url.Values{"provider": {o.Provider}, "column": o.Columns}
	set := func(name, value string, given bool) {
		if given {
			q.Set(name, value)
		}
	}
	set("name", o.Name, o.Name != "")
	set("purpose", o.Purpose, o.Purpose != "")
	set("metadata", string(o.Metadata), o.Metadata != nil)
	set("weight", strconv.FormatFloat(o.Weight, 'g', -1, 64), o.Weight != 0)
	set("max_cost", o.MaxCost, o.MaxCost != "")
	set("callback_url", o.Callback, o.Callback != "")
	set("fresh", "true", o.Fresh)
	set("encoding", o.Encoding, o.Encoding != "")
	set("sheet", o.Sheet, o.Sheet != "")
	set("limit", strconv.Itoa(o.Limit), o.Limit != 0)
	for k, v := range o.Params {
		q.Add("set", k+"="+v)
	}
	return q
}

// Item is one row: values by the name of their column, "plate" among them.
type Item map[string]string

// SubmitItems hands rows over that are at hand.
func (c *Client) SubmitItems(ctx context.Context, o SubmitOptions, items []Item) (Batch, error) {
	body, err := json.Marshal(struct {
		envelope
		Items []Item `json:"items"`
	}{o.envelope(), items})
	if err != nil {
		return Batch{}, fmt.Errorf("encode items: %w", err)
	}
	var b Batch
	err = c.post(ctx, request{path: "/v1/batches", contentType: jsonType, body: bytes.NewReader(body)}, &b)
	return b, err
}
