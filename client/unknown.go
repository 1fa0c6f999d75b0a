package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// Cause is one reason for which rows of a batch failed.
type Cause struct {
	Class   string `json:"class"`
	Code    string `json:"code"`
	Message string `json:"message"` // of one of the rows
	Rows    int    `json:"rows"`
}

// Shared counts rows of a batch that cost it no question: an answer was Known,
// another list asks the same (Joined), or another row does (Duplicates).
type Shared struct {
	Known      int `json:"known"`
	Joined     int `json:"joined"`
	Duplicates int `json:"duplicates"`
}

// Rows returns how many rows there are in all.
func (s Shared) Rows() int { return s.Known + s.Joined + s.Duplicates }

// Again says what became of rows that are asked again. Only Questions are paid
// for.
type Again struct {
	Rows      int     `json:"rows"`
	Questions int     `json:"questions"`
	Joined    int     `json:"joined"`
	Known     int     `json:"known"`
	Unknown   int     `json:"unknown"`
	AtMost    *string `json:"at_most"` // of the questions; nil: no price is set
	Currency  *string `json:"currency"`
}

// RetryOptions choose failed rows of a batch.
type RetryOptions struct {
	Class string `json:"class,omitempty"` // empty: all
	Code  string `json:"code,omitempty"`  // empty: all
	// DryRun changes nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// Key names this request, so that a process which is started anew can make
	// it again, within 48 hours: later it is another request. 1 to 255 printable
	// ASCII characters; empty: one is made up, which serves as long as the call
	// lasts.
	Key string `json:"-"`
}

// Retried is what a retry came to.
type Retried struct {
	Again
	DryRun bool `json:"dry_run"`
	// Repeated: a request under the key came before, and what that takes up is
	// not counted here.
	Repeated bool    `json:"repeated"`
	Causes   []Cause `json:"causes"` // why the rows had failed
	Batch    Batch   `json:"batch"`
}

// MaybePaid counts the rows that had failed without anybody having seen what the
// provider answered: it may have charged for them, and to ask again may be to pay
// twice.
func (r Retried) MaybePaid() int {
	n := 0
	for _, c := range r.Causes {
		switch c.Class {
		case "provider_timeout", "missing_at_provider", "given_up":
			n += c.Rows
		}
	}
	return n
}

// Retry asks again what failed of a batch. A batch that is done runs again.
// Where the server cannot be reached or is overloaded it is asked again, a few
// times, for what had failed when it first was and is not asked again yet.
func (c *Client) Retry(ctx context.Context, id string, o RetryOptions) (r Retried, err error) {
	err = c.postOnce(ctx, o.Key, batchPath(id)+"/retry", o, &r)
	return r, err
}

// UnknownCall is a call that was sent, and nobody knows what became of it.
type UnknownCall struct {
	Call     int64     `json:"call"`
	Provider string    `json:"provider"`
	SentAt   time.Time `json:"sent_at"`
	Reason   string    `json:"reason"`
	Code     string    `json:"code"`
	// Questions of it are unknown; the rows of Resent ones were asked again, and
	// Rows wait.
	Questions int      `json:"questions"`
	Resent    int      `json:"resent"`
	Rows      int      `json:"rows"`
	Batches   []string `json:"batches"`
	// NeedsRow: a ticket of it answers one row, and several questions are
	// unknown, so that Adopt must be told the row.
	NeedsRow   bool        `json:"needs_row"`
	AtRisk     *string     `json:"at_risk"` // nil: no price is set
	Currency   *string     `json:"currency"`
	Candidates []Candidate `json:"candidates"`
}

// Candidate is a ticket that a webhook named and that nobody knows. It may be
// that of the call.
type Candidate struct {
	Ticket string    `json:"ticket"`
	At     time.Time `json:"at"`
	Plates int       `json:"plates"` // of the call's questions that webhooks of it were about
	Signed bool      `json:"signed"`
}

// UnknownOptions choose calls of which nobody knows.
type UnknownOptions struct {
	Provider string // empty: all
	Batch    string // empty: all
	// Resent includes calls whose rows were all asked again.
	Resent bool
}

