package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Budget bounds what the calls of a scope may cost, as it stands. Amounts are
// decimals in its currency or, without one, numbers of questions.
type Budget struct {
	// Scope is "batch:ID", "tenant:NAME:day", "tenant:NAME:month",
	// "provider:NAME:day" or "provider:NAME:month".
	Scope    string  `json:"scope"`
	Amount   string  `json:"amount"`
	Currency *string `json:"currency"`
	// Spent is charged, Held may still turn out to be. Left is the rest.
	Spent string `json:"spent"`
	Held  string `json:"held"`
	Left  string `json:"left"`
	// Until is when the day or month ends, in UTC, and all is left again; nil: a
	// batch has it for its whole life.
	Until *time.Time `json:"until"`
	// SetBy and SetAt tell who has set it; nil: configuration has it.
	SetBy *string    `json:"set_by"`
	SetAt *time.Time `json:"set_at"`
}

// BudgetOptions choose budgets.
type BudgetOptions struct {
	// Batch leaves only what bounds that batch, its provider's and tenant's
	// budgets among it.
	Batch string
}

// Budgets returns how budgets stand: all but those of batches that are
// finished.
func (c *Client) Budgets(ctx context.Context, o BudgetOptions) ([]Budget, error) {
	q := url.Values{}
	if o.Batch != "" {
		q.Set("batch", o.Batch)
	}
	var page struct {
		Items []Budget `json:"items"`
	}
	err := c.get(ctx, "/v1/budgets", q, &page)
	return page.Items, err
}

// BudgetChange is what a change of a budget came to.
type BudgetChange struct {
	// Budget is what bounds the scope now; nil: nothing does.
	Budget *Budget `json:"budget"`
	// Resumed are the batches that go on, as there is room for them now.
	Resumed []string `json:"resumed"`
}

// SetBudget sets the budget of a scope, in place of any that is there. Without
// a currency it is in that of what it bounds.
func (c *Client) SetBudget(ctx context.Context, scope, amount, currency string) (BudgetChange, error) {
	body, err := json.Marshal(struct {
		Amount   string `json:"amount"`
		Currency string `json:"currency,omitempty"`
	}{amount, currency})
	if err != nil {
		return BudgetChange{}, fmt.Errorf("encode budget: %w", err)
	}
	return c.changeBudget(ctx, http.MethodPut, scope, body)
}

// UnsetBudget takes back a budget that was set. That of configuration, if there
// is one, counts again.
func (c *Client) UnsetBudget(ctx context.Context, scope string) (BudgetChange, error) {
	return c.changeBudget(ctx, http.MethodDelete, scope, nil)
}

func (c *Client) changeBudget(ctx context.Context, method, scope string, body []byte) (BudgetChange, error) {
	r := request{method: method, path: "/v1/budgets/" + url.PathEscape(scope), accept: jsonType}
	if body != nil {
		r.contentType, r.body = jsonType, bytes.NewReader(body)
	}
	var change BudgetChange
	resp, err := c.once(ctx, r)
	if err != nil {
		return change, err
	}
	err = decode(resp, &change)
	return change, err
}
