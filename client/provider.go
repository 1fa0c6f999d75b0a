package client

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// Provider is a provider that a server knows: what it can do, and how it
// stands there.
type Provider struct {
	Name      string   `json:"name"`
	Title     string   `json:"title"`
	Answers   string   `json:"answers"`
	Countries []string `json:"countries"` // ISO 3166 alpha-2
	// SetUp: its credentials are there, lists for it are taken.
	SetUp bool `json:"set_up"`
	// Needs are the columns that a row must have, Choices groups of columns of
	// which it must fill one way.
	Needs   []string `json:"needs"`
	Choices []Choice `json:"choices"`
	Params  []Param  `json:"params"`
	// Results are the fields of a row's result.
	Results []string `json:"results"`
	// MaxBatch is how many questions one call carries; Later: what was
	// accepted is answered later.
	MaxBatch int  `json:"max_batch"`
	Later    bool `json:"later"`
	// Repeats says whether asking again is free, and on what terms.
	Repeats          string `json:"repeats"`
	DocumentedLimits string `json:"documented_limits"`
	// Limits are the pace at which it is asked, as it is set; nil: not known.
	Limits *Limits `json:"limits"`
	// Pace is how fast it is asked at present; nil: not known.
	Pace *Pace `json:"pace"`
	// Gates are those that are closed.
	Gates    []Gate    `json:"gates"`
	Open     Backlog   `json:"open"`
	Readings []Reading `json:"readings"`
	// Balances are what the provider says of credit and quotas, where they
	// were asked for; BalanceError says why there is none.
	Balances     []Balance `json:"balances"`
	BalanceError *string   `json:"balance_error"`
}

// Choice is a group of columns of which a row fills one way.
type Choice struct {
	Name string `json:"name"`
	Ways []Way  `json:"ways"`
}

// Way is one way to fill a Choice. What May be filled is sent along.
type Way struct {
	Needs []string `json:"needs"`
	May   []string `json:"may"`
}

// Param is a parameter of a provider.
type Param struct {
	Name     string `json:"name"`
	Usage    string `json:"usage"`
	Default  string `json:"default"`
	Required bool   `json:"required"`
}

// Limits are the pace at which a provider is asked.
type Limits struct {
	Rate        string `json:"rate"` // requests a second, "learn" or "none"
	Burst       int    `json:"burst"`
	Concurrency int    `json:"concurrency"`
	Daily       int    `json:"daily"` // requests a day; 0: not known
}

// Pace is how fast the whole fleet asks a provider.
type Pace struct {
	// Rate is requests a second, as told or as learnt so far; 0: it is to be
	// learnt, and nothing has been asked yet; nil: there is no bound.
	Rate *float64 `json:"rate"`
	// Learnt: Rate was not told, but found out.
	Learnt bool `json:"learnt"`
	// Limit is the provider's own, as it was measured; nil: not yet.
	Limit *float64 `json:"limit"`
	// PausedUntil is until when nothing is sent; nil: it is not.
	PausedUntil *time.Time `json:"paused_until"`
	// Workers asked lately; InFlight is how many of their calls are under way.
	Workers  int `json:"workers"`
	InFlight int `json:"in_flight"`
	// UsedToday is requests since the provider's day began, DayEnds is when the
	// next one does; nil: nothing was counted yet.
	UsedToday int        `json:"used_today"`
	DayEnds   *time.Time `json:"day_ends"`
}

// Gate is a gate that is closed.
type Gate struct {
	Scope  string     `json:"scope"`
	Reason string     `json:"reason"`
	Code   string     `json:"code"`
	Since  time.Time  `json:"since"`
	Until  *time.Time `json:"until"` // nil: until a person opens it
	Probe  bool       `json:"probe"` // then one call finds out whether it may open
}

// Backlog counts the rows of a provider that are on their way, and the
// tickets on which they wait. LateTickets are asked about once more though
// their rows were given up.
type Backlog struct {
	Queued      int `json:"queued"`
	Sending     int `json:"sending"`
	Waiting     int `json:"waiting"`
	Tickets     int `json:"tickets"`
	LateTickets int `json:"late_tickets"`
}

// Reading is a figure that came with the answers of a provider: the last one
// of a gauge, the sum of all others.
type Reading struct {
	Name  string    `json:"name"`
	Value int64     `json:"value"`
	Gauge bool      `json:"gauge"`
	At    time.Time `json:"at"`
}

// Balance is one figure of credit or quota, in decimals. With Left empty there
// is no limit.
type Balance struct {
	Name  string     `json:"name"`
	Left  string     `json:"left"`
	Unit  string     `json:"unit"`
	Until *time.Time `json:"until"`
}

// Providers returns every provider there is, set up or not, by name. With
// balance those that tell are asked for their credit, which takes a while.
func (c *Client) Providers(ctx context.Context, balance bool) ([]Provider, error) {
	q := url.Values{}
	if balance {
		q.Set("balance", "true")
	}
	var page struct {
		Items []Provider `json:"items"`
	}
	err := c.get(ctx, "/v1/providers", q, &page)
	return page.Items, err
}

// OpenGate opens a closed gate, "attestr/submit", or with the name of a
// provider alone all of them. It returns those that it opened.
func (c *Client) OpenGate(ctx context.Context, scope string) ([]string, error) {
	name, _, one := strings.Cut(scope, "/")
	q := url.Values{}
	if one {
		q.Set("scope", scope)
	}
	var opened struct {
		Opened []string `json:"opened"`
	}
	err := c.post(ctx, request{path: "/v1/providers/" + url.PathEscape(name) + "/open", query: q}, &opened)
	return opened.Opened, err
}
