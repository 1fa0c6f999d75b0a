package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/api"
)

// issue makes a certificate of that number for 127.0.0.1, which is its own
// authority.
func issue(t *testing.T, number int64) (cert, key []byte) {
	t.Helper()
	of := &x509.Certificate{
		SerialNumber: big.NewInt(number), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// put writes a file that is an hour newer each time: clocks of file systems are
// coarse.
func put(t *testing.T, path string, body []byte) {
	t.Helper()
	at := time.Now()
	if f, err := os.Stat(path); err == nil {
		at = f.ModTime().Add(time.Hour)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// secured serves with the certificate that the files hold; the log is read when
// the server has ended.
func secured(t *testing.T, cert, key string, said *bytes.Buffer) (addr string, end func()) {
	t.Helper()
	c, err := newCertificate(cert, key, zerolog.New(said))
	if err != nil {
		t.Fatal(err)
	}
	on, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{on: on, server: api.NewServer(insist(http.NotFoundHandler()))}
	l.server.ErrorLog = log.New(serverLog{zerolog.Nop()}, "", 0)
	c.secure(l)
	ended := make(chan error)
	go func() { ended <- l.serve() }()
	return on.Addr().String(), func() {
		if err := l.server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestACertificateIsRenewedWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	firstCert, firstKey := issue(t, 1)
	nextCert, nextKey := issue(t, 2)
	put(t, cert, firstCert)
	put(t, key, firstKey)
	var said bytes.Buffer
	addr, end := secured(t, cert, key, &said)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(firstCert)
	roots.AppendCertsFromPEM(nextCert)
	shown := func() int64 {
		t.Helper()
		tr := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}
		defer tr.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := resp.Header.Get("Strict-Transport-Security"); got == "" {
			t.Error("browsers are not told to keep to TLS")
		}
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	for _, step := range []struct {
		name string
		do   func()
		want int64
	}{
		{"at first", func() {}, 1},
		{"with the new certificate and the old key", func() { put(t, cert, nextCert) }, 1},
		{"with both new", func() { put(t, key, nextKey) }, 2},
		{"with a damaged key", func() { put(t, key, nextKey[:len(nextKey)/2]) }, 2},
		{"without the files", func() { os.Remove(cert) }, 2},
	} {
		step.do()
		for range 2 {
			if got := shown(); got != step.want {
				t.Errorf("%s: certificate %d is shown, want %d", step.name, got, step.want)
			}
		}
	}
	end()
	if got := strings.Count(said.String(), "the old certificate stays"); got != 3 {
		t.Errorf("%d warnings, want one each for files that do not fit, are damaged and are gone:\n%s", got, &said)
	}
}

func TestTLSIsSpokenAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, keyPath := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := issue(t, 1)
	put(t, path, cert)
	put(t, keyPath, key)
	var said bytes.Buffer
	addr, end := secured(t, path, keyPath, &said)
	defer end()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	old := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if c, err := (&tls.Dialer{Config: old}).DialContext(t.Context(), "tcp", addr); err == nil {
		c.Close()
		t.Error("TLS 1.1 is spoken")
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: status %d, want 400", resp.StatusCode)
	}
}
