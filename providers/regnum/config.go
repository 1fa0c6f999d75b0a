package regnum

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
)

// Config is what the operator says about the REGNUM service. The tags name the
// variables below the provider's prefix; this package never reads the
// environment. Of a zero field the default of its tag is used; URLs, ID and
// Seccode have none.
type Config struct {
	// URLs are the whole addresses of the servers, without a query, the one
	// that is asked first in front.
	URLs []string `env:"URLS"`
	// ID and Seccode name the client. Both travel in the query.
	ID      providers.Secret `env:"ID"`
	Seccode providers.Secret `env:"SECCODE"`
	// Nameservice is the country's service where a request names none.
	Nameservice string `env:"NAMESERVICE"`
	// Format is the form in which answers are asked for: json or xml.
	Format string `env:"FORMAT" envDefault:"json"`
	// Timeout bounds one call, over all servers that it tries.
	Timeout time.Duration `env:"TIMEOUT" envDefault:"15s"`
}

// Defaults of Config, and what Format can be.
const (
	defaultTimeout = 15 * time.Second

	formatJSON = "json"
	formatXML  = "xml"
)

// withDefaults returns c with its zero fields filled and its list tidied.
func (c Config) withDefaults() Config {
	var urls []string
	for _, u := range c.URLs {
		if u = strings.TrimSpace(u); u != "" {
			urls = append(urls, u)
		}
	}
	c.URLs = urls
	if c.Format == "" {
		c.Format = formatJSON
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return c
}

// Validate returns all faults of c in one error, each beginning with the name
// of its variable below the prefix, or nil. No value of a secret is quoted.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	fault(len(c.URLs) == 0, "URLS: must list the servers that the control panel names")
	seen := map[string]bool{}
	for i, u := range c.URLs {
		fault(!isServer(u), "URLS: number %d must be a whole URL such as http://HOST:150/bovsoft.regnum.run, without user, query or fragment", i+1)
		fault(seen[u], "URLS: number %d is there twice", i+1)
		seen[u] = true
	}
	fault(c.ID == "", "ID: must be set")
	fault(c.Seccode == "", "SECCODE: must be set")
	fault(c.Format != formatJSON && c.Format != formatXML, "FORMAT: %q is neither json nor xml", c.Format)
	fault(c.Timeout < 0, "TIMEOUT: %v is negative", c.Timeout)
	return errors.Join(errs...)
}

// isServer reports whether s can have our query put behind it. It is not
// quoted in a fault: the query of a copied URL holds the credentials.
func isServer(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") &&
		u.User == nil && !strings.ContainsAny(s, "?#")
}
