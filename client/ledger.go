package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Call is a call in the ledger. Amounts are decimals, nil where no price was
// known.
type Call struct {
	Call      int64      `json:"call"`
	At        time.Time  `json:"at"`
	SettledAt *time.Time `json:"settled_at"`
	Provider  string     `json:"provider"`
	Tenant    string     `json:"tenant"`
	Batch     string     `json:"batch"` // that pays
	// Outcome is under_way, unknown, charged (some question is) or free.
	Outcome   string `json:"outcome"`
	Questions int    `json:"questions"`
	Charged   int    `json:"charged"`
	Free      int    `json:"free"`
	Unknown   int    `json:"unknown"`
	UnderWay  int    `json:"under_way"`
	// Price is that of a question, Expected of all that the call carries, Spent
	// of those that are charged, AtRisk of those that may be.
	Price    *string `json:"price"`
	Currency *string `json:"currency"`
	Expected *string `json:"expected"`
	Spent    *string `json:"spent"`
	AtRisk   *string `json:"at_risk"`
	// Class and Code say why it was refused, or not understood.
	Class string `json:"class"`
	Code  string `json:"code"`
}

// LedgerOptions choose calls.
type LedgerOptions struct {
	Batch, Provider string // empty: all
	// From and To are days in UTC, or times with a zone; To is out. Empty: no
	// bound.
	From, To string
}

func (o LedgerOptions) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"batch": o.Batch, "provider": o.Provider, "from": o.From, "to": o.To} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// Ledger returns calls, newest first, fetched as they are asked for. After an
// error there are no more.
func (c *Client) Ledger(ctx context.Context, o LedgerOptions) iter.Seq2[Call, error] {
	q := o.query()
	q.Set("limit", "1000")
	return pages[Call](ctx, c, "/v1/ledger", q)
}

// LedgerTotal sums up the calls of one group in one currency.
type LedgerTotal struct {
	Group     string  `json:"group"`
	Currency  *string `json:"currency"`
	Calls     int     `json:"calls"`
	Questions int     `json:"questions"`
	Charged   int     `json:"charged"`
	Free      int     `json:"free"`
	Open      int     `json:"open"` // under way, or unknown
	Spent     *string `json:"spent"`
	AtRisk    *string `json:"at_risk"`
}

// LedgerTotals sums up calls by "batch", "day", "month", "provider" or
// "currency". Currencies are never summed up.
func (c *Client) LedgerTotals(ctx context.Context, o LedgerOptions, by string) ([]LedgerTotal, error) {
	q := o.query()
	q.Set("by", by)
	var page struct {
		Items []LedgerTotal `json:"items"`
	}
	err := c.get(ctx, "/v1/ledger/totals", q, &page)
	return page.Items, err
}
