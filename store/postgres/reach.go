package postgres

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plateq/plateq/store"
)

// parseURL reads a URL. Its error holds nothing of it: where a URL is badly
// written nobody can tell which part is the password.
func parseURL(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err == nil {
		return config, nil
	}
	cause := errors.Unwrap(err)
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, &store.ReachError{Cause: file, Advice: "sslrootcert, sslcert and sslkey name files that can be read"}
	}
	if cause != nil && slices.Contains(aboutTLS, cause.Error()) {
		return nil, &store.ReachError{Cause: cause, Advice: "see to sslmode, sslrootcert, sslcert and sslkey"}
	}
	return nil, &store.ReachError{
		Cause:  errors.New("the URL cannot be read"),
		Advice: "it is postgres://USER:PASSWORD@HOST:PORT/NAME?OPTIONS, with special characters percent-encoded",
	}
}

// aboutTLS is what pgx says of a URL without quoting it.
var aboutTLS = []string{"sslmode is invalid", "unable to add CA to cert pool", `both "sslcert" and "sslkey" are required`, "failed to decode sslkey"}

// explain names what is wrong with the first connection: what has to be changed
// before there is one or, as classify does, what may pass.
func explain(err error) error {
	var advice string
	switch {
	case is[x509.HostnameError](err):
		advice = "the URL must have a host that the certificate names"
	case is[x509.UnknownAuthorityError](err):
		advice = "sslrootcert in the URL must name the certificate of the authority that signed the server's"
	case is[x509.CertificateInvalidError](err):
		advice = "the server needs another certificate, or a clock is wrong"
	case refusedTLS(err):
		advice = "turn TLS on at the server (ssl = on); without it the password goes over the network in clear"
	case code(err) == codeAuthorization && strings.Contains(err.Error(), "no encryption"):
		advice = "the server wants TLS: sslmode=verify-full in the URL"
	default:
		return classify(err)
	}
	return &store.ReachError{Cause: err, Advice: advice}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// refusedTLS reports whether the server has no TLS. pgx has no name for that.
func refusedTLS(err error) bool {
	return is[*pgconn.ConnectError](err) && strings.Contains(err.Error(), "server refused TLS connection")
}

// Ways of connecting that leave an opening, the wider ones later.
const (
	closed     = iota
	anyName    // any certificate of the authority is taken
	anybody    // any certificate is
	overheard  // there may be no TLS
	exposedEnd // of them
)

// Exposed says in one line what somebody on the way to the server could do, and
// how to end that; empty: nothing, or nobody is on the way.
func Exposed(url string) string {
	config, err := parseURL(url)
	if err != nil {
		return "" // there will be no connection
	}
	c := config.ConnConfig
	worst := opening(c.Host, c.Port, c.TLSConfig)
	for _, way := range c.Fallbacks {
		worst = max(worst, opening(way.Host, way.Port, way.TLSConfig))
	}
	danger := [exposedEnd]string{
		anyName:   "PostgreSQL may show the certificate of any machine that its authority knows",
		anybody:   "PostgreSQL may show any certificate: who stands in its place gets the password",
		overheard: "PostgreSQL may be reached without TLS: who is on the way reads the password",
	}[worst]
	if danger == "" {
		return ""
	}
	return danger + ": put sslmode=verify-full into its URL"
}

func opening(host string, port uint16, c *tls.Config) int {
	network, _ := pgconn.NetworkAddress(host, port)
	addr, err := netip.ParseAddr(host)
	switch {
	case network == "unix", host == "localhost", err == nil && addr.Unmap().IsLoopback():
		return closed
	case c == nil:
		return overheard
	case !c.InsecureSkipVerify:
		return closed
	case c.VerifyPeerCertificate == nil:
		return anybody
	}
	return anyName
}
