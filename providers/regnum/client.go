package regnum

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

const (
	// maxAnswer bounds an answer: a few cars of some forty short fields.
	maxAnswer = 4 << 20
	// recognisable is how long a seccode is at least that is looked for in
	// answers: a shorter one could stand there by chance.
	recognisable = 6
)

// question is what a request asks.
type question struct{ nameservice, regnum string }

// client speaks to one server in the service's words.
type client struct {
	http        *providers.Client
	contentType string
	accept      string
	// address returns the URL of a request. The credentials are part of it and
	// live in a closure, as fmt would print a field.
	address func(server string, q question) string
	// mask takes the credentials out of the service's words, maskRaw the
	// secret one out of an answer that is kept.
	mask    func(string) string
	maskRaw func([]byte) []byte
}

func newClient(cfg Config, dial func(context.Context, string, string) (net.Conn, error)) *client {
	quotes := quotesOf(cfg.Seccode)
	c := &client{
		http:        providers.NewClient(providers.ClientOptions{Free: true, MaxBody: maxAnswer, Dial: dial}),
		contentType: strings.ToUpper(cfg.Format),
		accept:      "application/" + cfg.Format,
		mask:        providers.Masker(append(quotes, cfg.ID)...),
		maskRaw:     providers.BodyMasker(),
	}
	if len(cfg.Seccode) >= recognisable {
		c.maskRaw = providers.BodyMasker(quotes...)
	}
	c.address = func(server string, q question) string {
		return server + "?id=" + escape(cfg.ID.Reveal()) + "&seccode=" + escape(cfg.Seccode.Reveal()) +
			"&nameservice=" + escape(q.nameservice) + "&regnum=" + escape(q.regnum) + "&contenttype=" + c.contentType
	}
	return c
}

// quotesOf returns the ways in which a page or an answer may quote a secret of
// the query.
func quotesOf(secret providers.Secret) []providers.Secret {
	s := secret.Reveal()
	return []providers.Secret{secret, providers.Secret(escape(s)), providers.Secret(url.QueryEscape(s)), providers.Secret(html.EscapeString(s))}
}

// get makes one exchange: a GET with everything in the query, as documented.
func (c *client) get(ctx context.Context, server string, q question) (*providers.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address(server, q), http.NoBody)
	if err != nil {
		// The cause is left out: it would quote the URL.
		return nil, &providers.Error{Provider: Name, Op: opLookup, Class: providers.Poison,
			Code: "unsendable", Err: errors.New("build request: not possible")}
	}
	req.Header.Set("Accept", c.accept)
	req.Header.Set("User-Agent", "plateq")
	return c.http.Do(req, opLookup)
}

// raw returns a body as it is kept: JSON as it came, anything else as one
// JSON string.
func (c *client) raw(body []byte) json.RawMessage {
	text := c.maskRaw(bytes.TrimPrefix(body, []byte("\ufeff")))
	if json.Valid(text) {
		return slices.Clip(text)
	}
	return wirejson.AppendText(nil, string(text))
}

// escape writes a value of the query. Not every server reads + as a space.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

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