// Unknown returns calls of which nobody knows, oldest first, fetched as they
// are asked for. After an error there are no more.
func (c *Client) Unknown(ctx context.Context, o UnknownOptions) iter.Seq2[UnknownCall, error] {
	q := url.Values{}
	if o.Provider != "" {
		q.Set("provider", o.Provider)
	}
	if o.Batch != "" {
		q.Set("batch", o.Batch)
	}
	if o.Resent {
		q.Set("resent", strconv.FormatBool(o.Resent))
	}
	return pages[UnknownCall](ctx, c, "/v1/unknown", q)
}

// Decided is what somebody decided about a call of which nobody knows.
type Decided struct {
	At        time.Time `json:"at"`
	What      string    `json:"what"`
	Call      int64     `json:"call"`
	Questions int       `json:"questions"`
	By        string    `json:"by"`
	Reason    string    `json:"reason"`
}

// Decisions returns the last decisions, newest first.
func (c *Client) Decisions(ctx context.Context) ([]Decided, error) {
	var page struct {
		Decisions []Decided `json:"decisions"`
	}
	err := c.get(ctx, "/v1/unknown", url.Values{"decisions": {"true"}, "limit": {"1"}}, &page)
	return page.Decisions, err
}

// Decision says which calls are decided about: one Call, those of a Batch, or
// All of a Provider. Reason is kept.
type Decision struct {
	Call     int64  `json:"call,omitempty"`
	Batch    string `json:"batch,omitempty"`
	Provider string `json:"provider,omitempty"`
	All      bool   `json:"all,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Key names a resend as RetryOptions.Key does a retry.
	Key string `json:"-"`
}

// Resent is what a resend came to.
type Resent struct {
	Calls int `json:"calls"`
	Again
	// Repeated: a request under the key came before, and what that takes up is
	// not counted here.
	Repeated bool `json:"repeated"`
}

// Resend asks again what is unknown of calls, and may pay for it twice. Where
// the server cannot be reached or is overloaded it is asked again, a few times,
// about calls that were unknown when it first was and are not sent again yet.
func (c *Client) Resend(ctx context.Context, d Decision) (r Resent, err error) {
	err = c.postOnce(ctx, d.Key, "/v1/unknown/resend", d, &r)
	return r, err
}

// Settled is how many questions of how many calls a decision was about.
type Settled struct {
	Calls     int `json:"calls"`
	Questions int `json:"questions"`
}

// GiveUp fails what is unknown of calls. An answer that comes later counts.
func (c *Client) GiveUp(ctx context.Context, d Decision) (s Settled, err error) {
	err = c.postJSON(ctx, "/v1/unknown/give-up", d, &s)
	return s, err
}

// Adoption names the ticket of an unknown call, as the provider shows it.
type Adoption struct {
	Call   int64  `json:"call"`
	Ticket string `json:"ticket"`
	// Row is the number of the row that the ticket answers, needed where
	// UnknownCall.NeedsRow says so, and Batch that which has it: it may be empty
	// where rows of one alone wait on the call. 0: all that is unknown of it.
	Row   int    `json:"row,omitempty"`
	Batch string `json:"batch,omitempty"`
	// Reason, which may be empty, says how it is known. It is kept.
	Reason string `json:"reason,omitempty"`
}

// Adopt has what is unknown of a call, or what one row of it asks, wait on a
// ticket that the provider shows.
func (c *Client) Adopt(ctx context.Context, a Adoption) (s Settled, err error) {
	return s, c.postJSON(ctx, "/v1/unknown/adopt", a, &s)
}

// postOnce sends what the server does once under a key, as handIn does.
func (c *Client) postOnce(ctx context.Context, key, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return c.handIn(ctx, key, request{path: path, contentType: jsonType}, bytes.NewReader(text), into)
}

func (c *Client) postJSON(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return c.post(ctx, request{path: path, contentType: jsonType, body: bytes.NewReader(text)}, into)
}
