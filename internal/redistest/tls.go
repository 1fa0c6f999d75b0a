package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority is a certificate authority of one test, and the one certificate
// that it gave out, which server and client share.
type authority struct {
	ca, cert, key string // files
	pair          tls.Certificate
	roots         *x509.CertPool
}

// StartTLS runs a redis-server that speaks TLS alone, and only with clients
// that show a certificate of the same authority.
func StartTLS(t testing.TB, args ...string) *Server {
	t.Helper()
	a := newAuthority(t)
	return start(&Server{t: t, tls: a, args: append([]string{
		"--port", "0", "--tls-ca-cert-file", a.ca, "--tls-cert-file", a.cert, "--tls-key-file", a.key,
	}, args...)})
}

// TLSOptions are the options of a URL with which a client is let in.
func (s *Server) TLSOptions() url.Values {
	return url.Values{"ca": {s.tls.ca}, "cert": {s.tls.cert}, "key": {s.tls.key}}
}

func (a *authority) client() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.roots, Certificates: []tls.Certificate{a.pair}}
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	until := time.Now().Add(time.Hour)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "redis"}, NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	must(err)
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, leafKey.Public(), rootKey)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	must(err)

	dir := t.TempDir()
	write := func(name, kind string, der []byte) (string, []byte) {
		path, body := filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		must(os.WriteFile(path, body, 0o600))
		return path, body
	}
	a := &authority{roots: x509.NewCertPool()}
	var cert, key, ca []byte
	a.ca, ca = write("ca.pem", "CERTIFICATE", rootDER)
	a.cert, cert = write("cert.pem", "CERTIFICATE", leafDER)
	a.key, key = write("key.pem", "PRIVATE KEY", keyDER)
	a.roots.AppendCertsFromPEM(ca)
	a.pair, err = tls.X509KeyPair(cert, key)
	must(err)
	return a
}
