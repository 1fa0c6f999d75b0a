package resser

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
)

// scrapingPath is the one path that is called, below the base URL.
const scrapingPath = "/api/batch/scraping/"

// client speaks to Resser in Resser's words. The vendor's pages are below
// https://docs.sync.resser.com/docs/objects/scraped/overview
type client struct {
	url     string
	timeout time.Duration
	http    *providers.Client
	// sign adds the credentials. They live in a closure as fmt would print a
	// field.
	sign func(http.Header)
	// mask takes them out of Resser's words.
	mask func(string) string
}

func newClient(cfg Config, dial func(context.Context, string, string) (net.Conn, error)) *client {
	return &client{
		url:     strings.TrimRight(cfg.BaseURL, "/") + scrapingPath,
		timeout: cfg.Timeout,
		http:    providers.NewClient(providers.ClientOptions{Free: true, Dial: dial}),
		sign:    func(h http.Header) { h.Set(cfg.AuthHeader, cfg.AuthValue.Reveal()) },
		mask:    providers.Masker(cfg.AuthValue),
	}
}

// scraping asks what was processed of vehicles: a GET that has a body, which
// not everything on the way bears. The body is of a known length, so that it
// is not sent in chunks.
func (c *client) scraping(ctx context.Context, vehicles []vehicle) (*providers.Answer, error) {
	ctx, cancel := providers.Within(ctx, c.timeout)
	defer cancel()
	payload, err := json.Marshal(question{Vehicles: vehicles})
	if err != nil {
		return nil, unsendable("encode request")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, bytes.NewReader(payload))
	if err != nil {
		return nil, unsendable("build request")
	}
	c.sign(req.Header)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "plateq")
	a, err := c.http.Do(req, opScraping)
	if e, ok := errors.AsType[*providers.Error](err); ok {
		e.Head = safeHead(e.Head)
	}
	return a, err
}

// unsendable leaves the cause out: it would quote the URL or the vehicles.
func unsendable(what string) error {
	return &providers.Error{Provider: Name, Op: opScraping, Class: providers.Poison,
		Code: "unsendable", Err: errors.New(what + ": not possible")}
}
