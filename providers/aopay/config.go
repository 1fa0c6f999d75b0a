package aopay

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
)

// Config is what the operator of Plateq says about AOPay. The tags name the
// variables below the provider's prefix; this package never reads the
// environment. Of a zero field the default of its tag is used; only
// RegistrationID has none.
type Config struct {
	// BaseURL is everything before the path that the document gives.
	BaseURL string `env:"BASE_URL" envDefault:"https://api.aopay.co.in"`
	// RegistrationID names the customer of AOPay, and is all that it asks for.
	RegistrationID providers.Secret `env:"REGISTRATION_ID"`
	// Operator is the number of the service provider where a request names
	// none.
	Operator int `env:"OPERATOR" envDefault:"311"`
	// Timeout bounds one call, reading of the answer included.
	Timeout time.Duration `env:"TIMEOUT" envDefault:"30s"`
}

// Defaults and bounds of Config.
const (
	defaultBaseURL  = "https://api.aopay.co.in"
	defaultOperator = 311
	defaultTimeout  = 30 * time.Second

	maxOperator = 999_999_999
)

// withDefaults returns c with its zero fields filled.
func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	if c.Operator == 0 {
		c.Operator = defaultOperator
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
	errs := []error{checkBaseURL(c.BaseURL)}
	if id := c.RegistrationID.Reveal(); id == "" || strings.TrimSpace(id) != id {
		errs = append(errs, errors.New("REGISTRATION_ID: must be set, without blanks around it"))
	}
	if c.Operator < 1 || c.Operator > maxOperator {
		errs = append(errs, fmt.Errorf("OPERATOR: %d is not within 1 to %d", c.Operator, maxOperator))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("TIMEOUT: %v is negative", c.Timeout))
	}
	return errors.Join(errs...)
}

// plainPath is a path in which nothing can hide what comes behind it.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_-]+)*/?$`)

// checkBaseURL is narrow: what stands before our path must not turn it into
// another. AOPay's other paths move money.
func checkBaseURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("BASE_URL: must be a URL such as " + defaultBaseURL)
	case u.User != nil || strings.ContainsAny(s, "?#") || !plainPath.MatchString(u.EscapedPath()):
		return errors.New("BASE_URL: must hold no user, query or fragment, and a path of letters, digits, - and _ only")
	}
	return nil
}

// readOperator reads the number of an operator, in its one form.
func readOperator(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= maxOperator && strconv.Itoa(n) == s
}
