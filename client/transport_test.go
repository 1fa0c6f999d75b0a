package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/plateq/plateq/client"
)

// TestAnErrorTellsNoQuery has requests fail whose query holds what somebody
// typed, wherever the server sends them.
func TestAnErrorTellsNoQuery(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	sent := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to+"?"+r.URL.RawQuery)
			w.WriteHeader(http.StatusFound)
		}
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc // nil: nobody listens
		cause  error            // nil: it has none that could be named
	}{
		"nobody listens":  {nil, syscall.ECONNREFUSED},
		"broken off":      {hangUp, io.EOF},
		"sent to nobody":  {sent(gone.URL + "/v1/batches"), syscall.ECONNREFUSED},
		"sent nowhere":    {sent("http://%zz/"), nil},
		"sent in a round": {sent("/v1/batches"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := gone.URL
			if tt.answer != nil {
				srv := httptest.NewServer(tt.answer)
				t.Cleanup(srv.Close)
				at = srv.URL
			}
			c, err := client.New(at, client.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, err = range c.Batches(t.Context(), client.BatchesOptions{Name: "Ivanov", Metadata: map[string]string{"passport": "4509123456"}}) {
				break
			}
			checkNoQuery(t, err)
			if tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("got %v, want one caused by %v", err, tt.cause)
			}
			if _, dialled := errors.AsType[*net.OpError](err); dialled != (tt.cause == syscall.ECONNREFUSED) { //nolint:errorlint // the very same
				t.Errorf("that %v is of a connection is %t", err, dialled)
			}
		})
	}
}

func checkNoQuery(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "reach server: GET /v1/batches: ") || strings.ContainsAny(err.Error(), "=&") ||
		strings.Contains(err.Error(), "Ivanov") || strings.Contains(err.Error(), "4509123456") {
		t.Errorf("got %v, want what was asked for, without its query", err)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		t.Errorf("what caused it has the query in it: %v", u)
	}
}

// TestACallerThatGoesIsTheCause of an error that tells no query either.
func TestACallerThatGoesIsTheCause(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	c, n := server(t, func(_ http.ResponseWriter, r *http.Request) {
		stop()
		<-r.Context().Done()
	})
	var err error
	for _, err = range c.Batches(ctx, client.BatchesOptions{Name: "Ivanov"}) {
		break
	}
	checkNoQuery(t, err)
	if !errors.Is(err, context.Canceled) || n.Load() != 1 {
		t.Errorf("got %v after %d requests, want that it was cancelled after one", err, n.Load())
	}
}

// TestWhoARequestIsSentToIsToldNoQuery of the one before.
func TestWhoARequestIsSentToIsToldNoQuery(t *testing.T) {
	t.Parallel()
	var from string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from = r.Referer()
		_, _ = io.WriteString(w, `{"items":[]}`)
	}))
	t.Cleanup(other.Close)
	c, n := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	for _, err := range c.Batches(t.Context(), client.BatchesOptions{Name: "Ivanov"}) {
		t.Fatal(err)
	}
	if n.Load() != 1 || from != "" {
		t.Errorf("sent on from %q after %d requests, want from nowhere after one", from, n.Load())
	}
}

// TestWhatIsHandedInIsSentNowhereElse: as a GET it would be answered with
// something else, and a list that nobody took would look as if it were taken.
func TestWhatIsHandedInIsSentNowhereElse(t *testing.T) {
	t.Parallel()
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(other.Close)
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		c, n := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		b, err := c.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader("plate\nDL01AA1000\n"))
		if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != status || n.Load() != 1 || asked != 0 {
			t.Errorf("%d: got %+v, %v after %d requests here and %d there, want a problem after one here", status, b, err, n.Load(), asked)
		}
	}
}

// TestACallersOwnRedirectsAreHeeded where they say more than ours.
func TestACallersOwnRedirectsAreHeeded(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }))
	t.Cleanup(srv.Close)
	never := errors.New("never")
	hc := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return never }}
	c, err := client.New(srv.URL, client.Options{HTTPClient: hc})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Healthy(t.Context()); !errors.Is(err, never) {
		t.Errorf("got %v, want what the caller says of redirects", err)
	}
}
