package config

import (
	"fmt"
	"maps"
	"math"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/plateq/plateq/internal/webhook"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// faults returns what is wrong beyond single values that cannot be read.
func (c *Config) faults() []string {
	var l faultList
	l.oneOf("LOG_LEVEL", c.LogLevel, "trace", "debug", "info", "warn", "error")
	l.oneOf("LOG_FORMAT", c.LogFormat, "", "console", "json")
	l.add(c.Grace == 0, "GRACE", "it must be more than 0")
	l.add(c.Retention != 0 && (c.Retention < store.MinRetention || c.Retention > store.MaxRetention), "RETENTION", "it must be from 1h to 3650d, or 0: for ever")
	l.add((c.TLSCert == "") != (c.TLSKey == ""), "TLS_CERT", "it goes with "+Prefix+"TLS_KEY: set both or none")
	l.add(strings.ContainsFunc(c.DataRegion, notInName) || len(c.DataRegion) > maxRegion, "DATA_REGION", "it must be a name of at most 32 small letters, digits and hyphens")
	l.address("LISTEN", c.Listen)
	l.add(c.APIRate < 0, "API_RATE", "it must be 0 or more")
	if c.AdminListen != Nowhere {
		l.address("ADMIN_LISTEN", c.AdminListen)
	}
	l.server(c.ServerURL)
	l.traces(c)
	l.add(slices.Contains(c.Purposes, ""), "PURPOSES", emptyEntry)
	l.receivers(c.HooksAllow)
	l.redis(c.RedisURL)
	l.database(c)
	l.keys(c)
	for _, p := range c.Providers {
		l.common(p)
		l.price(p)
	}
	l.currencies(c)
	for _, e := range c.entries() {
		l.joined(e.prefix(), e.validate())
	}
	return l
}

// emptyEntry is wrong with a list in which there is a comma too many: among
// purposes it would be one that every batch names.
const emptyEntry = "it holds an empty entry"

// maxRegion bounds the name of a region.
const maxRegion = 32

func notInName(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-", r) }

// faultList collects faults; its methods take variables without the prefix.
type faultList []string

func (l *faultList) add(bad bool, variable, text string) {
	if bad {
		*l = append(*l, Prefix+variable+": "+text)
	}
}

func (l *faultList) oneOf(variable, value string, allowed ...string) {
	named := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
	l.add(!slices.Contains(allowed, value), variable, fmt.Sprintf("%q is none of %s", value, strings.Join(named, ", ")))
}

// address: something is listened on there.
func (l *faultList) address(variable, listen string) {
	_, port, err := net.SplitHostPort(listen)
	l.add(err != nil || port == "", variable, fmt.Sprintf("%q is no address such as 127.0.0.1:8080", listen))
}

func (l *faultList) server(u URL) {
	parsed, err := url.Parse(u.Reveal())
	ok := err == nil && parsed.Host != "" && (parsed.Scheme == "http" || parsed.Scheme == "https")
	l.add(!ok, "URL", "it must be a URL such as http://127.0.0.1:8080")
	l.add(ok && (parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != ""), "URL", "it must hold no user, query or fragment")
}

func (l *faultList) receivers(allow []string) {
	_, err := webhook.NewGuard(allow)
	l.add(err != nil, "HOOKS_ALLOW", fmt.Sprint(err))
}

func (l *faultList) redis(u URL) {
	if u == "embedded" {
		return
	}
	scheme, rest, ok := strings.Cut(u.Reveal(), "://")
	schemes := []string{"redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster"}
	l.add(!ok || rest == "" || !slices.Contains(schemes, scheme), "REDIS_URL",
		"it must be embedded or begin with one of "+strings.Join(schemes, "://, ")+"://")
}

func (l *faultList) database(c *Config) {
	if c.DatabaseURL == "" {
		return
	}
	scheme, rest, ok := strings.Cut(c.DatabaseURL.Reveal(), "://")
	known := slices.Contains([]string{"sqlite", "postgres", "postgresql"}, scheme)
	l.add(!ok || !known || rest == "", "DATABASE_URL", "it must be sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME")
	l.add(c.Shared() && c.EncryptionKeys == "", "ENCRYPTION_KEYS",
		"with PostgreSQL it must be given, with "+Prefix+"INDEX_KEY and "+Prefix+"ENQUEUE_KEY, the same to every process: plateq config --make-keys prints new ones")
}

func (l *faultList) keys(c *Config) {
	given := 0
	for _, k := range []string{c.EncryptionKeys.Reveal(), c.IndexKey.Reveal(), c.EnqueueKey.Reveal()} {
		if k != "" {
			given++
		}
	}
	l.add(given == 1 || given == 2, "ENCRYPTION_KEYS",
		"it goes with "+Prefix+"INDEX_KEY and "+Prefix+"ENQUEUE_KEY: set all three or none")
	if c.EncryptionKeys != "" {
		_, err := store.ParseSealKeys(c.EncryptionKeys.Reveal())
		l.add(err != nil, "ENCRYPTION_KEYS", fmt.Sprint(err))
	}
	l.key("INDEX_KEY", c.IndexKey)
	l.key("ENQUEUE_KEY", c.EnqueueKey)
}

func (l *faultList) key(variable string, key providers.Secret) {
	if key != "" {
		_, err := store.ParseKey(key.Reveal())
		l.add(err != nil, variable, fmt.Sprint(err))
	}
}

func (l *faultList) common(p Provider) {
	prefix := strings.ToUpper(p.Name) + "_"
	l.add(p.Burst < 1, prefix+"BURST", "it must be at least 1")
	l.add(p.Daily < 0, prefix+"DAILY", "it cannot be negative")
	l.add(p.Concurrency < 1 || p.Concurrency > maxConcurrency, prefix+"CONCURRENCY", fmt.Sprintf("it must be 1 to %d", maxConcurrency))
	l.add(p.Timeout == 0, prefix+"TIMEOUT", "it must be more than 0")
	l.add(p.PollMin > p.PollMax, prefix+"POLL_MIN", "it is longer than "+Prefix+prefix+"POLL_MAX")
	l.add(math.IsNaN(p.PollPrice) || p.PollPrice < 0 || p.PollPrice > maxPollPrice, prefix+"POLL_PRICE", fmt.Sprintf("it must be 0 to %d", maxPollPrice))
	for _, variable := range slices.Sorted(maps.Keys(p.lists())) {
		l.add(slices.Contains(p.lists()[variable], ""), prefix+variable, emptyEntry)
	}
	l.add(p.DailyProbe == 0, prefix+"DAILY_PROBE", "it must be more than 0")
}

// maxPollPrice is where every poll waits for the longest pause.
const maxPollPrice = 1_000_000

// maxConcurrency is far above what a provider bears and keeps a slip of the
// finger from opening that many connections.
const maxConcurrency = 1000

// joined adds each part of a joined error; they begin with the variable
// below prefix.
func (l *faultList) joined(prefix string, err error) {
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		*l = append(*l, Prefix+prefix+strings.TrimSpace(line))
	}
}
