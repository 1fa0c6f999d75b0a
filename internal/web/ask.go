package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// call is a request to the API.
type call struct {
	method, path string
	query        url.Values
	options      url.Values // of a list; nil: there are none
	media        string     // of the body
	body         io.Reader
	accept       string
	once         string // names the request, so that it counts once; may be empty
	// whole: what is personal is wanted too, if the key may see it.
	whole bool
}

// get asks for what path holds, masked, and decodes the answer. What the API
// refuses is a *client.Problem.
func (v *visit) get(path string, query url.Values, into any) error {
	return v.ask(call{method: http.MethodGet, path: path, query: query}, into)
}

// post sends body, if it is not nil, as JSON, and decodes the answer, masked,
// into what is not nil.
func (v *visit) post(path string, body, into any) error {
	return v.send(call{method: http.MethodPost, path: path}, body, into)
}

func (v *visit) send(c call, body, into any) error {
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		c.media, c.body = "application/json", bytes.NewReader(text)
	}
	return v.ask(c, into)
}

// ask makes a call and decodes its answer, which is short.
func (v *visit) ask(c call, into any) error {
	c.accept = "application/json"
	answer := &kept{w: v.w, header: http.Header{}}
	v.API.ServeHTTP(answer, v.request(c))
	if answer.status/100 != 2 {
		return problemOf(answer)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer.body.Bytes(), into); err != nil {
		return fmt.Errorf("read answer of the API: %w", err)
	}
	return nil
}

// pass has the API answer the visitor itself, as it comes: with a file or a
// stream.
func (v *visit) pass(c call) {
	r := v.request(c)
	for _, name := range []string{"Accept-Encoding", "Last-Event-ID"} {
		if value := v.r.Header.Get(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	v.API.ServeHTTP(v.w, r)
}

// request is a call in the name of the visitor.
func (v *visit) request(c call) *http.Request {
	ctx := v.r.Context()
	if c.whole {
		ctx = api.As(ctx, v.session.key)
	} else {
		ctx = api.As(ctx, v.session.key, store.ScopeReadPII)
	}
	r := (&http.Request{
		Method: c.method, URL: &url.URL{Path: c.path, RawQuery: c.query.Encode()}, Host: v.r.Host, RemoteAddr: v.r.RemoteAddr,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody,
	}).WithContext(ctx)
	r.Header.Set("Accept", c.accept)
	if c.options != nil {
		r.Header.Set("Plateq-Options", c.options.Encode())
	}
	if c.once != "" {
		r.Header.Set("Idempotency-Key", c.once)
	}
	if c.body != nil {
		r.Body, r.ContentLength = io.NopCloser(c.body), -1
		r.Header.Set("Content-Type", c.media)
	}
	return r
}

// kept is an answer of the API that is read when it is whole. The time that
// it may take is that of the visitor's connection.
type kept struct {
	w      http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

// Write implements http.ResponseWriter.
func (k *kept) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(b)
}

// Unwrap lets http.ResponseController find deadlines.
func (k *kept) Unwrap() http.ResponseWriter { return k.w }

// problemOf reads what the API refused.
func problemOf(k *kept) error {
	p := &client.Problem{}
	if err := json.Unmarshal(k.body.Bytes(), p); err != nil {
		return fmt.Errorf("read problem of the API: status %d: %w", k.status, err)
	}
	p.Status = k.status
	if s, err := strconv.Atoi(k.header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(s) * time.Second
	}
	return p
}

// paged is a page of a list of the API.
type paged[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor"`
}
