package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Estimate is what a list would come to, as things stand. Rows that are not
// invalid ask Different questions, some of them more than once (Duplicates).
// Of these Known, Joined and Unknown ones cost nothing; Questions are asked.
type Estimate struct {
	Provider       string          `json:"provider"`
	Rows           int             `json:"rows"`
	Valid          int             `json:"valid"`
	Invalid        int             `json:"invalid"`
	InvalidReasons []InvalidReason `json:"invalid_reasons"`
	// Warnings are of rows that are asked about all the same.
	Warnings []InvalidReason `json:"warnings"`
	// ReadAs is how the list is written, in words; Header are the names of all
	// its columns, and Columns is the name of the one in which each thing was
	// found, by what it is.
	ReadAs     string            `json:"read_as"`
	Header     []string          `json:"header"`
	Columns    map[string]string `json:"columns"`
	Duplicates int               `json:"duplicates"`
	Different  int               `json:"different"`
	// Preview are the first rows that are not invalid.
	Preview []PreviewRow `json:"preview"`
	// Known: an answer is there that is fresh enough. Joined: another list has
	// asked, and the answer will be shared. Unknown: nobody knows what became
	// of an earlier call, so it is not asked again by itself.
	Known     int `json:"known"`
	Joined    int `json:"joined"`
	Unknown   int `json:"unknown"`
	Questions int `json:"questions"`
	Calls     int `json:"calls"`
	// Price is that of a question, AtMost of all, in decimals; nil: no price
	// is set.
	Price    *string `json:"price"`
	Currency *string `json:"currency"`
	AtMost   *string `json:"at_most"`
	// RequestsPerSecond is the present pace; nil: none is kept, or known.
	RequestsPerSecond *float64 `json:"requests_per_second"`
	PaceLearnt        bool     `json:"pace_learnt"`
	// Seconds is how long the calls take at that pace, at least.
	Seconds *int `json:"seconds"`
	// Budgets are those that bound the list.
	Budgets []Budget `json:"budgets"`
}

// PreviewRow is a row as it was understood.
type PreviewRow struct {
	Line int `json:"line"` // where it begins in the list, from 1
	// Asked is what the provider would be asked about, by column.
	Asked map[string]string `json:"asked"`
	// Cells are what the list holds there, by column as Header has them.
	Cells []string `json:"cells"`
}

// InvalidReason is why some rows are invalid, or odd, and where the first of
// them are.
type InvalidReason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Rows    int    `json:"rows"`
	Lines   []int  `json:"lines"`
}

// Estimate says what Submit would make of a list. Nothing is kept of it, and
// no provider is asked.
func (c *Client) Estimate(ctx context.Context, o SubmitOptions, list io.Reader) (Estimate, error) {
	var e Estimate
	r, err := o.request()
	if err != nil {
		return e, err
	}
	r.path, r.body = "/v1/estimates", io.NopCloser(list)
	err = c.post(ctx, r, &e)
	return e, err
}

// Problems reads a list that Submit would take and writes to w, as CSV, NDJSON
// or XLSX, each row of it that is invalid or odd: its line, row, column and
// reason. Nothing is kept, and no provider is asked. After an error w holds a
// part of it.
func (c *Client) Problems(ctx context.Context, o SubmitOptions, list io.Reader, as Format, w io.Writer) error {
	r, err := o.request()
	if err != nil {
		return err
	}
	r.method, r.path, r.accept, r.body = http.MethodPost, "/v1/estimates/problems", string(as), io.NopCloser(list)
	resp, err := c.once(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("read problems: %w", err)
	}
	return nil
}
