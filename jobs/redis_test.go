package jobs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
)

func TestParseRedisURL(t *testing.T) {
	t.Parallel()
	type want struct {
		Addrs              []string
		User, Password     string
		DB                 int
		TLS, Cluster       bool
		Master             string
		SentUser, SentPass string
	}
	for _, c := range []struct {
		url  string
		want want
	}{
		{"redis://localhost", want{Addrs: []string{"localhost:6379"}}},
		{"redis://:p%40ss@h:7000/3", want{Addrs: []string{"h:7000"}, Password: "p@ss", DB: 3}},
		{"rediss://u:p@h", want{Addrs: []string{"h:6379"}, User: "u", Password: "p", TLS: true}},
		{"redis://[::1]:7000", want{Addrs: []string{"[::1]:7000"}}},
		{"redis://[::1]", want{Addrs: []string{"[::1]:6379"}}},
		{"redis-cluster://h1,h2:7001,[::1]:7002", want{Addrs: []string{"h1:6379", "h2:7001", "[::1]:7002"}, Cluster: true}},
		{"rediss-cluster://h1:1", want{Addrs: []string{"h1:1"}, Cluster: true, TLS: true}},
		{
			"redis-sentinel://u:p@s1:26379,s2:26379/2?master=main&sentinel_user=su&sentinel_password=sp",
			want{Addrs: []string{"s1:26379", "s2:26379"}, User: "u", Password: "p", DB: 2, Master: "main", SentUser: "su", SentPass: "sp"},
		},
	} {
		o, err := jobs.ParseRedisURL(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		got := want{o.Addrs, o.Username, o.Password, o.DB, o.TLSConfig != nil, o.IsClusterMode, o.MasterName, o.SentinelUsername, o.SentinelPassword}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.url, d)
		}
	}
}

func TestParseRedisURLRefusesWithoutThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "localhost:6379", "http://h", "redis://", "redis://:hunter2@", "redis://:hunter2@a,,b",
		"redis://:hunter2@h/notanumber", "redis://:hunter2@h/-1", "redis-sentinel://:hunter2@h", "redis://:hun%zzter2@h",
		"redis://:x?hunter2@h", "redis://h?ca=hunter2", "redis-sentinel://h?master=m&masters=hunter2", "rediss://h?ca=%zzhunter2",
	} {
		_, err := jobs.ParseRedisURL(url)
		if err == nil {
			t.Errorf("%q was taken", url)
		} else if strings.Contains(err.Error(), "hun") {
			t.Errorf("%q: the error holds the password: %v", url, err)
		}
	}
}

func FuzzParseRedisURL(f *testing.F) {
	f.Add("redis://u:p@h:1/0")
	f.Add("redis-cluster://a,b:1,[::1]")
	f.Add("redis-sentinel://h?master=m")
	f.Fuzz(func(t *testing.T, url string) {
		o, err := jobs.ParseRedisURL(url)
		if err == nil && len(o.Addrs) == 0 {
			t.Errorf("%q has no host", url)
		}
	})
}

func TestFilesOfTLSThatCannotBeReadAreNamed(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		"ca=missing.pem": "option ca",
		"ca=" + empty:    "holds no certificate",
		"cert=" + empty:  "options cert and key",
		"key=" + empty:   "options cert and key",
	} {
		if _, err := jobs.ParseRedisURL("rediss://h?" + options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", options, err, want)
		}
	}
}

// opened connects to a Redis and demands that it answers.
func opened(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	c, err := jobs.OpenRedis(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRedisBySentinels(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinels(t)
	c := opened(t, s.URL())
	if warnings, err := jobs.CheckRedis(t.Context(), c); err != nil || len(warnings) != 0 {
		t.Errorf("%q, %v; want no word", warnings, err)
	}
	s.Master.Kill()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Errorf("after a failover: %v", err)
	}
}

func TestEveryMasterOfAClusterIsLookedAt(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	c := opened(t, cluster.URL())
	if warnings, err := jobs.CheckRedis(t.Context(), c); err != nil || len(warnings) != 0 {
		t.Errorf("%q, %v; want no word", warnings, err)
	}
	last := cluster.Masters[len(cluster.Masters)-1].Client()
	for _, set := range [][2]string{{"maxmemory", "50mb"}, {"maxmemory-policy", "allkeys-lru"}} {
		if err := last.ConfigSet(t.Context(), set[0], set[1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := jobs.CheckRedis(t.Context(), c); err == nil || !strings.Contains(err.Error(), "noeviction") {
		t.Errorf("got %v, want a refusal that names noeviction", err)
	}
}
