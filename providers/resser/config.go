package resser

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
)

// Config is what the operator says about Resser. The tags name the variables
// below the provider's prefix; this package never reads the environment. Of a
// zero field the default of its tag is used; AuthHeader and AuthValue have
// none, for the document does not say how the key is sent.
type Config struct {
	// BaseURL is everything before the path that the document gives.
	BaseURL string `env:"BASE_URL" envDefault:"https://api-sync-resser.azurewebsites.net"`
	// AuthHeader is the name of the header that carries AuthValue, whole.
	AuthHeader string           `env:"AUTH_HEADER"`
	AuthValue  providers.Secret `env:"AUTH_VALUE"`
	// BatchSize is how many vehicles one call carries.
	BatchSize int `env:"BATCH_SIZE" envDefault:"500"`
	// Timeout bounds one call, reading of the answer included.
	Timeout time.Duration `env:"TIMEOUT" envDefault:"60s"`
}

// Defaults and bounds of Config.
const (
	defaultBaseURL = "https://api-sync-resser.azurewebsites.net"
	defaultTimeout = time.Minute

	maxBatchSize = 500 // documented
)

// withDefaults returns c with its zero fields filled.
func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	if c.BatchSize == 0 {
		c.BatchSize = maxBatchSize
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
	errs := []error{checkBaseURL(c.BaseURL), checkHeader(c.AuthHeader), checkValue(c.AuthValue)}
	if c.BatchSize < 1 || c.BatchSize > maxBatchSize {
		errs = append(errs, fmt.Errorf("BATCH_SIZE: %d is not within 1 to %d", c.BatchSize, maxBatchSize))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("TIMEOUT: %v is negative", c.Timeout))
	}
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

// taken are headers that say how the request itself is to be read.
var taken = []string{"Host", "Connection", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding",
	"Te", "Trailer", "Upgrade", "Expect", "Accept", "Accept-Encoding", "User-Agent"}

func checkHeader(name string) error {
	unfit := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("-_", r)
	}
	switch {
	case name == "":
		return errors.New("AUTH_HEADER: must be set: the name of the header that carries the key")
	case strings.ContainsFunc(name, unfit):
		return errors.New("AUTH_HEADER: must be the name of a header alone, such as X-Api-Key")
	case slices.Contains(taken, http.CanonicalHeaderKey(name)):
		return fmt.Errorf("AUTH_HEADER: %s has a meaning of its own", http.CanonicalHeaderKey(name))
	}
	return nil
}

func checkValue(value providers.Secret) error {
	unfit := func(r rune) bool { return r < ' ' || r > '~' }
	v := value.Reveal()
	switch {
	case v == "":
		return errors.New("AUTH_VALUE: must be set: all that the header is to hold")
	case strings.ContainsFunc(v, unfit) || strings.TrimSpace(v) != v:
		return errors.New("AUTH_VALUE: must be printable ASCII without blanks around it")
	}
	return nil
}
