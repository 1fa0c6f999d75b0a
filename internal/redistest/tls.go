package redistest

import (
	"net/url"
	"testing"

	"github.com/plateq/plateq/internal/certtest"
)

// secured is how a server speaks TLS: it shows the pair, and lets in who shows
// it too.
type secured struct {
	by   *certtest.Authority
	pair certtest.Pair
}

// StartTLS runs a redis-server that speaks TLS alone, and only with clients
// that show a certificate of the same authority.
func StartTLS(t testing.TB, args ...string) *Server {
	t.Helper()
	by := certtest.New(t)
	s := &secured{by: by, pair: by.Issue("127.0.0.1")}
	return start(&Server{t: t, tls: s, args: append([]string{
		"--port", "0", "--tls-ca-cert-file", by.File, "--tls-cert-file", s.pair.Cert, "--tls-key-file", s.pair.Key,
	}, args...)})
}

// TLSOptions are the options of a URL with which a client is let in.
func (s *Server) TLSOptions() url.Values {
	return url.Values{"ca": {s.tls.by.File}, "cert": {s.tls.pair.Cert}, "key": {s.tls.pair.Key}}
}
