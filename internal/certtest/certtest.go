// Package certtest makes certificate authorities for tests, and what they give
// out. Everything is in files that end with the test, as servers and clients
// want it.
package certtest

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
	"os"
	"path/filepath"
	"testing"
	"time"
)

// life is how long a certificate is good, from an hour ago on.
const life = 2 * time.Hour

// Authority is a certificate authority of one test.
type Authority struct {
	// File holds its certificate.
	File string

	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64 // serial number that was given out
}

// Pair is a certificate with its key, as names of files.
type Pair struct{ Cert, Key string }

// New makes an authority.
func New(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: t.TempDir(), key: newKey(t), last: 1}
	of := a.template("authority of a test")
	of.IsCA, of.BasicConstraintsValid, of.KeyUsage = true, true, x509.KeyUsageCertSign
	a.cert = a.sign(of, of, a.key.Public())
	a.File = a.write("authority.pem", "CERTIFICATE", a.cert.Raw)
	return a
}

// Issue gives out a certificate for names and addresses, which a server may
// show and a client too.
func (a *Authority) Issue(names ...string) Pair {
	a.t.Helper()
	a.last++
	of := a.template("a test's") // of the authority's name it would be taken for one that signed itself
	of.KeyUsage = x509.KeyUsageDigitalSignature
	of.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			of.IPAddresses = append(of.IPAddresses, ip)
		} else {
			of.DNSNames = append(of.DNSNames, name)
		}
	}
	key := newKey(a.t)
	cert := a.sign(of, a.cert, key.Public())
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	number := cert.SerialNumber.String()
	return Pair{
		Cert: a.write("cert"+number+".pem", "CERTIFICATE", cert.Raw),
		Key:  a.write("key"+number+".pem", "PRIVATE KEY", der),
	}
}

// Client trusts the authority, and shows the pairs to who asks for one.
func (a *Authority) Client(show ...Pair) *tls.Config {
	a.t.Helper()
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	c.RootCAs.AddCert(a.cert)
	for _, p := range show {
		pair, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			a.t.Fatal(err)
		}
		c.Certificates = append(c.Certificates, pair)
	}
	return c
}

func (a *Authority) template(name string) *x509.Certificate {
	from := time.Now().Add(-life / 2) // clocks differ
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.last), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: from.Add(life),
	}
}

func (a *Authority) sign(of, by *x509.Certificate, public any) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, of, by, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func (a *Authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
