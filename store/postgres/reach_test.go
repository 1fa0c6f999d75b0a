package postgres_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/certtest"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
)

const password = "hunter2"

// TestTheServerIsTheOneThatTheURLNames: with sslmode=verify-full nobody else is
// spoken to, and whoever starts Plateq is told what to change.
func TestTheServerIsTheOneThatTheURLNames(t *testing.T) {
	t.Parallel()
	known, other := certtest.New(t), certtest.New(t)
	server := pgtest.StartTLS(t, known)
	right := withPassword(t, server.Schema(t))
	open(t, postgres.Options{URL: right, Keys: store.NewKeys()})

	plain := withPassword(t, pgtest.Schema(t))
	authority := url.QueryEscape(known.File)
	for name, c := range map[string]struct{ url, want string }{
		"another name":      {strings.Replace(right, "127.0.0.1", "localhost", 1), "a host that the certificate names"},
		"another authority": {strings.Replace(right, authority, url.QueryEscape(other.File), 1), "sslrootcert"},
		"no authority":      {strings.Replace(right, "&sslrootcert="+authority, "", 1), "sslrootcert"},
		"a server without TLS": {
			strings.Replace(plain, "sslmode=disable", "sslmode=verify-full&sslrootcert="+authority, 1), "turn TLS on at the server",
		},
		"a server that wants it": {strings.Replace(right, "sslmode=verify-full", "sslmode=disable", 1), "sslmode=verify-full"},
		"no such file":           {strings.Replace(right, authority, "missing.pem", 1), "missing.pem"},
	} {
		err := refused[*store.ReachError](t, postgres.Options{URL: c.url, Keys: store.NewKeys()})
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: got %v, want it to say %q and no password", name, err, c.want)
		}
		if _, err := postgres.Schema(t.Context(), c.url); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the schema is told: %v", name, err)
		}
	}
}

func withPassword(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String()
}

func TestAURLIsRefusedWithoutBeingQuoted(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"postgres://u:hunter2@h:port/n", "postgres://u:%zzhunter2@h/n", "postgres://u:p@h/n?sslmode=hunter2",
		"postgres://u:p@hunter2:99999/n", "postgres://u:hun/hunter2@h/n", "postgres://u:p@h/n?pool_max_conns=hunter2",
		"postgres://u:p@h/n?sslmode=verify-full&sslcert=hunter2", "postgres://u:p@h/n?statement_cache_capacity=hunter2", "postgres://u:p@h/n?%zz=hunter2",
	} {
		err := refused[*store.ReachError](t, postgres.Options{URL: bad, Keys: store.NewKeys()})
		if strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestWhoIsOnTheWayIsWarnedOf(t *testing.T) {
	t.Parallel()
	file := certtest.New(t).File
	const plain, anybody, anyName = "without TLS", "any certificate", "certificate of any machine"
	for url, want := range map[string]string{
		"postgres://u@db.example/n":                                                     plain, // prefer
		"postgres://u@db.example/n?sslmode=disable":                                     plain,
		"postgres://u@db.example/n?sslmode=allow":                                       plain,
		"postgres://u@db.example/n?sslmode=require":                                     anybody,
		"postgres://u@db.example/n?sslmode=require&sslrootcert=" + file:                 anyName,
		"postgres://u@db.example/n?sslmode=verify-ca&sslrootcert=" + file:               anyName,
		"postgres://u@db.example/n?sslmode=verify-full&sslrootcert=" + file:             "",
		"postgres://u@127.0.0.1,db.example/n?sslmode=disable":                           plain, // one of them is far
		"postgres://u@127.0.0.1/n":                                                      "",
		"postgres://u@localhost:5433/n?sslmode=disable":                                 "",
		"postgres://u@[::1]/n?sslmode=require":                                          "",
		"postgres://u@/n?host=/var/run/postgresql":                                      "",
		"postgres://u@10.0.0.7/n?sslmode=require&host=10.0.0.7,/var/run/postgresql":     anybody,
		"postgres://u@db.example:port/n":                                                "", // it is refused
		"postgres://u@db.example/n?sslmode=verify-full&sslrootcert=system&user=hunter2": "",
	} {
		got := postgres.Exposed(url)
		if (want == "") != (got == "") || !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
}
