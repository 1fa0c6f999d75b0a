package redistest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Password is that of the data nodes behind Sentinels, and SentinelPassword
// that of the sentinels themselves.
const (
	Password         = "data nodes"
	SentinelPassword = "sentinels"
)

const masterName = "plateq"

// Sentinels is a master with a replica, and three sentinels that watch them:
// within two seconds of its death the replica stands in for the master.
type Sentinels struct {
	Master, Replica *Server
	sentinels       []*Server
}

// StartSentinels runs all five, and waits until each sentinel knows the
// others and the replica.
func StartSentinels(t testing.TB) *Sentinels {
	t.Helper()
	guarded := []string{"--appendonly", "yes", "--requirepass", Password, "--masterauth", Password}
	s := &Sentinels{Master: startGuarded(t, Password, guarded...)}
	s.Replica = startGuarded(t, Password, append(guarded, "--replicaof", "127.0.0.1 "+s.Master.portText())...)
	for range 3 {
		s.sentinels = append(s.sentinels, s.sentinel(t))
	}
	await(t, "sentinels to find each other", s.ready)
	return s
}

// startGuarded runs a server that wants a password.
func startGuarded(t testing.TB, password string, args ...string) *Server {
	t.Helper()
	return start(&Server{t: t, password: password, args: args})
}

// sentinel starts one. It keeps its state in a file of its own.
func (s *Sentinels) sentinel(t testing.TB) *Server {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	lines := []string{
		"sentinel monitor " + masterName + " 127.0.0.1 " + s.Master.portText() + " 2",
		"sentinel down-after-milliseconds " + masterName + " 1000",
		"sentinel failover-timeout " + masterName + " 10000",
		fmt.Sprintf("sentinel auth-pass %s %q", masterName, Password),
		fmt.Sprintf("requirepass %q", SentinelPassword),
		fmt.Sprintf("sentinel sentinel-pass %q", SentinelPassword),
	}
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(&Server{t: t, password: SentinelPassword, conf: conf, args: []string{"--sentinel"}})
}

func (s *Sentinels) ready(ctx context.Context) bool {
	for _, one := range s.sentinels {
		c := redis.NewSentinelClient(one.options())
		m, err := c.Master(ctx, masterName).Result()
		_ = c.Close() // it was only asked
		if err != nil || m["num-slaves"] != "1" || m["num-other-sentinels"] != "2" || m["flags"] != "master" {
			return false
		}
	}
	return synced(ctx, s.Replica)
}

// synced reports whether a replica has what its master has.
func synced(ctx context.Context, s *Server) bool {
	c := redis.NewClient(s.options())
	defer c.Close() //nolint:errcheck // it was only asked
	info, err := c.Info(ctx, "replication").Result()
	return err == nil && strings.Contains(info, "master_link_status:up")
}

// URL is that by which Plateq finds the master.
func (s *Sentinels) URL() string {
	addrs := make([]string, len(s.sentinels))
	for i, one := range s.sentinels {
		addrs[i] = one.Addr()
	}
	escape := strings.NewReplacer(" ", "%20")
	return "redis-sentinel://:" + escape.Replace(Password) + "@" + strings.Join(addrs, ",") +
		"/2?master=" + masterName + "&sentinel_password=" + escape.Replace(SentinelPassword)
}

// await asks again and again until it is so, for half a minute at most.
func await(t testing.TB, what string, so func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
