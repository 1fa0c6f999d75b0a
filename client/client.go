// Package client is for Go systems that submit lists to Plateq and collect
// the answers, over Plateq's HTTP API.
//
//	c, err := client.New("http://127.0.0.1:8080", client.Options{})
//	b, err := c.Submit(ctx, client.SubmitOptions{Provider: "attestr", Format: client.CSV}, file)
//	b, err = c.Wait(ctx, b.ID, nil)
//	for row, err := range c.Results(ctx, b.ID, client.ResultsOptions{}) { … }
//
// # Errors
//
// What the server refuses is a *Problem. Requests that change nothing are
// repeated a few times where the server cannot be reached or is overloaded, and
// so is what the server does once under a key: Submit of a list that can be read
// again, LookUp, AddSchedule, RunSchedule, Retry and Resend; nothing else is. A
// key that is made up lasts as long as the call. Submitting a list once more
// costs nothing for plates whose answers are known or on their way.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	base *url.URL
	near bool // the server is on this machine
	key  string
	http *http.Client
}

// Options say how to speak to the server.
type Options struct {
	// APIKey is shown with every request, if it is not empty.
	APIKey string
	// HTTPClient makes the requests; nil: http.DefaultClient. Its Timeout, if
	// any, bounds uploads and downloads too. It is copied, and its CheckRedirect
	// asked only about requests that change nothing: no other is sent on.
	HTTPClient *http.Client
}

// New returns a client of the server at baseURL, "http://127.0.0.1:8080".
// Nothing is sent.
func New(baseURL string, o Options) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("make client: the base URL must be one such as http://127.0.0.1:8080")
	}
	if o.HTTPClient == nil {
		o.HTTPClient = http.DefaultClient
	}
	hc := *o.HTTPClient
	hc.CheckRedirect = sentOn(hc.CheckRedirect)
	return &Client{base: u, near: isNear(u.Hostname()), key: o.APIKey, http: &hc}, nil
}

// isNear reports whether a host is this machine, or the near end of a tunnel,
// which may pack what goes through it.
func isNear(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// request is one request before it is sent.
type request struct {
	method, path string
	query        url.Values
	options      string // Plateq-Options; empty: none
	accept       string
	lastEvent    string // Last-Event-ID; empty: none
	onceKey      string // Idempotency-Key; empty: none
	contentType  string
	body         io.Reader
}

// maxProblem bounds how much of an error's body is read.
const maxProblem = 1 << 20

// once sends r and returns the answer if it is a success. The caller closes
// its body.
func (c *Client) once(ctx context.Context, r request) (*http.Response, error) {
	u := c.base.JoinPath(r.path)
	u.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), r.body)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", withoutURL(err))
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if r.options != "" {
		req.Header.Set("Plateq-Options", r.options)
	}
	if r.onceKey != "" {
		req.Header.Set("Idempotency-Key", r.onceKey)
	}
	if r.lastEvent != "" {
		req.Header.Set("Last-Event-ID", r.lastEvent)
	}
	if c.near { // to pack an answer and unpack it would take longer than to send it
		req.Header.Set("Accept-Encoding", "identity")
	}
	req.Header.Set("Accept", r.accept+", application/problem+json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &unanswered{method: r.method, path: req.URL.EscapedPath(), cause: withoutURL(err)}
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, readProblem(resp)
}

// tries is how often a request that changes nothing is made.
const tries = 4

// safely sends r, which changes nothing and has no body, until it succeeds or
// repeating it makes no sense.
func (c *Client) safely(ctx context.Context, r request) (*http.Response, error) {
	for n := 1; ; n++ {
		resp, err := c.once(ctx, r)
		if err == nil || n == tries || !passing(err) {
			return resp, err
		}
		if err := sleep(ctx, pause(n, err)); err != nil {
			return nil, err
		}
	}
}

// passing reports whether an error may be gone the next time.
func passing(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		return true
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

const (
	firstPause   = 200 * time.Millisecond
	longestPause = 30 * time.Second
)

// pause returns how long to wait before try n+1: what the server asked for,
// else twice as long each time, spread by a fifth.
func pause(n int, err error) time.Duration {
	if p, ok := errors.AsType[*Problem](err); ok && p.RetryAfter > 0 {
		return min(p.RetryAfter, longestPause)
	}
	d := firstPause << (n - 1)
	return d + time.Duration((rand.Float64()-0.5)*0.4*float64(d)) //nolint:gosec // nothing secret
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

const jsonType = "application/json"

// get fetches path and decodes the answer.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	resp, err := c.safely(ctx, request{method: http.MethodGet, path: path, query: query, accept: jsonType})
	if err != nil {
		return err
	}
	return decode(resp, into)
}

// post sends a request that changes something, once.
func (c *Client) post(ctx context.Context, r request, into any) error {
	r.method, r.accept = http.MethodPost, jsonType
	resp, err := c.once(ctx, r)
	if err != nil {
		return err
	}
	return decode(resp, into)
}

func decode(resp *http.Response, into any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// Problem is an error that the server answered with, as RFC 9457 has it.
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	// Code is stable: "no_such_batch", "empty_list", "unknown_provider", ….
	Code   string       `json:"code"`
	Detail string       `json:"detail"`
	Errors []FieldError `json:"errors"`
	// RequestID names the request in the server's log.
	RequestID string `json:"request_id"`
	// RetryAfter is how long the server asked to be left alone; 0: it did not.
	RetryAfter time.Duration `json:"-"`
}

// FieldError says what is wrong with one field.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error returns what is wrong in one line.
func (p *Problem) Error() string {
	s := p.Detail
	if s == "" {
		s = strconv.Itoa(p.Status) + " " + p.Title
	}
	for _, e := range p.Errors {
		if !strings.Contains(s, e.Detail) {
			s += "; " + e.Field + ": " + e.Detail
		}
	}
	return s
}

// Is reports whether target is a Problem with the same code, so that
// errors.Is(err, &Problem{Code: "no_such_batch"}) works.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t.Code == p.Code
}

func readProblem(resp *http.Response) *Problem {
	p := &Problem{}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil || json.Unmarshal(body, p) != nil || p.Status == 0 {
		p = &Problem{Code: "not_plateq", Detail: "the server answered " + resp.Status + " in a form that is not Plateq's"}
	}
	p.Status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		p.RetryAfter = time.Duration(s) * time.Second
	}
	return p
}
