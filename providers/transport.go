package providers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Limits of what is read of an answer.
const (
	// DefaultMaxBody is the size past which an answer is not read on.
	DefaultMaxBody = 64 << 20
	// headSize is how much of a body that was not understood is kept.
	headSize = 64 << 10
)

// ClientOptions say how a Client connects. The zero value is ready to use.
type ClientOptions struct {
	// KeepAlive reuses connections. Only for requests that may be repeated
	// free of charge: Go's client sends some requests twice on a reused
	// connection that breaks, and tells nobody.
	KeepAlive bool
	// MaxBody is the largest answer in bytes; 0 means DefaultMaxBody.
	MaxBody int64
	// Dial replaces the dialler, for stand-ins in the same process.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client makes single HTTP exchanges by the rules of paid calls: no redirect
// is followed, no proxy is used, nothing is repeated, HTTP/2 is off, the body
// is bounded, errors carry no URL. It is safe for concurrent use.
type Client struct {
	http *http.Client
	max  int64
}

// NewClient returns a Client with a transport of its own.
func NewClient(o ClientOptions) *Client {
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	return &Client{
		max: o.MaxBody,
		http: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext:           dial,
				DisableKeepAlives:     !o.KeepAlive,
				MaxIdleConnsPerHost:   16,
				IdleConnTimeout:       30 * time.Second,
				TLSHandshakeTimeout:   10 * time.Second,
				ExpectContinueTimeout: 0,
				TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
				TLSNextProto:          map[string]func(string, *tls.Conn) http.RoundTripper{},
			},
		},
	}
}

// Answer is a whole HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes one exchange. The error is an *Error of class Unavailable if
// nothing was sent, Ambiguous otherwise: no answer, one that ended early, or
// one longer than the limit. The context bounds the whole of it.
func (c *Client) Do(req *http.Request, op string) (*Answer, error) {
	var s sent
	resp, err := c.http.Do(req.WithContext(s.watch(req.Context())))
	if err != nil {
		class := Unavailable
		if s.begun.Load() {
			class = Ambiguous
		}
		return nil, &Error{Op: op, Class: class, Code: transportCode(err), Err: Redact(err)}
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.max+1))
	if err == nil && int64(len(body)) > c.max {
		err = fmt.Errorf("answer is longer than %d bytes", c.max)
	}
	if err != nil {
		return nil, &Error{Op: op, Class: Ambiguous, Code: "cut_body", Err: Redact(err), Head: Head(body)}
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// Head returns a copy of the beginning of a body, to be kept with a call.
func Head(body []byte) []byte {
	return append([]byte(nil), body[:min(len(body), headSize)]...)
}

func transportCode(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	default:
		return "no_answer"
	}
}

// Foreign judges an answer that is not in the provider's own envelope: a web
// page, a proxy's word, a cut body. A 429 was not accepted whoever said it,
// and closes that endpoint for a minute; of anything else nobody knows.
func (a *Answer) Foreign(provider, op string, now time.Time) *Error {
	e := &Error{Provider: provider, Op: op, Scope: provider, Class: Ambiguous,
		Code: "http_" + strconv.Itoa(a.Status), Err: errors.New(a.describe()), Head: Head(a.Body)}
	if a.Status == http.StatusTooManyRequests {
		e.Class, e.Scope = RateLimited, provider+"/"+op
		if e.Until = RetryAfter(a.Header, now); e.Until.IsZero() {
			e.Until = now.Add(time.Minute)
		}
	}
	return e
}

func (a *Answer) describe() string {
	switch {
	case len(a.Body) == 0:
		return "the provider sent an empty answer"
	case looksLikePage(a.Body):
		return "the provider sent a web page"
	default:
		return fmt.Sprintf("the provider sent %d bytes that are not in its documented form", len(a.Body))
	}
}

func looksLikePage(body []byte) bool {
	return http.DetectContentType(body) == "text/html; charset=utf-8"
}

// RetryAfter reads the header of that name, in seconds or as a date. Zero:
// it is not there or makes no sense. More than a day is taken as a day.
func RetryAfter(h http.Header, now time.Time) time.Time {
	v := h.Get("Retry-After")
	if v == "" {
		return time.Time{}
	}
	at := time.Time{}
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		at = now.Add(time.Duration(min(n, 86400)) * time.Second)
	} else if t, err := http.ParseTime(v); err == nil {
		at = t
	}
	if at.After(now.Add(24 * time.Hour)) {
		at = now.Add(24 * time.Hour)
	}
	return at
}

// Redact returns err without the URL that net/http puts into its errors: URLs
// carry credentials at some providers.
func Redact(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
