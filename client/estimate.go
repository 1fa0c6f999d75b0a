package client

import (
	"context"
	"io"
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
	// ReadAs is how the list is written, in words; Columns is the name of the
	// column in which each thing was found, by what it is.
	ReadAs     string            `json:"read_as"`
	Columns    map[string]string `json:"columns"`
	Duplicates int               `json:"duplicates"`
	Different  int               `json:"different"`
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
	err := c.post(ctx, request{path: "/v1/estimates", query: o.query(), contentType: string(o.Format), body: io.NopCloser(list)}, &e)
	return e, err
}
