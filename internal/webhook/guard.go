package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Bounds of one attempt.
const (
	attemptTimeout = 15 * time.Second
	dialTimeout    = 5 * time.Second
	maxHeader      = 16 << 10 // bytes of an answer's header
	maxURL         = 2000
)

// Guard decides which receivers may be called.
type Guard struct {
	hosts []string
	nets  []netip.Prefix
}

// NewGuard returns a guard that lets pass what is public, and what is allowed:
// names of hosts, addresses, and networks such as 10.0.0.0/8. An error names
// all entries that are none of these.
func NewGuard(allow []string) (*Guard, error) {
	g := &Guard{}
	var wrong []string
	for _, entry := range allow {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if p, err := netip.ParsePrefix(entry); err == nil {
			g.nets = append(g.nets, p.Masked())
		} else if a, err := netip.ParseAddr(entry); err == nil {
			g.nets = append(g.nets, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
		} else if isName(entry) {
			g.hosts = append(g.hosts, entry)
		} else {
			wrong = append(wrong, fmt.Sprintf("%q", entry))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s: it must be the name of a host, an address or a network such as 10.0.0.0/8", strings.Join(wrong, ", "))
	}
	return g, nil
}

// isName reports whether a host can have that name. One that ends in a number
// is an address, in a form that some resolvers read.
func isName(s string) bool {
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	last := labels[len(labels)-1]
	if len(s) > 253 || last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return false
	}
	for _, l := range labels {
		odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' }
		if l == "" || len(l) > 63 || strings.ContainsFunc(l, odd) {
			return false
		}
	}
	return true
}

// NotAllowedError says that a receiver may not be called. It names no more of
// it than its kind.
type NotAllowedError struct{ Reason string }

func (e *NotAllowedError) Error() string { return e.Reason }

func notAllowed(format string, args ...any) error {
	return &NotAllowedError{Reason: fmt.Sprintf(format, args...)}
}

// CheckURL returns *NotAllowedError where nothing may be sent to a URL. It
// looks no name up: what a name leads to is judged when it is dialled.
func (g *Guard) CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || len(raw) > maxURL {
		return notAllowed("it must be a URL of at most %d characters, such as https://example.com/hook", maxURL)
	}
	if u.User != nil {
		return notAllowed("it must hold no name or password: what comes is signed")
	}
	if u.Fragment != "" {
		return notAllowed("it must have no fragment")
	}
	host := strings.ToLower(u.Hostname())
	addr, addrErr := netip.ParseAddr(host)
	switch {
	case addrErr != nil && !isName(host):
		return notAllowed("its host is neither a name nor an address in the usual form")
	case slices.Contains(g.hosts, host) || addrErr == nil && g.allows(addr):
		if u.Scheme != "https" && u.Scheme != "http" {
			return notAllowed("it must begin with https:// or http://")
		}
		return nil
	case u.Scheme != "https":
		return notAllowed("it must begin with https://; http:// is for hosts in PLATEQ_HOOKS_ALLOW")
	case u.Port() != "" && u.Port() != "443" && u.Port() != "8443":
		return notAllowed("its port must be 443 or 8443, unless its host is in PLATEQ_HOOKS_ALLOW")
	case addrErr == nil && !public(addr):
		return notAllowed("its address is not a public one, and not in PLATEQ_HOOKS_ALLOW")
	}
	return nil
}

func (g *Guard) allows(a netip.Addr) bool {
	return slices.ContainsFunc(g.nets, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// Client returns a client that calls what the guard lets pass and nothing else.
func (g *Guard) Client() *http.Client {
	open := &net.Dialer{Timeout: dialTimeout}
	guarded := &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !g.allows(to.Addr()) && !public(to.Addr()) {
			return notAllowed("the name of its host leads to an address that is not a public one, and not in PLATEQ_HOOKS_ALLOW")
		}
		return nil
	}}
	return &http.Client{
		Timeout: attemptTimeout,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, _, err := net.SplitHostPort(address)
				if err == nil && slices.Contains(g.hosts, strings.ToLower(host)) {
					return open.DialContext(ctx, network, address)
				}
				return guarded.DialContext(ctx, network, address)
			},
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    dialTimeout,
			MaxResponseHeaderBytes: maxHeader,
			MaxIdleConns:           64,
			MaxIdleConnsPerHost:    perHook,
			IdleConnTimeout:        30 * time.Second,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// special are networks that are not the internet's, or lead back from it to
// others, beside those that netip knows of.
var special = prefixes("0.0.0.0/8 100.64.0.0/10 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 " +
	"64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fec0::/10")

func prefixes(list string) []netip.Prefix {
	var all []netip.Prefix
	for p := range strings.FieldsSeq(list) {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

// public reports whether an address is one of the internet's.
func public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// reasonOf names what went wrong with an attempt that brought no answer, in a
// word that holds nothing of the receiver.
func reasonOf(err error) string {
	_, refused := errors.AsType[*NotAllowedError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	_, unknownHost := errors.AsType[*net.DNSError](err)
	switch {
	case refused:
		return ReasonNotAllowed
	case unknownHost:
		return ReasonDNS
	case isNet && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded):
		return ReasonTimeout
	default:
		return ReasonUnreachable
	}
}
