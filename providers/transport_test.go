package providers_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/plateq/plateq/providers"
)

const (
	token = "dG9rZW4tY2FuYXJ5"
	plate = "DL01AA1000"
)

func request(t *testing.T, ctx context.Context, method, to string) *http.Request {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(`{"reg":"` + plate + `"}`)
	}
	req, err := http.NewRequestWithContext(ctx, method, to+"/look?seccode="+token+"&reg="+plate, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Basic "+token)
	return req
}

// wantError checks class and code, and that the text is safe to log.
func wantError(t *testing.T, err error, class providers.Class, code string) *providers.Error {
	t.Helper()
	e, ok := errors.AsType[*providers.Error](err)
	if !ok {
		t.Fatalf("got %T (%v), want *providers.Error", err, err)
	}
	if e.Class != class || code != "" && e.Code != code {
		t.Errorf("got %v, want class %v, code %q", e, class, code)
	}
	for _, secret := range []string{token, plate, "seccode", "http://", "https://"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("text of the error holds %q: %v", secret, err)
		}
	}
	return e
}

// hangUp ends the connection of w without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestClientFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{"/again", "http://[bad " + plate} {
			var hits atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				hits.Add(1)
				w.Header().Set("Location", location)
				w.WriteHeader(status)
			}))
			answer, err := providers.NewClient(providers.ClientOptions{}).
				Do(request(t, t.Context(), http.MethodPost, srv.URL), "submit")
			srv.Close()
			if err != nil || answer.Status != status || hits.Load() != 1 {
				t.Errorf("%d to %q: got %+v, %v after %d requests, want the answer itself after one",
					status, location, answer, err, hits.Load())
			}
		}
	}
}

func TestClientSendsNothingTwice(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, key string
		free              bool
		after             int32 // connections for two more requests
	}{
		{name: "POST", method: http.MethodPost, after: 2},
		{name: "GET", method: http.MethodGet, after: 2},
		{name: "POST, keyed", method: http.MethodPost, key: "Idempotency-Key", after: 2},
		{name: "POST, x-keyed", method: http.MethodPost, key: "X-Idempotency-Key", after: 2},
		{name: "free POST", method: http.MethodPost, free: true, after: 1},
		{name: "free GET", method: http.MethodGet, free: true, after: 1},
		{name: "free POST, keyed", method: http.MethodPost, free: true, key: "Idempotency-Key", after: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var charged atomic.Int32
			var fresh atomic.Int32
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if r.Header.Get("Warm") != "" {
					return
				}
				charged.Add(1)
				hangUp(w)
			}))
			srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					fresh.Add(1)
				}
			}
			srv.Start()
			defer srv.Close()
			client := providers.NewClient(providers.ClientOptions{Free: tc.free})
			warm := func() {
				req := request(t, t.Context(), http.MethodPost, srv.URL)
				req.Header.Set("Warm", "1")
				if _, err := client.Do(req, "submit"); err != nil {
					t.Fatal(err)
				}
			}
			warm()
			req := request(t, t.Context(), tc.method, srv.URL)
			if tc.key != "" {
				req.Header.Set(tc.key, "k")
			}
			_, err := client.Do(req, "submit")
			wantError(t, err, providers.Ambiguous, "no_answer")
			if got := charged.Load(); got != 1 {
				t.Errorf("got %d charges, want 1", got)
			}
			if got := fresh.Load(); got != 1 {
				t.Errorf("got %d connections, want one that is used again", got)
			}
			warm()
			warm()
			if got := fresh.Load() - 1; got != tc.after {
				t.Errorf("got %d connections after one that broke, want %d", got, tc.after)
			}
		})
	}
}

func TestClientSendsBodyOfGET(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- strconv.FormatInt(r.ContentLength, 10) + " " + string(b)
	}))
	defer srv.Close()
	for body, want := range map[string]string{`{"a":1}`: `7 {"a":1}`, "": "0 "} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := providers.NewClient(providers.ClientOptions{}).Do(req, "read"); err != nil {
			t.Fatal(err)
		}
		if sent := <-got; sent != want {
			t.Errorf("got length and body %q, want %q", sent, want)
		}
	}
}

func TestClientUsesNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.test:3128")
	t.Setenv("http_proxy", "http://proxy.test:3128")
	var dialled string
	client := providers.NewClient(providers.ClientOptions{
		Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
			dialled = addr
			return nil, errors.New("no network here")
		},
	})
	_, err := client.Do(request(t, t.Context(), http.MethodPost, "http://provider.test"), "submit")
	wantError(t, err, providers.Unavailable, "no_connection")
	if dialled != "provider.test:80" {
		t.Errorf("got a connection to %q, want provider.test:80", dialled)
	}
}

