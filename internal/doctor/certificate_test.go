package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/doctor"
)

const day = 24 * time.Hour

func TestCertificateIsJudgedByItsTime(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := config.Config{Listen: "0.0.0.0:8443"}
	c.TLSCert, c.TLSKey = certify(t, begin, begin.Add(90*day))
	for _, at := range []struct {
		now   time.Time
		level doctor.Level
		part  string
	}{
		{begin.Add(-day), doctor.Fault, "begins on 2026-01-01"},
		{begin.Add(day), doctor.Well, "good until 2026-04-01"},
		{begin.Add(80 * day), doctor.Warning, "ends on 2026-04-01"},
		{begin.Add(91 * day), doctor.Fault, "has ended on 2026-04-01"},
	} {
		wants(t, doctor.Listener(c, 1, at.now), at.level, at.part)
	}
	_, c.TLSKey = certify(t, begin, begin.Add(day))
	wants(t, doctor.Listener(c, 1, begin), doctor.Fault, "belong together")
	c.TLSCert = filepath.Join(t.TempDir(), "none.pem")
	wants(t, doctor.Listener(c, 1, begin), doctor.Fault, "cannot be used")
	wants(t, doctor.Listener(config.Config{Listen: "0.0.0.0:8080"}, 1, begin), doctor.Note, "in clear")
}

// A server does not start where others reach it without a key: so it is said
// before, in the same words, and only where it is known.
func TestListenerOfOthersNeedsAKey(t *testing.T) {
	t.Parallel()
	for _, l := range []struct {
		listen string
		keys   int
		closed bool
	}{
		{"0.0.0.0:8080", 0, true}, {"[fd00::1]:8080", 0, true}, {":8080", 0, true}, {"0.0.0.0:8080", 1, false}, {"0.0.0.0:8080", -1, false},
		{"127.0.0.1:8080", 0, false}, {"[::1]:8080", 0, false}, {"[::ffff:127.0.0.1]:8080", 0, false}, {"localhost:8080", 0, false},
	} {
		all := doctor.Listener(config.Config{Listen: l.listen}, l.keys, time.Now())
		if l.closed {
			wants(t, all, doctor.Warning, doctor.Keyless(l.listen).Error()[:60], "plateq keys create")
		}
		if worst, _ := doctor.Worst(all); (worst == doctor.Warning) != l.closed {
			t.Errorf("%s with %d keys: %+v", l.listen, l.keys, all)
		}
	}
}

// certify writes a certificate for a time, and returns its files.
func certify(t *testing.T, from, until time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: []string{"localhost"}}
	body, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: body}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
