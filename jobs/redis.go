package jobs

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Schemes of Redis URLs, by what they mean.
type redisKind struct{ tls, sentinel, cluster bool }

var redisSchemes = map[string]redisKind{
	"redis":           {},
	"rediss":          {tls: true},
	"redis-sentinel":  {sentinel: true},
	"rediss-sentinel": {sentinel: true, tls: true},
	"redis-cluster":   {cluster: true},
	"rediss-cluster":  {cluster: true, tls: true},
}

// ParseRedisURL reads scheme://[user[:password]@]host[:port],…[/db][?options].
// With Sentinel the options master (required), sentinel_user and
// sentinel_password apply, and user and password are those of the data nodes.
// With TLS there are ca, cert and key, names of PEM files. Errors never hold
// the password.
//
// The client settings outlast a failover: see docs/redis.md.
func ParseRedisURL(raw string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	kind, known := redisSchemes[scheme]
	if !ok || !known {
		return nil, errors.New("read Redis URL: it must be embedded, or begin with redis://, rediss://, redis-sentinel:// or redis-cluster://")
	}
	hosts, u, err := cutHosts(rest)
	if err != nil {
		return nil, err
	}
	o := &redis.UniversalOptions{
		Addrs:           hosts,
		MaxRetries:      10,
		MinRetryBackoff: 50 * time.Millisecond,
		MaxRetryBackoff: 2 * time.Second,
		MaxRedirects:    16,
		DialTimeout:     time.Second,
		ReadTimeout:     2 * time.Second,
		WriteTimeout:    2 * time.Second,
		PoolSize:        60,
		IsClusterMode:   kind.cluster,
		Username:        u.User.Username(),
	}
	o.Password, _ = u.User.Password()
	if db := strings.Trim(u.Path, "/"); db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil || o.DB < 0 {
			return nil, errors.New("read Redis URL: the database after the last slash must be a number")
		}
	}
	q, err := readOptions(u, kind)
	if err != nil {
		return nil, err
	}
	if kind.tls {
		if o.TLSConfig, err = tlsOptions(q); err != nil {
			return nil, err
		}
	}
	return o, sentinelOptions(o, kind, q)
}

// readOptions refuses what it does not know: an option that is misspelt would
// leave a connection less guarded than was meant.
func readOptions(u *url.URL, kind redisKind) (url.Values, error) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("read Redis URL: the options after ? are not written as a URL wants them; percent-encode special characters")
	}
	var known []string
	if kind.tls {
		known = append(known, "ca", "cert", "key")
	}
	if kind.sentinel {
		known = append(known, "master", "sentinel_user", "sentinel_password")
	}
	for name := range q {
		if !slices.Contains(known, name) {
			// Its name is not said: it may be a part of a password that holds a question mark.
			return nil, fmt.Errorf("read Redis URL: what follows ? is no option here; there are: %s", cmp.Or(strings.Join(known, ", "), "none"))
		}
	}
	return q, nil
}

// tlsOptions reads the files that the options name: the authority to trust
// instead of those of the system, and the certificate to show.
func tlsOptions(q url.Values) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca := q.Get("ca"); ca != "" {
		body, err := os.ReadFile(ca) //nolint:gosec // the operator's own file
		if err != nil {
			return nil, fmt.Errorf("read Redis URL: option ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(body) {
			return nil, fmt.Errorf("read Redis URL: option ca: %s holds no certificate", ca)
		}
	}
	cert, key := q.Get("cert"), q.Get("key")
	if cert == "" && key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read Redis URL: options cert and key: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// cutHosts takes the list of hosts out by hand, since net/url refuses most of
// them, and leaves the rest of the URL to net/url.
func cutHosts(rest string) ([]string, *url.URL, error) {
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	user := ""
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		user, authority = authority[:i+1], authority[i+1:]
	}
	u, err := url.Parse("redis://" + user + "host" + tail)
	if err != nil {
		return nil, nil, errors.New("read Redis URL: user, password or options are not written as a URL wants them; percent-encode special characters")
	}
	var hosts []string
	for h := range strings.SplitSeq(authority, ",") {
		if h == "" {
			return nil, nil, errors.New("read Redis URL: a host is missing")
		}
		if _, _, err := net.SplitHostPort(h); err != nil {
			h = net.JoinHostPort(strings.Trim(h, "[]"), "6379")
		}
		hosts = append(hosts, h)
	}
	return hosts, u, nil
}

func sentinelOptions(o *redis.UniversalOptions, kind redisKind, q url.Values) error {
	if !kind.sentinel {
		return nil
	}
	o.MasterName = q.Get("master")
	o.SentinelUsername, o.SentinelPassword = q.Get("sentinel_user"), q.Get("sentinel_password")
	if o.MasterName == "" {
		return errors.New("read Redis URL: redis-sentinel needs ?master=NAME")
	}
	return nil
}

// OpenRedis connects to a Redis by URL. It does not wait for it to answer.
func OpenRedis(rawURL string) (redis.UniversalClient, error) {
	o, err := ParseRedisURL(rawURL)
	if err != nil {
		return nil, err
	}
	if o.IsClusterMode {
		c := o.Cluster()
		// Retries are at a node: they would go on knocking at one that is dead.
		// To ask again whose slot it is counts as a redirect.
		c.MaxRetries = -1
		// The default of a minute is how long a failover would stall us.
		c.ClusterStateReloadInterval = time.Second
		return redis.NewClusterClient(c), nil
	}
	return redis.NewUniversalClient(o), nil
}
