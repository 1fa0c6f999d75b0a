package app

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// certificate is what the listener shows to those who connect. Its files are
// read again when they have changed: certificates are renewed while a server
// runs.
type certificate struct {
	cert, key string // paths of PEM files
	log       zerolog.Logger

	mu   sync.Mutex
	read [2]stamp // as the files were when they were read last
	pair *tls.Certificate
}

// stamp tells whether a file is another than before.
type stamp struct {
	changed time.Time
	size    int64
}

func newCertificate(cert, key string, log zerolog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, log: log}
	if err := c.renew(); err != nil {
		return nil, err
	}
	return c, nil
}

// renew reads the files if they are others than last time.
func (c *certificate) renew() error {
	var now [2]stamp
	for i, path := range []string{c.cert, c.key} {
		if f, err := os.Stat(path); err == nil {
			now[i] = stamp{f.ModTime(), f.Size()}
		}
	}
	if c.pair != nil && now == c.read {
		return nil
	}
	c.read = now // also if they are gone or unfit, so that it is said once
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	c.pair = &pair
	return nil
}

// current returns the newest pair that could be read: of two files one is
// always replaced first.
func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.pair
	err := c.renew()
	switch {
	case err != nil:
		c.log.Warn().Err(err).Msg("the old certificate stays in use")
	case c.pair != before:
		c.log.Info().Time("until", c.pair.Leaf.NotAfter).Msg("the certificate was read again")
	}
	return c.pair, nil
}

// secure has a listener speak TLS alone. It keeps to HTTP/1.1, for which slow
// clients and large bodies are bounded and tried.
func (c *certificate) secure(l *listener) {
	s := l.server
	l.tls = true
	s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.current}
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP1(true)
}

// insist has browsers keep to TLS for a year.
func insist(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		h.ServeHTTP(w, r)
	})
}

// serverLog is where net/http tells of what reached no handler, such as a
// client that does not trust the certificate.
type serverLog struct{ log zerolog.Logger }

func (l serverLog) Write(p []byte) (int, error) {
	l.log.Debug().Bytes("said", p).Msg("the HTTP server reports")
	return len(p), nil
}
