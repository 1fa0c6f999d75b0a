package providertest

import (
	"bytes"
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

// encodings are other ways to write a body, or to say how it is written.
var encodings = map[string]func(http.Header, []byte) []byte{
	"UTF-16":            func(_ http.Header, body []byte) []byte { return utf16LE(body) },
	"Latin-1":           func(_ http.Header, body []byte) []byte { return append([]byte("\xe9"), body...) },
	"byte order mark":   func(_ http.Header, body []byte) []byte { return append([]byte("\ufeff"), body...) },
	"gzip in name only": func(header http.Header, body []byte) []byte { header.Set("Content-Encoding", "gzip"); return body },
	"two documents":     func(_ http.Header, body []byte) []byte { return append(append([]byte{}, body...), body...) },
	"wrong type":        func(header http.Header, body []byte) []byte { header.Set("Content-Type", "text/html"); return body },
	"wrong charset": func(header http.Header, body []byte) []byte {
		header.Set("Content-Type", "application/json; charset=windows-1251")
		return body
	},
}

// otherEncoding: each of these may be read or not, but not as something else.
func otherEncoding(t testing.TB, h Harness) {
	for name, change := range encodings {
		b := newRig(t, h)
		want := b.submit(t.Context())
		b.serve(rewrite(h.Happy(), change))
		for i, o := range b.submit(t.Context()) {
			if got := classOf(o); got != providers.Ambiguous && !sameOutcome(o, want[i]) {
				t.Errorf("%s: got %v (%v), want ambiguous or %v", name, got, o.Err, classOf(want[i]))
			}
		}
		if b.spec.Pending {
			b.otherEncodingOfPoll(name, change)
		}
	}
}

func (b *rig) otherEncodingOfPoll(name string, change func(http.Header, []byte) []byte) {
	b.Helper()
	b.serve(b.h.Happy())
	want := b.finish(b.submit(b.Context()), same)
	upstream := b.h.Happy()
	b.serve(upstream)
	ticket := b.submit(b.Context())[0].Ticket
	b.serve(rewrite(upstream, change))
	for range maxPolls {
		got, err := b.poll(*ticket)
		if err != nil {
			if c := errorClass(err); c != providers.Ambiguous {
				b.Errorf("poll, %s: got %v, want ambiguous or progress", name, err)
			}
			return
		}
		for _, o := range got.Outcomes {
			if !sameOutcome(o, want[o.Ref]) {
				b.Errorf("poll, %s: got %+v for %q, want %+v", name, o, o.Ref, want[o.Ref])
			}
		}
		ticket = &got.Ticket
	}
}

// sameOutcome compares class and content; tickets differ between upstreams.
func sameOutcome(a, b providers.Outcome) bool {
	if classOf(a) != classOf(b) || (a.Record == nil) != (b.Record == nil) {
		return false
	}
	return a.Record == nil || bytes.Equal(a.Record.Result, b.Record.Result)
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
	b.serveFunc(func(w http.ResponseWriter, r *http.Request) { stall(w, r, "{", cancel) })
	b.wantAll(ctx, "body that does not end", providers.Ambiguous)
}

// stall begins an answer, unless begin is empty, lets the client be cancelled
// and never goes on.
func stall(w http.ResponseWriter, r *http.Request, begin string, cancel func()) {
	drain(r)
	if begin != "" {
		_, _ = io.WriteString(w, begin)
		_ = http.NewResponseController(w).Flush()
	}
	cancel()
	<-r.Context().Done()
}

// plainly answers with that status, which net/http would not send if it were
// 101 or made no sense.
func plainly(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // nobody to tell
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
	}
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
