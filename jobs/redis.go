package jobs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
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
// Errors never hold the password.
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
	if kind.tls {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o, sentinelOptions(o, kind, u.Query())
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
		// The default of a minute is how long a failover would stall us.
		c.ClusterStateReloadInterval = time.Second
		return redis.NewClusterClient(c), nil
	}
	return redis.NewUniversalClient(o), nil
}

// CheckRedis looks for settings that would lose tasks. It refuses a Redis
// that evicts; of anything else it warns, also where it may not look.
func CheckRedis(ctx context.Context, c redis.UniversalClient) (warnings []string, err error) {
	limit, policy, err := memorySettings(ctx, c)
	if err != nil && refusedToTell(err) {
		return []string{"Redis does not let us read its settings (+info): see that maxmemory-policy is noeviction"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask Redis for its settings: %w", err)
	}
	if limit != "0" && limit != "" && policy != "noeviction" {
		return nil, fmt.Errorf("Redis evicts keys when it is full (maxmemory-policy %s): set maxmemory-policy noeviction", policy) //nolint:staticcheck // Redis is a name
	}
	if persistence, err := c.Info(ctx, "persistence").Result(); err == nil && infoField(persistence, "aof_enabled") == "0" {
		warnings = append(warnings, "Redis keeps no append-only file: after its restart the queue is rebuilt from the store; appendonly yes spares that")
	}
	return warnings, nil
}

// memorySettings asks by INFO, which hosted servers allow, and where that is
// refused by CONFIG GET.
func memorySettings(ctx context.Context, c redis.UniversalClient) (limit, policy string, err error) {
	memory, err := c.Info(ctx, "memory").Result()
	if err == nil {
		return infoField(memory, "maxmemory"), infoField(memory, "maxmemory_policy"), nil
	}
	if !refusedToTell(err) {
		return "", "", err
	}
	settings, configErr := c.ConfigGet(ctx, "maxmemory*").Result()
	if configErr != nil {
		return "", "", err
	}
	return settings["maxmemory"], settings["maxmemory-policy"], nil
}

func refusedToTell(err error) bool {
	text := err.Error()
	return strings.Contains(text, "NOPERM") || strings.Contains(text, "unknown") || strings.Contains(text, "not supported")
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return v
		}
	}
	return ""
}
