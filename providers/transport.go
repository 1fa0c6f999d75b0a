package providers

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
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
	// Free is for requests that may be repeated free of charge: connections
	// are kept for longer, see Client.
	Free bool
	// MaxBody is the largest answer in bytes; 0 means DefaultMaxBody.
	MaxBody int64
	// Dial replaces the dialler, for stand-ins in the same process.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client makes single HTTP exchanges by the rules of paid calls: no redirect
// is followed, no proxy is used, nothing is written twice, HTTP/2 is off, the
// body is bounded, errors hold neither the URL nor what the server sent. It is
// safe for concurrent use.
//
// It speaks over connections of its own rather than through http.Transport,
// which may repeat a request by itself, and hands each to two goroutines that
// cost more than the exchange; how messages are written and read is net/http's.
//
// A connection that the server ends just as a request is written to it leaves
// nobody knowing whether that arrived. So one that has carried a request is
// used again at once or not at all, long before a server tires of it; and a
// server that ended one all the same gets a new one for each request from then
// on. Requests that are free to repeat keep theirs for longer.
type Client struct {
	idle  pool
	dial  dialer
	free  bool
	broke atomic.Bool // a connection that was used again
	max   int64
}

const (
	// keepPaid and keepFree are how long a connection is kept that nobody uses.
	keepPaid = time.Second
	keepFree = 30 * time.Second
	// keepMost bounds how many are, for each server.
	keepMost = 1024
)

// NewClient returns a Client with connections of its own.
func NewClient(o ClientOptions) *Client {
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	keep := keepPaid
	if o.Free {
		keep = keepFree
	}
	return &Client{idle: pool{keep: keep, most: keepMost}, dial: dialer{dial: o.Dial}, free: o.Free, max: o.MaxBody}
}

// Answer is a whole HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes one exchange, and takes req over. The error is an *Error of class
// Unavailable if nothing was sent, Ambiguous otherwise: no answer, one that
// ended early, or one longer than the limit. The context of req bounds the
// whole of it.
func (c *Client) Do(req *http.Request, op string) (*Answer, error) {
	s := watch(req.Context())
	answer, err := c.exchange(req, s)
	if err == nil {
		return answer, nil
	}
	e := &Error{Op: op, Class: Ambiguous, Err: cause(err)}
	if answer != nil {
		e.Head = Head(answer.Body)
	}
	switch {
	case errors.Is(err, errLong):
		e.Code, e.Err = "long_body", fmt.Errorf("%w of %d bytes", errLong, c.max)
	case answer != nil:
		e.Code = interrupted(err, "cut_body")
	case s.begun.Load():
		e.Code = interrupted(err, "no_answer")
		if e.Code == "no_answer" && s.again.Load() {
			c.broke.Store(true)
		}
	case errors.Is(err, ErrLate):
		e.Class, e.Code = Unavailable, "too_late"
	default:
		e.Class, e.Code = Unavailable, interrupted(err, "no_connection")
	}
	return nil, e
}

// unpack returns what is in a gzip body, whatever its headers say. We ask for
// none: a server that says so and sends plain text would cost us the body. A
// body that does not unpack within the limit is returned as it came.
func unpack(body []byte, limit int64) []byte {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	plain, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(plain)) > limit {
		return body
	}
	return plain
}

// Head returns a copy of the beginning of a body, to be kept with a call.
func Head(body []byte) []byte {
	return append([]byte(nil), body[:min(len(body), headSize)]...)
}

// interrupted returns the code of an exchange that our side ended, or code.
func interrupted(err error, code string) string {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return "timeout"
	}
	return code
}

// cause keeps of an exchange's error what is known to hold nothing of the
// request or the answer; net/http quotes both in some of its own.
func cause(err error) error {
	for _, plain := range []error{context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, io.EOF, errLongHead, errInterim, errScheme, ErrLate} {
		if errors.Is(err, plain) {
			return plain
		}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return errors.New("timeout")
	}
	kind := reflect.TypeOf(err).String()
	return errors.New("the exchange broke off: " + kind)
}

// Foreign judges an answer that is not in the provider's own envelope: a web
// page, a proxy's word, a cut body. A 429 was not accepted whoever said it,
// and closes that endpoint for a minute; of anything else nobody knows.
func (a *Answer) Foreign(provider, op string, now time.Time) *Error {
	e := &Error{Provider: provider, Op: op, Scope: provider, Class: Ambiguous,
		Code: "http_" + strconv.Itoa(a.Status), Err: errors.New(a.describe()), Head: Head(a.Body),
		Until: RetryAfter(a.Header, now)}
	if a.Status == http.StatusTooManyRequests {
		e.Class, e.Scope = RateLimited, provider+"/"+op
		if e.Until.IsZero() {
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

// RetryAfter reads the header of that name, in seconds or as a date, which is
// held against the server's own Date where there is one. The time is after
// now, by a day at most. Zero: the header is not there or makes no sense.
func RetryAfter(h http.Header, now time.Time) time.Time {
	const day = 24 * time.Hour
	v := strings.TrimSpace(h.Get("Retry-After"))
	var wait time.Duration
	if n, err := strconv.ParseUint(v, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		wait = time.Duration(min(n, uint64(day/time.Second))) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		from := now
		if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
			from = theirs
		}
		wait = at.Sub(from)
	}
	if wait <= 0 {
		return time.Time{}
	}
	return now.Add(min(wait, day))
}

// Redact returns err without the URL that net/http puts into its errors: URLs
// carry credentials at some providers.
func Redact(err error) error {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = u.Err
	}
}
