package spectrumdata

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/plateq/plateq/providers"
)

// Config is what the operator says about SpectrumData. The tags name the
// variables below the provider's prefix; this package never reads the
// environment. Of a zero field the default of its tag is used.
type Config struct {
	// BaseURL is everything before "/user": it differs by contract and ends in
	// /b2b/api/v1. It has no default.
	BaseURL string `env:"BASE_URL"`
	// User is name@domain.
	User string `env:"USER"`
	// Password of the user. It is never sent, only hashed into tokens.
	Password providers.Secret `env:"PASSWORD"`
	// ReportTypeGRZ and ReportTypeVIN are the uids of the report type that
	// takes plates and of the one that takes VINs and body numbers. One of
	// them must be set; rows can be named in no other way.
	ReportTypeGRZ string `env:"REPORT_TYPE_GRZ"`
	ReportTypeVIN string `env:"REPORT_TYPE_VIN"`
	// Timeout bounds one call, reading of the answer included.
	Timeout time.Duration `env:"TIMEOUT" envDefault:"60s"`
	// QuotaPattern is a regular expression. An error whose type or words it
	// matches is taken to mean that a quota is used up.
	QuotaPattern string `env:"QUOTA_PATTERN" envDefault:"(?i)quot|balance|limit|квот|лимит"`
}

// Defaults of Config.
const (
	defaultTimeout      = 60 * time.Second
	defaultQuotaPattern = "(?i)quot|balance|limit|квот|лимит"
)

// withDefaults returns c with its zero fields filled.
func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.QuotaPattern == "" {
		c.QuotaPattern = defaultQuotaPattern
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
	errs = append(errs, checkBaseURL(c.BaseURL))
	fault(!isUser(c.User), "USER: must be set, as name@domain")
	fault(c.Password == "", "PASSWORD: must be set")
	fault(c.ReportTypeGRZ == "" && c.ReportTypeVIN == "", "REPORT_TYPE_GRZ or REPORT_TYPE_VIN: one must be set")
	fault(c.ReportTypeGRZ != "" && !usableUID(c.ReportTypeGRZ), "REPORT_TYPE_GRZ: is no uid such as TYPE@domain")
	fault(c.ReportTypeVIN != "" && !usableUID(c.ReportTypeVIN), "REPORT_TYPE_VIN: is no uid such as TYPE@domain")
	fault(c.Timeout < 0, "TIMEOUT: %v is negative", c.Timeout)
	if _, err := c.quotaPattern(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c Config) quotaPattern() (*regexp.Regexp, error) {
	r, err := regexp.Compile(c.QuotaPattern)
	if err != nil {
		return nil, fmt.Errorf("QUOTA_PATTERN: %w", err)
	}
	return r, nil
}

func checkBaseURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("BASE_URL: must be set, to a URL that ends in /b2b/api/v1")
	case u.User != nil || strings.ContainsAny(s, "?#"):
		return errors.New("BASE_URL: must hold no user, query or fragment")
	}
	return nil
}

// isUser reports whether s can stand in a token, where colons separate.
func isUser(s string) bool {
	unfit := func(r rune) bool { return r == ':' || unicode.IsSpace(r) || unicode.IsControl(r) }
	name, domain, ok := strings.Cut(s, "@")
	return ok && name != "" && domain != "" && !strings.ContainsFunc(s, unfit)
}

// usableUID reports whether s can be a path segment that names a report or a
// report type. A report's may hold its whole query.
func usableUID(s string) bool {
	const limit = 4096
	unfit := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar }
	return s != "" && s != "." && s != ".." && len(s) <= limit && !strings.ContainsFunc(s, unfit)
}

// isWord reports whether s reads like the type of an event. Only such a text
// becomes a code: a digit in it could be part of a plate or a passport.
func isWord(s string) bool {
	const limit = 60
	unfit := func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '_' }
	return s != "" && len(s) <= limit && !strings.ContainsFunc(s, unfit)
}
