// Package config turns the environment into one struct. It is the only reader
// of the environment: every variable is named, defaulted, checked, described
// and masked here, and all that is wrong is said in one message.
//
// An empty variable counts as one that is not set. Every secret, and every URL
// that may hold one, can also be given as NAME_FILE, the path of a file that
// holds it.
package config

//go:generate go test -run=^TestWritten$ . -args -update

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/aopay"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/providers/regnum"
	"github.com/plateq/plateq/providers/resser"
	"github.com/plateq/plateq/providers/spectrumdata"
	"github.com/plateq/plateq/store"
)

// Prefix begins the name of every variable.
const Prefix = "PLATEQ_"

// Config is what the operator said, checked and with all defaults in place.
type Config struct {
	RedisURL    URL              `env:"REDIS_URL" envDefault:"embedded" about:"redis://, rediss://, redis-sentinel://, redis-cluster://h1:p,h2:p, or embedded: in memory, no port"`
	DatabaseURL URL              `env:"DATABASE_URL" shown:"sqlite://<data dir>/plateq.db" about:"where answers are kept: sqlite://PATH for one process, postgres://USER:PASSWORD@HOST/NAME for any number"`
	DataDir     string           `env:"DATA_DIR" envDefault:"./plateq-data" about:"SQLite file, keys and spool"`
	Listen      string           `env:"LISTEN" envDefault:"127.0.0.1:8080" about:"address of the HTTP API; one that is not loopback needs an API key to exist"`
	APIRate     int              `env:"API_RATE" envDefault:"100" about:"requests a second that one API key may make, as many at once; 0: any number"`
	AdminListen string           `env:"ADMIN_LISTEN" envDefault:"127.0.0.1:8081" about:"address of /metrics and, where that is loopback, of pprof; none: nowhere"`
	TLSCert     string           `env:"TLS_CERT" about:"PEM file of the certificate with which the HTTP API speaks TLS, and of those above it; read again when it changes"`
	TLSKey      string           `env:"TLS_KEY" about:"PEM file of the key of that certificate"`
	TracesURL   URL              `env:"TRACES_URL" shown:"none" about:"collector of OpenTelemetry that is told how things hang together, by OTLP over HTTP: http://127.0.0.1:4318"`
	TracesKeys  providers.Secret `env:"TRACES_HEADERS" about:"headers that the collector asks for: name=value,name=value"`
	TracesShare float64          `env:"TRACES_SHARE" envDefault:"1" about:"which part of the traces that begin here is told of, from 0 to 1; those that a client begins, as it says"`
	LogLevel    string           `env:"LOG_LEVEL" envDefault:"info" about:"trace, debug, info, warn or error"`
	LogFormat   string           `env:"LOG_FORMAT" shown:"console on a terminal, else json" about:"console or json"`

	ServerURL URL              `env:"URL" envDefault:"http://127.0.0.1:8080" about:"where client commands find a server"`
	APIKey    providers.Secret `env:"API_KEY" about:"the key that client commands show to it"`

	EncryptionKeys providers.Secret `env:"ENCRYPTION_KEYS" shown:"made in the data dir" about:"keys that seal personal data: name:base64,name:base64, the sealing one first"`
	IndexKey       providers.Secret `env:"INDEX_KEY" shown:"made in the data dir" about:"key of the hashes by which equal questions find each other: 32 bytes in base64"`
	EnqueueKey     providers.Secret `env:"ENQUEUE_KEY" shown:"made in the data dir" about:"key for systems that enqueue directly: 32 bytes in base64"`

	DataRegion   string        `env:"DATA_REGION" about:"where the store, its backups and the data dir are kept, such as in: a store that has a region is opened in no other"`
	Purposes     []string      `env:"PURPOSES" shown:"any or none" about:"comma list of purposes; when set, a batch must name one"`
	Retention    time.Duration `env:"RETENTION" envDefault:"90d" about:"how long rows and answers of a batch are kept after its end, where it says nothing else; 0: for ever"`
	HooksAllow   []string      `env:"HOOKS_ALLOW" shown:"none" about:"comma list of internal hosts, addresses and networks to which webhooks may be sent, beside public ones"`
	ConfirmAbove Amount        `env:"CONFIRM_ABOVE" about:"ask before a list that may cost more: an amount or, where no price is set, questions"`
	BudgetDay    Amount        `env:"BUDGET_DAY" about:"stop at so much a day (UTC): an amount or, where no price is set, questions"`
	BudgetMonth  Amount        `env:"BUDGET_MONTH" about:"stop at so much a month (UTC), counted likewise"`
	Grace        time.Duration `env:"GRACE" envDefault:"45s" about:"how long calls in flight may take to end on SIGTERM"`

	// Providers are the common settings of every provider there is, enabled
	// or not, in a fixed order.
	Providers []Provider `env:"-"`
	// What is set of each in its own words.
	Attestr      attestr.Config      `env:"-"`
	Regnum       regnum.Config       `env:"-"`
	SpectrumData spectrumdata.Config `env:"-"`
	Resser       resser.Config       `env:"-"`
	AOPay        aopay.Config        `env:"-"`

	variables []Variable
}

