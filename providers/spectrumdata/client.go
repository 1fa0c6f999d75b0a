package spectrumdata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plateq/plateq/providers"
)

// maxAnswer bounds an answer: one report, or an error with a stack trace.
const maxAnswer = 4 << 20

// client speaks to SpectrumData in its words. The vendor's pages:
// https://b2b-api.spectrumdata.ru/docs/using-api/quick-start and
// https://b2b-api.spectrumdata.ru/docs/using-api/report
type client struct {
	base    string
	timeout time.Duration
	now     func() time.Time
	token   func(time.Time) string
	// mask takes credentials out of SpectrumData's words: it quotes tokens.
	mask func(string) string
	// ahead is by how many nanoseconds SpectrumData's clock is ahead of ours,
	// as far as it has told.
	ahead atomic.Int64
	paid  *providers.Client // a connection for each call
	free  *providers.Client // connections are kept
}

func newClient(cfg Config, o Options) *client {
	return &client{
		base:    strings.TrimRight(cfg.BaseURL, "/") + "/user",
		timeout: cfg.Timeout,
		now:     o.Now,
		token:   tokens(cfg.User, cfg.Password),
		mask:    masker(cfg.User, cfg.Password),
		paid:    providers.NewClient(providers.ClientOptions{MaxBody: maxAnswer, Dial: o.Dial}),
		free:    providers.NewClient(providers.ClientOptions{MaxBody: maxAnswer, Free: true, Dial: o.Dial}),
	}
}

// make asks for a report. Only one that is forced costs anything when it is
// asked for twice.
func (c *client) make(ctx context.Context, q question) (*providers.Answer, error) {
	payload, err := json.Marshal(newMaking(q))
	if err != nil {
		return nil, unsendable(opMake, "encode request")
	}
	hc := c.free
	if q.force {
		hc = c.paid
	}
	return c.do(ctx, hc, opMake, http.MethodPost, "/reports/"+segment(q.kind)+"/_make", payload)
}

// refresh has a report made again, in its place.
func (c *client) refresh(ctx context.Context, uid string) (*providers.Answer, error) {
	return c.do(ctx, c.paid, opRefresh, http.MethodPost, "/reports/"+segment(uid)+"/_refresh", []byte("{}"))
}

// report reads a report with its content: half of them are finished when they
// are asked about first, and to ask without would be a request more for each.
func (c *client) report(ctx context.Context, uid string) (*providers.Answer, error) {
	return c.do(ctx, c.free, opReport, http.MethodGet, "/reports/"+segment(uid)+"?_content=true&_detailed=true", nil)
}

func (c *client) balance(ctx context.Context, kind string) (*providers.Answer, error) {
	return c.do(ctx, c.free, opBalance, http.MethodGet, "/balance/"+segment(kind), nil)
}

func (c *client) user(ctx context.Context) (*providers.Answer, error) {
	return c.do(ctx, c.free, opUser, http.MethodGet, "?_detailed=false", nil)
}

// segment escapes all that is not plain in a path segment: uids hold @ and =.
func segment(uid string) string { return url.QueryEscape(uid) }

// do makes an exchange. A token that is refused over its time was not looked
// at further, so that one more is tried, by SpectrumData's clock.
func (c *client) do(ctx context.Context, hc *providers.Client, op, method, path string, payload []byte) (*providers.Answer, error) {
	ctx, cancel := providers.Within(ctx, c.timeout)
	defer cancel()
	a, err := c.once(ctx, hc, op, method, path, payload)
	if err != nil {
		return nil, err
	}
	if e, ok := decodeEvent(a.Body); ok && e.kind == typeTimeoutedStamp && !e.serverTime.IsZero() {
		c.ahead.Store(int64(e.serverTime.Sub(c.now())))
		return c.once(ctx, hc, op, method, path, payload)
	}
	return a, nil
}

func (c *client) once(ctx context.Context, hc *providers.Client, op, method, path string, payload []byte) (*providers.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(payload))
	if err != nil {
		return nil, unsendable(op, "build request")
	}
	req.Header.Set("Authorization", "AR-REST "+c.token(c.now().Add(time.Duration(c.ahead.Load()))))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "plateq")
	if payload != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return hc.Do(req, op)
}

// unsendable leaves the cause out: it would quote the URL or the person.
func unsendable(op, what string) error {
	return &providers.Error{Provider: Name, Op: op, Class: providers.Poison,
		Code: "unsendable", Err: errors.New(what + ": not possible")}
}
