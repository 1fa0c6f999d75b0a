package jobs

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"
)

// RedisAdvice says what to change where Redis refuses us, or we it, however long
// one waits; empty: nothing is known to be wrong. err is why it was not reached
// by that URL.
func RedisAdvice(ctx context.Context, rawURL string, err error) string {
	refused := func(word string) bool { return strings.HasPrefix(err.Error(), word) }
	switch {
	case refused("WRONGPASS"), refused("NOAUTH"):
		return "user or password are refused"
	case caused[x509.HostnameError](err):
		return "the URL must have a host that the certificate names"
	case caused[x509.UnknownAuthorityError](err):
		return "the option ca must name the certificate of the authority that signed the server's"
	case caused[x509.CertificateInvalidError](err):
		return "the server needs another certificate, or a clock is wrong"
	case alerted(err):
		return "the options cert and key must name a certificate that the server takes"
	case plain(ctx, rawURL):
		return "there is no TLS at that port: turn it on at the server (tls-port); without it the password goes over the network in clear"
	}
	return ""
}

// alerted reports whether the server ended a handshake.
func alerted(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// plain reports whether a server of a URL that wants TLS answers without. Redis
// says nothing to the first bytes of TLS, so that all one sees is silence.
func plain(ctx context.Context, rawURL string) bool {
	o, err := ParseRedisURL(rawURL)
	if err != nil || o.TLSConfig == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	for _, addr := range o.Addrs {
		if greets(ctx, addr) {
			return true
		}
	}
	return false
}

// greets reports whether somebody at that address understands Redis' own words.
func greets(ctx context.Context, addr string) bool {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close() //nolint:errcheck // it was only asked
	until, _ := ctx.Deadline()
	if err := c.SetDeadline(until); err != nil {
		return false
	}
	said := make([]byte, 1)
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	_, err = c.Read(said)
	return err == nil && (said[0] == '+' || said[0] == '-')
}

func caused[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// RedisExposed says in one line what somebody on the way to Redis could do, and
// how to end that; empty: nothing, or nobody is on the way.
func RedisExposed(rawURL string) string {
	o, err := ParseRedisURL(rawURL)
	if err != nil || o.TLSConfig != nil {
		return "" // there will be no connection, or one with TLS
	}
	for _, addr := range o.Addrs {
		if !onThisMachine(addr) {
			return "Redis is reached without TLS: who is on the way reads the password, and can hold up work: use rediss:// in its URL"
		}
	}
	return ""
}

func onThisMachine(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
