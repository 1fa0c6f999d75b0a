package attestr

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
)

// Config is what the operator says about Attestr. The tags name the variables
// below the provider's prefix; this package never reads the environment. Of a
// zero field the default of its tag is used; only AuthToken has none.
type Config struct {
	// BaseURL is everything before the path that the documents give.
	BaseURL string `env:"BASE_URL" envDefault:"https://api.attestr.com"`
	// AuthToken is sent verbatim after "Basic ".
	AuthToken providers.Secret `env:"AUTH_TOKEN"`
	// ClientSecret is the key of the signatures of webhooks. Several, with
	// commas between them, are all good.
	ClientSecret providers.Secret `env:"CLIENT_SECRET"`
	// WebhookToken is what Attestr shows when it calls our webhook. Several,
	// with commas between them, are all good.
	WebhookToken providers.Secret `env:"WEBHOOK_TOKEN"`
	// Webhook asks for a webhook on each record that is finished. It needs a
	// ClientSecret or a WebhookToken.
	Webhook bool `env:"WEBHOOK"`
	// SignedForm is the form of a webhook's output over which it must be
	// signed: "raw", "compact" or "string"; "any" takes each of them.
	SignedForm string `env:"SIGNED_FORM" envDefault:"any"`
	// PageSize is how many records one poll asks for.
	PageSize int `env:"PAGE_SIZE" envDefault:"100"`
	// BatchSize is how many plates one submit carries.
	BatchSize int `env:"BATCH_SIZE" envDefault:"500"`
	// Timeout bounds one call, reading of the answer included.
	Timeout time.Duration `env:"TIMEOUT" envDefault:"30s"`
}

// Defaults and bounds of Config.
const (
	defaultBaseURL   = "https://api.attestr.com"
	defaultPageSize  = 100
	defaultBatchSize = 500
	defaultTimeout   = 30 * time.Second

	maxPageSize  = 10_000
	maxBatchSize = 10_000
)

// withDefaults returns c with its zero fields filled.
func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	if c.SignedForm == "" {
		c.SignedForm = formAny
	}
	if c.PageSize == 0 {
		c.PageSize = defaultPageSize
	}
	if c.BatchSize == 0 {
		c.BatchSize = defaultBatchSize
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
	errs = append(errs, checkBaseURL(c.BaseURL), checkToken(c.AuthToken))
	fault(c.Webhook && len(list(c.WebhookToken))+len(list(c.ClientSecret)) == 0,
		"WEBHOOK: it needs WEBHOOK_TOKEN or CLIENT_SECRET, without which a webhook cannot be told from a forged one")
	fault(c.SignedForm != formAny && !slices.Contains(forms(), c.SignedForm),
		"SIGNED_FORM: %q is none of %s, %s", c.SignedForm, formAny, strings.Join(forms(), ", "))
	fault(c.PageSize < 1 || c.PageSize > maxPageSize, "PAGE_SIZE: %d is not within 1 to %d", c.PageSize, maxPageSize)
	fault(c.BatchSize < 1 || c.BatchSize > maxBatchSize, "BATCH_SIZE: %d is not within 1 to %d", c.BatchSize, maxBatchSize)
	fault(c.Timeout < 0, "TIMEOUT: %v is negative", c.Timeout)
	return errors.Join(errs...)
}

func checkBaseURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("BASE_URL: must be a URL such as " + defaultBaseURL)
	case u.User != nil || strings.ContainsAny(s, "?#"):
		return errors.New("BASE_URL: must hold no user, query or fragment")
	}
	return nil
}

func checkToken(token providers.Secret) error {
	unfit := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case token == "":
		return errors.New("AUTH_TOKEN: must be set")
	case strings.ContainsFunc(token.Reveal(), unfit):
		return errors.New(`AUTH_TOKEN: must be the token alone, without "Basic" and without blanks`)
	}
	return nil
}
