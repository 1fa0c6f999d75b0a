package aopay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/plateq/plateq/providers"
)

// fetchPath is the one path that is ever called. The vendor's page:
// https://readapi.aopay.co.in/fastagFetchConsumerDetails
const fetchPath = "/api/AOP/FetchConsumerDetails"

const (
	// maxAnswer bounds an answer, which holds some fifteen short fields.
	maxAnswer = 4 << 20
	// recognisable is how long a registration is at least that is looked for
	// in answers that are kept: a shorter one could stand there by chance.
	recognisable = 6
)

// question is what a request asks.
type question struct {
	operator int
	plate    string
}

// client speaks to AOPay in AOPay's words. It takes neither a method nor a
// path from anybody.
type client struct {
	url     *url.URL
	header  http.Header
	timeout time.Duration
	http    *providers.Client // a connection for each call
	// body writes a request. The credentials are part of it and live in a
	// closure, as fmt would print a field.
	body func(question) ([]byte, error)
	// mask takes the credentials out of AOPay's words, maskRaw out of an
	// answer that is kept.
	mask    func(string) string
	maskRaw func([]byte) []byte
}

func newClient(cfg Config, dial func(context.Context, string, string) (net.Conn, error)) (*client, error) {
	to, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/") + fetchPath)
	if err != nil {
		return nil, errors.New("BASE_URL: cannot have our path behind it") // err quotes it
	}
	c := &client{
		url:     to,
		header:  http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"plateq"}},
		timeout: cfg.Timeout,
		http:    providers.NewClient(providers.ClientOptions{MaxBody: maxAnswer, Dial: dial}),
		mask:    providers.Masker(cfg.RegistrationID),
		maskRaw: providers.BodyMasker(),
	}
	if len(cfg.RegistrationID) >= recognisable {
		c.maskRaw = providers.BodyMasker(cfg.RegistrationID)
	}
	c.body = func(q question) ([]byte, error) {
		return json.Marshal(struct {
			Operator       int    `json:"operator"`
			CANumber       string `json:"canumber"`
			RegistrationID string `json:"RegistrationID"`
		}{q.operator, q.plate, cfg.RegistrationID.Reveal()})
	}
	return c, nil
}

// fetch makes the paid call.
func (c *client) fetch(ctx context.Context, q question) (*providers.Answer, error) {
	ctx, cancel := providers.Within(ctx, c.timeout)
	defer cancel()
	payload, err := c.body(q)
	if err != nil {
		// The cause is left out: it would quote the plate.
		return nil, &providers.Error{Provider: Name, Op: opFetch, Class: providers.Poison,
			Code: "unsendable", Err: errors.New("encode request: not possible")}
	}
	return c.http.Do(providers.NewRequest(ctx, http.MethodPost, c.url, c.header, payload), opFetch)
}

// raw returns a JSON body as it is kept: itself, where nothing is masked.
func (c *client) raw(body []byte) json.RawMessage {
	return slices.Clip(c.maskRaw(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))))
}

// canonical is the form in which plates are sent: upper case, letters and
// digits only.
func canonical(plate string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, plate)
}
