package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Act is something that somebody did, as the server's audit log has it.
type Act struct {
	No     int64     `json:"no"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`    // "key x5q2…", "user root", "no key"
	Kind   string    `json:"kind"`   // "rows.exported", "key.made"
	Tenant string    `json:"tenant"` // whose things it was about; "*": it concerns all
	About  string    `json:"about"`  // an id, a scope, the number of a call
	Note   string    `json:"note"`
}

// AuditOptions choose acts. Empty: all.
type AuditOptions struct {
	Who, Kind, About string
	// From and To are days in UTC, or times with a zone; To is out.
	From, To string
}

// Audit returns what was done, newest first, fetched as it is asked for. After
// an error there is no more.
func (c *Client) Audit(ctx context.Context, o AuditOptions) iter.Seq2[Act, error] {
	q := url.Values{"limit": {"1000"}}
	for name, value := range map[string]string{"who": o.Who, "kind": o.Kind, "about": o.About, "from": o.From, "to": o.To} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return pages[Act](ctx, c, "/v1/audit", q)
}

// AuditReport says whether the audit log is whole.
type AuditReport struct {
	Acts int `json:"acts"` // that are as they were written
	// Head is how far the log goes. Kept elsewhere and given to VerifyAudit
	// later, it shows that nothing was cut off.
	Head   string  `json:"head"`
	Broken *int64  `json:"broken"` // the first act that is missing or was changed
	Reason *string `json:"reason"`
}

// VerifyAudit has the server hold its audit log against itself, and against
// heads that were seen earlier.
func (c *Client) VerifyAudit(ctx context.Context, heads ...string) (r AuditReport, err error) {
	err = c.get(ctx, "/v1/audit/verify", url.Values{"head": heads}, &r)
	return r, err
}
