package providertest

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers"
)

// Callback is a webhook.
type Callback struct {
	Name   string
	Header http.Header
	Body   string
	// Want is what it is about, nothing for one that is not about a look-up.
	Want []providers.Hint
	// Forged: it must be refused.
	Forged bool
}

// reader returns the provider as one that reads callbacks.
func (b *rig) reader() providers.CallbackReader {
	b.Helper()
	if len(b.h.Callbacks) == 0 || b.h.Callbacks[0].Forged {
		b.Fatal("harness: got no genuine callback in the first place, want one of a provider whose spec says Callback")
	}
	return b.provider.(providers.CallbackReader)
}

// wantRefused reads a callback and wants an error that is safe to log, alone.
func (b *rig) wantRefused(what string, h http.Header, body []byte) {
	b.Helper()
	hints, err := b.reader().ReadCallback(h, body)
	if len(hints) > 0 || errorClass(err) == 0 {
		b.Errorf("%s: got %v, %v, want an error of the providers package alone", what, hints, err)
	}
	b.checkText(err)
}

func callbackRead(t testing.TB, h Harness) {
	b := newRig(t, h)
	for _, c := range h.Callbacks {
		if c.Forged {
			b.wantRefused(c.Name, c.Header, []byte(c.Body))
			continue
		}
		for range 2 { // one that comes twice is no worse
			hints, err := b.reader().ReadCallback(c.Header, []byte(c.Body))
			if err != nil || len(hints) != len(c.Want) || len(hints) > 0 && !reflect.DeepEqual(hints, c.Want) {
				t.Errorf("%s: got %v, %v, want %v", c.Name, hints, err, c.Want)
			}
		}
	}
}

func callbackProof(t testing.TB, h Harness) {
	b := newRig(t, h)
	b.reader()
	for _, c := range h.Callbacks {
		if c.Forged {
			continue
		}
		b.wantRefused(c.Name+" without headers", nil, []byte(c.Body))
		for name, values := range c.Header {
			for what, value := range map[string]string{
				"cut":         values[0][:len(values[0])-1],
				"longer":      values[0] + "x",
				"of another":  strings.Repeat("x", len(values[0])),
				"not there":   "",
				"other alone": "Basic",
			} {
				if name == "Content-Type" {
					continue
				}
				other := c.Header.Clone()
				other.Set(name, value)
				b.wantRefused(fmt.Sprintf("%s, %s %s", c.Name, name, what), other, []byte(c.Body))
			}
		}
	}
}

// callbackNonsense comes with the headers of a genuine one.
func callbackNonsense(t testing.TB, h Harness) {
	b := newRig(t, h)
	b.reader()
	c := h.Callbacks[0]
	body := bytes.TrimSpace([]byte(c.Body))
	const many = 1 << 20
	for name, body := range map[string][]byte{
		"empty":           nil,
		"blank":           []byte(" \n"),
		"null":            []byte("null"),
		"a number":        []byte("1"),
		"an empty list":   []byte("[]"),
		"an empty object": []byte("{}"),
		"a web page":      []byte("<!DOCTYPE html><title>Sorry</title>"),
		"UTF-16":          utf16LE(body),
		"twice":           append(append([]byte{}, body...), body...),
		"huge and blank":  bytes.Repeat([]byte(" "), 8*many),
		"huge":            append(append([]byte{}, body...), bytes.Repeat([]byte("x"), 8*many)...),
		"deep":            bytes.Repeat([]byte(`[`), many),
		"deep objects":    bytes.Repeat([]byte(`{"payload":`), many),
	} {
		b.wantRefused(name, c.Header, body)
	}
	for i := range len(body) {
		b.wantRefused(fmt.Sprintf("cut after %d bytes", i), c.Header, body[:i])
	}
}