func TestClientNotSentIsUnavailable(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := "http://" + closed.Addr().String()
	_ = closed.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	noName := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "provider.test", IsNotFound: true}}
	}
	for _, tc := range []struct {
		name, to, code string
		ctx            context.Context
		opts           providers.ClientOptions
	}{
		{name: "refused", to: refusing, code: "no_connection"},
		{name: "no such host", to: "http://provider.test", code: "no_connection", opts: providers.ClientOptions{Dial: noName}},
		{name: "certificate of nobody", to: secure.URL, code: "no_connection"},
		{name: "no TLS there", to: "https://" + strings.TrimPrefix(plain.URL, "http://"), code: "no_connection"},
		{name: "cancelled before", to: plain.URL, code: "cancelled", ctx: cancelled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx := tc.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			_, err := providers.NewClient(tc.opts).Do(request(t, ctx, http.MethodPost, tc.to), "submit")
			wantError(t, err, providers.Unavailable, tc.code)
		})
	}
}

func TestClientSentIsAmbiguous(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("x", 5000)
	for _, tc := range []struct {
		name, code string
		head       string
		cancels    bool
		serve      http.HandlerFunc
	}{
		{name: "no answer", code: "no_answer", serve: func(w http.ResponseWriter, _ *http.Request) { hangUp(w) }},
		{name: "not HTTP", code: "no_answer", serve: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(conn, plate+" "+token+"\r\n\r\n")
			_ = conn.Close()
		}},
		{name: "cut below its Content-Length", code: "cut_body", head: page, serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(page)+1))
			_, _ = io.WriteString(w, page)
		}},
		{name: "cut chunks", code: "cut_body", head: "half", serve: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			hangUp(w)
		}},
		{name: "drip", code: "cancelled", cancels: true, serve: func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, ".")
				_ = http.NewResponseController(w).Flush()
			}
		}},
		{name: "silence", code: "cancelled", cancels: true, serve: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if tc.cancels {
					cancel()
				}
				tc.serve(w, r)
			}))
			defer srv.Close()
			_, err := providers.NewClient(providers.ClientOptions{}).Do(request(t, ctx, http.MethodPost, srv.URL), "submit")
			e := wantError(t, err, providers.Ambiguous, tc.code)
			if tc.head != "" && string(e.Head) != tc.head {
				t.Errorf("got %d bytes of the body kept, want %d", len(e.Head), len(tc.head))
			}
		})
	}
}

func TestClientBoundsTheBody(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.Header.Get("Bytes"))
		_, _ = io.WriteString(w, strings.Repeat("x", n))
	}))
	defer srv.Close()
	client := providers.NewClient(providers.ClientOptions{MaxBody: 100_000})
	for n, fits := range map[int]bool{0: true, 100_000: true, 100_001: false, 1_000_000: false} {
		req := request(t, t.Context(), http.MethodPost, srv.URL)
		req.Header.Set("Bytes", strconv.Itoa(n))
		answer, err := client.Do(req, "submit")
		if fits {
			if err != nil || len(answer.Body) != n {
				t.Errorf("%d bytes: got error %v, want them all", n, err)
			}
			continue
		}
		if e := wantError(t, err, providers.Ambiguous, "long_body"); len(e.Head) != 64<<10 {
			t.Errorf("%d bytes: got %d kept, want 64 KiB", n, len(e.Head))
		}
	}
}

func TestClientReadsBodiesByContent(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	_, _ = io.WriteString(zw, `{"a":1}`)
	_ = zw.Close()
	cut := packed.Bytes()[:packed.Len()-5]
	for _, tc := range []struct {
		name, encoding string
		body           []byte
		want           string
	}{
		{"plain", "", []byte(`{"a":1}`), `{"a":1}`},
		{"plain that says gzip", "gzip", []byte(`{"a":1}`), `{"a":1}`},
		{"gzip", "gzip", packed.Bytes(), `{"a":1}`},
		{"gzip that says nothing", "", packed.Bytes(), `{"a":1}`},
		{"cut gzip", "gzip", cut, string(cut)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.encoding != "" {
					w.Header().Set("Content-Encoding", tc.encoding)
				}
				_, _ = w.Write(tc.body)
			}))
			defer srv.Close()
			answer, err := providers.NewClient(providers.ClientOptions{}).
				Do(request(t, t.Context(), http.MethodPost, srv.URL), "submit")
			if err != nil || string(answer.Body) != tc.want {
				t.Errorf("got %+v, %v, want body %q", answer, err, tc.want)
			}
		})
	}
}
