package jobs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

func TestARedisThatEvictsIsRefused(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, "--appendonly", "no", "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
	c := srv.Client()
	_, err := jobs.CheckRedis(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "noeviction") {
		t.Fatalf("got %v, want a refusal that names noeviction", err)
	}
	if err := c.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	warnings, err := jobs.CheckRedis(t.Context(), c)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "append-only") {
		t.Fatalf("got %q, %v, want one warning of the append-only file", warnings, err)
	}
}

func TestARedisThatEvictsIsRefusedWhereOnlyCONFIGIsAllowed(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
	for rights, want := range map[string]string{
		"-info":             "noeviction", // refused
		"-info -config|get": "",           // one warning
	} {
		args := []any{"ACL", "SETUSER", "guest", "on", "nopass", "~*", "+@all"}
		for right := range strings.FieldsSeq(rights) {
			args = append(args, right)
		}
		if err := srv.Client().Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
		c, err := jobs.OpenRedis(strings.Replace(srv.URL(), "://", "://guest:x@", 1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		warnings, err := jobs.CheckRedis(t.Context(), c)
		if want == "" && (err != nil || len(warnings) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v", rights, warnings, err)
		}
	}
}
