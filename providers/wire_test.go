package providers

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// A connection with TLS is used again too, until the server leaves it.
func TestASecureConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	var made atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			made.Add(1)
		}
	}
	srv.StartTLS()
	defer srv.Close()
	client := NewClient(ClientOptions{})
	client.dial.roots = x509.NewCertPool()
	client.dial.roots.AddCert(srv.Certificate())
	ask := func() {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Do(req, "submit"); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		ask()
	}
	if got := made.Load(); got != 1 {
		t.Errorf("got %d connections for three requests, want 1", got)
	}
	srv.CloseClientConnections()
	ask()
	if got := made.Load(); got != 2 {
		t.Errorf("got %d connections once the first was left, want 2", got)
	}
}

func TestNoMoreConnectionsAreKeptThanAreToBe(t *testing.T) {
	t.Parallel()
	p := pool{keep: keepFree, most: 2}
	to := server{"http", "provider.test"}
	for range 3 {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		p.put(to, newWire(ours))
	}
	held := 0
	for p.take(to) != nil {
		held++
	}
	if held != 2 {
		t.Errorf("got %d connections kept, want 2", held)
	}
}
