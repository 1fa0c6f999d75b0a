package jobs_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/internal/certtest"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
)

// TestRedisByTLSAsAUserOfItsOwn: nobody else is spoken to, and whoever starts
// Plateq is told what to change.
func TestRedisByTLSAsAUserOfItsOwn(t *testing.T) {
	t.Parallel()
	srv, plain := redistest.StartTLS(t, "--user", "plateq", "on", ">hunter2", "~*", "&*", "+@all"), redistest.Start(t)
	files := srv.TLSOptions()
	at := func(addr, password string, options url.Values) string {
		return "rediss://plateq:" + password + "@" + addr + "/3?" + options.Encode()
	}
	with := func(name, value string) url.Values {
		v := url.Values{"ca": files["ca"], "cert": files["cert"], "key": files["key"]}
		v.Set(name, value)
		return v
	}
	const silent = "a server without TLS"
	opened(t, at(srv.Addr(), "hunter2", files))
	for name, c := range map[string]struct{ url, want string }{
		"another password":      {at(srv.Addr(), "other-hunter2", files), "user or password"},
		"no certificate":        {at(srv.Addr(), "hunter2", url.Values{"ca": files["ca"]}), "cert and key"},
		"the authority of all":  {at(srv.Addr(), "hunter2", url.Values{"cert": files["cert"], "key": files["key"]}), "option ca"},
		"another authority":     {at(srv.Addr(), "hunter2", with("ca", certtest.New(t).File)), "option ca"},
		"another name":          {at(strings.Replace(srv.Addr(), "127.0.0.1", "localhost", 1), "hunter2", files), "a host that the certificate names"},
		silent:                  {at(plain.Addr(), "hunter2", files), "there is no TLS at that port"},
		"without TLS, to a TLS": {"redis://plateq:hunter2@" + srv.Addr(), ""},
	} {
		err := refusal(t, c.url, name == silent)
		if err == nil {
			t.Errorf("%s is let in", name)
			continue
		}
		if got := jobs.RedisAdvice(t.Context(), c.url, err); !strings.Contains(got, c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v: %q, want it to say %q and no password", name, err, got, c.want)
		}
	}
}

// refusal is why one attempt to speak with a Redis fails. One that says nothing
// is not waited for.
func refusal(t *testing.T, url string, silent bool) error {
	t.Helper()
	o, err := jobs.ParseRedisURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxRetries, o.DialerRetries, o.DialTimeout = -1, 1, 10*time.Second
	if silent {
		o.DialTimeout = 100 * time.Millisecond
	}
	c := redis.NewUniversalClient(o)
	defer c.Close()
	return c.Ping(t.Context()).Err()
}

func TestWhoIsOnTheWayToRedisIsWarnedOf(t *testing.T) {
	t.Parallel()
	for url, exposed := range map[string]bool{
		"redis://redis.example":                       true,
		"redis://:p@10.0.0.7:6379/1":                  true,
		"redis://127.0.0.1,10.0.0.7":                  true, // one of them is far
		"redis-sentinel://s1.example:26379?master=m":  true,
		"redis-cluster://[fd00::1]:7000":              true,
		"rediss://redis.example":                      false,
		"rediss-sentinel://s1.example:26379?master=m": false,
		"redis://localhost":                           false,
		"redis://127.0.0.1:7000,127.0.0.9:7001":       false,
		"redis-cluster://[::1]:7000":                  false,
		"redis://h/badly:written":                     false, // it is refused
	} {
		if got := jobs.RedisExposed(url); (got != "") != exposed || strings.Contains(got, "\n") {
			t.Errorf("%s: got %q, want a warning: %t", url, got, exposed)
		}
	}
}