// DefaultAdminListen is AdminListen where nothing is set.
const DefaultAdminListen = "127.0.0.1:8081"

// Nowhere as AdminListen: there are no metrics.
const Nowhere = "none"

// FromOS is Load of the environment of this process.
func FromOS() (Config, []string, error) { return Load(os.Environ()) }

// Load reads a configuration from environ, whose entries have the form
// "NAME=value". It returns warnings for people, each of one line, and one
// error that names every fault; with an error the Config is of no use. Neither
// holds the value of a secret.
func Load(environ []string) (Config, []string, error) {
	var c Config
	r := newReader(environ, c.parts())
	r.readFiles()
	for _, p := range c.parts() {
		r.parse(p)
	}
	c.enable()
	trim(c.Purposes)
	trim(c.HooksAllow)
	for i := range c.Providers {
		c.Providers[i].trim()
	}
	r.addFaults(c.faults())
	c.variables = r.variables
	if len(r.faults) > 0 {
		return Config{}, r.warnings(), &FaultsError{Faults: r.faults}
	}
	return c, r.warnings(), nil
}

// FaultsError is all that is wrong with an environment.
type FaultsError struct {
	// Faults begin with the name of the variable each.
	Faults []string
}

func (e *FaultsError) Error() string {
	if len(e.Faults) == 1 {
		return "read configuration: " + e.Faults[0]
	}
	return "read configuration: " + fmt.Sprint(len(e.Faults)) + " faults:\n  " + strings.Join(e.Faults, "\n  ")
}

// Provider returns the common settings of the named provider. False: there is
// no such provider.
func (c *Config) Provider(name string) (Provider, bool) {
	for _, p := range c.Providers {
		if p.Name == name {
			return p, true
		}
	}
	return Provider{}, false
}

// Shared reports whether the store is one that several processes may use.
func (c *Config) Shared() bool {
	return strings.HasPrefix(c.DatabaseURL.Reveal(), "postgres")
}

// Keys returns the keys of the store that the environment gives. False: it
// gives none, and they are kept in the data directory.
func (c *Config) Keys() (store.Keys, bool, error) {
	if c.EncryptionKeys == "" {
		return store.Keys{}, false, nil
	}
	seal, err1 := store.ParseSealKeys(c.EncryptionKeys.Reveal())
	index, err2 := store.ParseKey(c.IndexKey.Reveal())
	enqueue, err3 := store.ParseKey(c.EnqueueKey.Reveal())
	return store.Keys{Seal: seal, Index: index, Enqueue: enqueue}, true, errors.Join(err1, err2, err3)
}
