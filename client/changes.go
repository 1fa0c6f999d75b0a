package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Change is what changed about one thing between two lists. What is not there
// is nil.
type Change struct {
	Change       string          `json:"change"`     // "added", "removed", "changed" or "unclear"
	Row          *int            `json:"row"`        // in the newer list
	BeforeRow    *int            `json:"before_row"` // in the older one
	ID           *string         `json:"id"`         // the caller's own
	Plate        *string         `json:"plate"`
	VIN          *string         `json:"vin"`
	Status       *Status         `json:"status"`
	BeforeStatus *Status         `json:"before_status"`
	Fields       []ChangedField  `json:"fields"`
	Input        json.RawMessage `json:"input"` // the line as it was given
}

// ChangedField is a field of the result that differs, or "status".
type ChangedField struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// ChangeCounts say what a comparison came to. Unclear has an answer in one of
// the lists only; Same has the same in both, or none in either.
type ChangeCounts struct {
	Since   string         `json:"since"`
	Batch   string         `json:"batch"`
	Added   int            `json:"added"`
	Removed int            `json:"removed"`
	Changed int            `json:"changed"`
	Unclear int            `json:"unclear"`
	Same    int            `json:"same"`
	Fields  map[string]int `json:"fields"` // how often each differs of what is changed
}

// ChangesOptions say how two lists are compared.
type ChangesOptions struct {
	// Since is the older batch, of the same provider.
	Since string
	// Ignore are fields of the result that make no difference.
	Ignore []string
	// Plain leaves cells of CSV as they are that a spreadsheet would take for
	// formulas. Otherwise they get a ' in front.
	Plain bool
}

func (o ChangesOptions) query() url.Values {
	q := url.Values{"since": {o.Since}, "ignore": o.Ignore}
	if o.Plain {
		q.Set("plain", "true")
	}
	return q
}

// CountChanges says what changed in a batch since an older one.
func (c *Client) CountChanges(ctx context.Context, id string, o ChangesOptions) (ChangeCounts, error) {
	var n ChangeCounts
	o.Plain = false
	err := c.get(ctx, batchPath(id)+"/changes", o.query(), &n)
	return n, err
}

// Changes writes what changed in a batch since an older one to w: as NDJSON
// each a Change, as CSV and XLSX a line for each field that differs. After an
// error w holds a part of it.
func (c *Client) Changes(ctx context.Context, id string, o ChangesOptions, as Format, w io.Writer) error {
	resp, err := c.safely(ctx, request{method: http.MethodGet, path: batchPath(id) + "/changes", query: o.query(), accept: string(as)})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	return nil
}
