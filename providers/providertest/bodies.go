package providertest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/plateq/plateq/providers"
)

// rewrite serves what h serves, with another body. change may set headers.
func rewrite(h http.Handler, change func(http.Header, []byte) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		header := w.Header()
		maps.Copy(header, rec.Header())
		header.Del("Content-Length")
		body := change(header, rec.Body.Bytes())
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body)
	}
}

// cutAt serves so much of what h serves, with the Content-Length of that.
func cutAt(h http.Handler, share float64) http.HandlerFunc {
	return rewrite(h, func(_ http.Header, body []byte) []byte {
		trimmed := strings.TrimSpace(string(body))
		return []byte(trimmed[:int(float64(len(trimmed))*share)])
	})
}

func truncated(t testing.TB, h Harness) {
	b := newRig(t, h)
	const cuts = 40
	for i := range cuts {
		share := float64(i) / cuts
		b.serve(cutAt(h.Happy(), share))
		b.wantAll(t.Context(), fmt.Sprintf("cut at %.3f of the body", share), providers.Ambiguous)
	}
	b.serve(rewrite(h.Happy(), func(header http.Header, body []byte) []byte {
		header.Set("Content-Length", strconv.Itoa(len(body)+10))
		return body
	}))
	b.wantAll(t.Context(), "body shorter than its Content-Length", providers.Ambiguous)
}

func oversized(t testing.TB, h Harness) {
	b := newRig(t, h)
	endless := func(w http.ResponseWriter, _ *http.Request) {
		blanks := []byte(strings.Repeat(" ", 1<<20))
		for range 1 << 10 { // a gibibyte, if somebody reads on
			if _, err := w.Write(blanks); err != nil {
				return
			}
		}
		t.Errorf("a gibibyte was read")
	}
	b.serveFunc(endless)
	b.wantAll(t.Context(), "body without end", providers.Ambiguous)
	if ticket, ok := b.ticket(); ok {
		b.serveFunc(endless)
		if _, err := b.poll(ticket); errorClass(err) != providers.Ambiguous {
			t.Errorf("poll: got %v, want ambiguous", err)
		}
	}
}

// otherEncoding: each of these may be read or not, but not as something else.
func otherEncoding(t testing.TB, h Harness) {
	b := newRig(t, h)
	want := b.submit(t.Context())
	for name, change := range map[string]func(http.Header, []byte) []byte{
		"UTF-16":            func(_ http.Header, body []byte) []byte { return utf16LE(body) },
		"Latin-1":           func(_ http.Header, body []byte) []byte { return append([]byte("\xe9"), body...) },
		"byte order mark":   func(_ http.Header, body []byte) []byte { return append([]byte("\ufeff"), body...) },
		"gzip in name only": func(header http.Header, body []byte) []byte { header.Set("Content-Encoding", "gzip"); return body },
		"two documents":     func(_ http.Header, body []byte) []byte { return append(append([]byte{}, body...), body...) },
		"wrong type":        func(header http.Header, body []byte) []byte { header.Set("Content-Type", "text/html"); return body },
	} {
		b.serve(rewrite(h.Happy(), change))
		for i, o := range b.submit(t.Context()) {
			if got := classOf(o); got != providers.Ambiguous && got != classOf(want[i]) {
				t.Errorf("%s: got %v (%v), want ambiguous or %v", name, got, o.Err, classOf(want[i]))
			}
		}
	}
}

func utf16LE(body []byte) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(string(body))) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func slowBody(t testing.TB, h Harness) {
	b := newRig(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	b.serveFunc(func(w http.ResponseWriter, r *http.Request) {
		drain(r)
		_, _ = io.WriteString(w, `{`)
		_ = http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	})
	b.wantAll(ctx, "body that does not end", providers.Ambiguous)
}

// drain reads the body of r, so that the server can see the client leave.
func drain(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// closedURL returns the URL of a port on which nobody listens.
func closedURL(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // closed for good
	return "http://" + l.Addr().String()
}
