package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers"
)

func nothingLeaks(t testing.TB, h Harness) {
	b := newRig(t, h)
	echo := strings.Join(b.secrets(), " ")
	for name, serve := range map[string]http.HandlerFunc{
		"as a page": func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, "<html>%s", echo) },
		"as JSON": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"status":%q,"code":%q}`, echo, echo)
		},
		"in Location": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{"http://[" + echo}
			w.WriteHeader(307)
		},
		"in the status line": func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", echo)
				_ = conn.Close()
			}
		},
		"in the codes": func(w http.ResponseWriter, _ *http.Request) {
			for _, c := range h.Codes {
				_, _ = fmt.Fprintf(w, "%s %s", c.Body, echo)
			}
		},
	} {
		t.Logf("echo %s", name)
		b.serveFunc(serve)
		b.submit(t.Context()) // checks the text of each error
		if ticket, ok := b.ticket(); ok {
			b.serveFunc(serve)
			_, _ = b.poll(ticket) // likewise
		}
	}
}

// nothingQuoted: what a provider says to people is shown and exported. Some
// providers quote what they were sent, credentials and all.
func nothingQuoted(t testing.TB, h Harness) {
	b := newRig(t, h)
	for _, c := range h.Codes {
		for _, body := range quoting(c.Body, strings.Join(h.Secrets, " ")) {
			answer := func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.Status)
				_, _ = w.Write(body)
			}
			if c.Poll {
				ticket, _ := b.ticket()
				b.serveFunc(answer)
				_, err := b.poll(ticket)
				b.checkMessage(c.Name, err)
				continue
			}
			b.serveFunc(answer)
			for _, o := range b.submit(t.Context()) {
				b.checkMessage(c.Name, o.Err)
			}
		}
	}
}

// quoting returns body once for each text in it, with more said there. What is
// not JSON is returned with more at its end.
func quoting(body, more string) [][]byte {
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return [][]byte{[]byte(body + more)}
	}
	var all [][]byte
	var walk func(at any, put func(any))
	walk = func(at any, put func(any)) {
		switch at := at.(type) {
		case string:
			put(at + " " + more)
			said, err := json.Marshal(v)
			if err == nil {
				all = append(all, said)
			}
			put(at)
		case map[string]any:
			for k, inner := range at {
				walk(inner, func(with any) { at[k] = with })
			}
		case []any:
			for i, inner := range at {
				walk(inner, func(with any) { at[i] = with })
			}
		}
	}
	walk(v, func(with any) { v = with })
	return all
}

// checkMessage wants no secret in the words that an error carries.
func (b *rig) checkMessage(what string, err error) {
	b.Helper()
	e, ok := errors.AsType[*providers.Error](err)
	if !ok {
		return
	}
	for _, secret := range b.h.Secrets {
		if strings.Contains(e.Message, secret) {
			b.Errorf("%s: the message holds %q: %s", what, secret, e.Message)
		}
	}
}

func nothingPrinted(t testing.TB, h Harness) {
	b := newRig(t, h)
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		text := fmt.Sprintf(verb, b.provider)
		for _, secret := range h.Secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s of the provider holds a secret: %s", verb, text)
			}
		}
	}
}
