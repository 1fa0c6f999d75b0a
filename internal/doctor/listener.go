package doctor

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/plateq/plateq/internal/config"
)

const checkListener = "listener"

// renewBefore is when whoever renews certificates should long have done so.
const renewBefore = 14 * 24 * time.Hour

// Keyless says why no server starts at an address while there is no API key;
// nil: only this machine reaches it.
func Keyless(listen string) error {
	if Local(listen) {
		return nil
	}
	return fmt.Errorf("PLATEQ_LISTEN: %q can be reached from other machines, and there is no API key yet, so that no server starts there: make one (plateq keys create), or use 127.0.0.1", listen)
}

// Listener looks at where the API listens, at who may ask it there, and at what
// it shows. keys is how many API keys there are; negative: nobody knows.
func Listener(c config.Config, keys int, now time.Time) []Finding {
	var all []Finding
	if c.TLSCert != "" {
		all = append(all, certificate(c, now))
	}
	if err := Keyless(c.Listen); err != nil && keys == 0 {
		all = append(all, exposure(checkListener, Warning, err.Error())...) // workers start all the same
	}
	if !Local(c.Listen) && c.TLSCert == "" {
		all = append(all, Finding{
			Check: checkListener, Level: Note, Text: fmt.Sprintf("PLATEQ_LISTEN %s can be reached by others, and speaks no TLS: keys and answers pass in clear", c.Listen),
			Do: "put a proxy that ends TLS before it, or set PLATEQ_TLS_CERT and PLATEQ_TLS_KEY",
		})
	}
	if len(all) == 0 {
		all = append(all, Finding{Check: checkListener, Text: fmt.Sprintf("PLATEQ_LISTEN %s is of this machine alone", c.Listen)})
	}
	return all
}

func certificate(c config.Config, now time.Time) Finding {
	f := Finding{Check: checkListener}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	switch {
	case err != nil:
		f.Level, f.Cause = Fault, Settings
		f.Text, f.Do = fmt.Sprintf("the certificate cannot be used: %v", reason(err)), "see that PLATEQ_TLS_CERT and PLATEQ_TLS_KEY are PEM files that belong together and can be read"
	case now.After(pair.Leaf.NotAfter):
		f.Level = Fault
		f.Text, f.Do = fmt.Sprintf("the certificate has ended on %s", pair.Leaf.NotAfter.Format(time.DateOnly)), renew
	case now.Before(pair.Leaf.NotBefore):
		f.Level = Fault
		f.Text, f.Do = fmt.Sprintf("the certificate begins on %s", pair.Leaf.NotBefore.Format(time.DateOnly)), "set this machine's clock, or use the certificate before it"
	case now.Add(renewBefore).After(pair.Leaf.NotAfter):
		f.Level = Warning
		f.Text, f.Do = fmt.Sprintf("the certificate ends on %s", pair.Leaf.NotAfter.Format(time.DateOnly)), renew
	default:
		f.Text = fmt.Sprintf("the certificate is good until %s", pair.Leaf.NotAfter.Format(time.DateOnly))
	}
	return f
}

const renew = "put a new one in the place of its files: it is read without a restart"

// Local reports whether host:port is of this machine alone.
func Local(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
