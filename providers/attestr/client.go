package attestr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
)

// batchPath is where batches live, below the base URL.
const batchPath = "/api/v2/public/batchx"

// maxSubmitAnswer bounds the answer to a submit, which holds two short fields.
const maxSubmitAnswer = 1 << 20

// client speaks to Attestr in Attestr's words. The vendor's page for both
// calls: https://docs.attestr.com/attestr-docs/vehicle-owner-mobile-contact-lookup-api
type client struct {
	base    string
	timeout time.Duration
	// sign adds the credentials. They live in a closure as fmt would print a
	// field.
	sign func(http.Header)
	// mask takes them out of Attestr's words.
	mask func(string) string
	paid *providers.Client // a connection for each call
	free *providers.Client // connections are kept
}

func newClient(cfg Config, dial func(context.Context, string, string) (net.Conn, error)) *client {
	return &client{
		base:    strings.TrimRight(cfg.BaseURL, "/") + batchPath,
		timeout: cfg.Timeout,
		sign:    func(h http.Header) { h.Set("Authorization", "Basic "+cfg.AuthToken.Reveal()) },
		mask:    providers.Masker(cfg.AuthToken, cfg.ClientSecret, cfg.WebhookToken),
		paid:    providers.NewClient(providers.ClientOptions{MaxBody: maxSubmitAnswer, Dial: dial}),
		free:    providers.NewClient(providers.ClientOptions{Free: true, Dial: dial}),
	}
}

// submit makes the paid call.
func (c *client) submit(ctx context.Context, s submission) (*providers.Answer, error) {
	return c.post(ctx, c.paid, opSubmit, c.base, s)
}

// items reads one page of the records of a batch.
func (c *client) items(ctx context.Context, id string, q query) (*providers.Answer, error) {
	return c.post(ctx, c.free, opItems, c.base+"/"+url.PathEscape(id)+"/items", q)
}

func (c *client) post(ctx context.Context, hc *providers.Client, op, to string, body any) (*providers.Answer, error) {
	ctx, cancel := providers.Within(ctx, c.timeout)
	defer cancel()
	payload, err := json.Marshal(body)
	if err != nil {
		return nil, unsendable(op, "encode request")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(payload))
	if err != nil {
		return nil, unsendable(op, "build request")
	}
	c.sign(req.Header)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "plateq")
	return hc.Do(req, op)
}

// unsendable leaves the cause out: it would quote the URL or the plates.
func unsendable(op, what string) error {
	return &providers.Error{Provider: Name, Op: op, Class: providers.Poison,
		Code: "unsendable", Err: errors.New(what + ": not possible")}
}
