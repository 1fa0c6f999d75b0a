package app_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"github.com/plateq/plateq/internal/app"
)

// TestAServiceSpeaksTLS with the files of its configuration, and does not start
// without them.
func TestAServiceSpeaksTLS(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	d := newDesk(t, u, "PLATEQ_LISTEN=127.0.0.1:0")
	d.env = append(d.env, "PLATEQ_TLS_CERT="+d.path("cert.pem"), "PLATEQ_TLS_KEY="+d.path("key.pem"))
	if a, err := app.Open(t.Context(), d.options(), app.Worker|app.Scheduler|app.Server); app.ExitCode(err) != app.ExitUsage {
		if err == nil {
			a.Close()
		}
		t.Fatalf("without the files: %v, want exit %d", err, app.ExitUsage)
	}
	trusting := d.certify()
	a, err := app.Open(t.Context(), d.options(), app.Worker|app.Scheduler|app.Server)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	defer func() {
		cancel()
		wg.Wait()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := trusting.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("status %d, headers %v; want 200 and Strict-Transport-Security", resp.StatusCode, resp.Header)
	}
}

// certify writes the files of a certificate, and returns a client that trusts
// it.
func (d *desk) certify() *http.Client {
	d.t.Helper()
	srv := httptest.NewTLSServer(nil)
	d.t.Cleanup(srv.Close)
	pair := srv.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		d.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(d.path(name), pem.EncodeToMemory(block), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	return srv.Client()
}
