package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/doctor"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// wants demands one finding at that level whose text or cure holds each of parts,
// and that whatever is no good has a cure of one line.
func wants(t *testing.T, all []doctor.Finding, level doctor.Level, parts ...string) {
	t.Helper()
	found := false
	for _, f := range all {
		if f.Level > doctor.Well && (f.Do == "" || strings.Contains(f.Do, "\n")) {
			t.Errorf("%s: %q: what to do is %q, want a line", f.Check, f.Text, f.Do)
		}
		has := f.Level == level
		for _, p := range parts {
			has = has && strings.Contains(f.Text+" "+f.Do, p)
		}
		found = found || has
	}
	if !found {
		t.Errorf("got %+v, want a %s with %q", all, level, parts)
	}
}

func TestStoreIsJudgedByItsVitals(t *testing.T) {
	t.Parallel()
	well := store.Vitals{Server: "PostgreSQL 15.8", Schema: store.Schema{Has: 17, Knows: 17}, Size: 3 << 20, Connections: 80}
	with := func(change func(*store.Vitals)) store.Vitals {
		v := well
		change(&v)
		return v
	}
	for _, c := range []struct {
		name  string
		v     store.Vitals
		level doctor.Level
		parts []string
	}{
		{"well", well, doctor.Well, []string{"PostgreSQL 15.8", "3.0 MiB"}},
		{"empty", with(func(v *store.Vitals) { v.Schema.Has = 0 }), doctor.Note, []string{"plateq migrate"}},
		{"old", with(func(v *store.Vitals) { v.Schema.Has, v.Schema.Pending = 15, []string{"16", "17"} }), doctor.Warning, []string{"2 migrations are pending", "backup"}},
		{"new", with(func(v *store.Vitals) { v.Refusal = &store.SchemaError{Has: 18, Knows: 17} }), doctor.Fault, []string{"install the version"}},
		{"other keys", with(func(v *store.Vitals) { v.Refusal = &store.KeysError{Which: "index key"} }), doctor.Fault, []string{"index key", "give back the keys"}},
		{"moved", with(func(v *store.Vitals) { v.Refusal = &store.RegionError{Store: "in"} }), doctor.Fault, []string{"PLATEQ_DATA_REGION"}},
		{"no fsync", with(func(v *store.Vitals) { v.Lowered = []string{"fsync=off"} }), doctor.Fault, []string{"fsync=on"}},
		{"standby", with(func(v *store.Vitals) { v.Standby = true }), doctor.Fault, []string{"primary"}},
		{"rights", with(func(v *store.Vitals) { v.Lacks = []string{"TEMPORARY on the database"} }), doctor.Fault, []string{"TEMPORARY", "grant"}},
		{"superuser", with(func(v *store.Vitals) { v.Superuser = true }), doctor.Warning, []string{"a role that owns the schema"}},
		{"in clear", with(func(v *store.Vitals) { v.Clear = true }), doctor.Warning, []string{"verify-full"}},
		{"full", with(func(v *store.Vitals) { v.Connections = 3 }), doctor.Warning, []string{"3 connections", "max_connections"}},
		{"a file", with(func(v *store.Vitals) { v.Connections = -1 }), doctor.Well, []string{"version 17"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := doctor.Store(c.v)
			wants(t, all, c.level, c.parts...)
			if worst, _ := doctor.Worst(all); worst != c.level {
				t.Errorf("the worst is %s, want %s", worst, c.level)
			}
		})
	}
}

func TestClocksMayDifferByTheRoundTrip(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		there time.Duration // when the other clock was read, by ours
		trip  time.Duration
		level doctor.Level
		part  string
	}{
		{50 * time.Millisecond, 100 * time.Millisecond, doctor.Well, "agrees"},
		{3 * time.Second, 4 * time.Second, doctor.Well, "agrees"},
		{3 * time.Second, 0, doctor.Warning, "3s ahead of"},
		{-time.Minute, 0, doctor.Fault, "1m0s behind"},
	} {
		reading := store.NewClockReading(at, at.Add(c.there), at.Add(c.trip))
		wants(t, doctor.Clocks(map[string]store.ClockReading{"Redis": *reading}), c.level, "Redis", c.part)
	}
}

func TestDiskIsJudgedByItsRoom(t *testing.T) {
	t.Parallel()
	wants(t, doctor.Free("/d", doctor.Room{Free: 40 << 30, Inodes: 9}), doctor.Well, "40.0 GiB")
	wants(t, doctor.Free("/d", doctor.Room{Free: 500 << 20, Inodes: 9}), doctor.Warning, "500.0 MiB")
	wants(t, doctor.Free("/d", doctor.Room{Free: 100, Inodes: 9}), doctor.Fault, "100 bytes")
	wants(t, doctor.Free("/d", doctor.Room{Free: 40 << 30}), doctor.Fault, "inode")
	wants(t, doctor.Free("/d", doctor.Room{Free: 40 << 30, Inodes: -1, Memory: true}), doctor.Warning, "in memory")
	wants(t, doctor.Synced("/d", time.Second), doctor.Warning, "faster disk")
	dir := t.TempDir()
	wants(t, doctor.Disk(dir+"/not/made/yet"), doctor.Well, dir, "are free")
	wants(t, doctor.Disk("/dev/null/there"), doctor.Fault, "PLATEQ_DATA_DIR")
}

func TestProvidersAreJudgedByTheClassOfTheirAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		level doctor.Level
		part  string
		cause doctor.Cause
	}{
		{nil, doctor.Well, "takes the credentials", 0},
		{providers.ErrNoCheck, doctor.Note, "which is paid for", 0},
		{providers.Unauthorised, doctor.Fault, "correct the credentials", doctor.Credentials},
		{providers.OutOfCredit, doctor.Fault, "plateq gate open attestr", doctor.Credit},
		{providers.DailyLimited, doctor.Note, "knows the credentials", 0},
		{providers.Unavailable, doctor.Fault, "firewall", doctor.Credentials},
		{providers.ProviderError, doctor.Fault, "address and paths", doctor.Credentials},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("attestr check: %w", err)
		}
		f := doctor.Asked("attestr", err)
		wants(t, []doctor.Finding{f}, c.level, c.part)
		if f.Level == doctor.Fault && f.Cause != c.cause {
			t.Errorf("%v: the cause is %d, want %d", c.err, f.Cause, c.cause)
		}
	}
}

func TestARedisAcrossANetworkNeedsAPassword(t *testing.T) {
	t.Parallel()
	if all := doctor.Guard(doctor.Redis{Hosts: []string{"127.0.0.1:6379", "localhost:1"}}); len(all) != 0 {
		t.Errorf("on this machine: %+v, want nothing", all)
	}
	all := doctor.Guard(doctor.Redis{Hosts: []string{"127.0.0.1:6379", "redis:6379"}, Exposed: "somebody reads it: use rediss://"})
	wants(t, all, doctor.Warning, "password")
	wants(t, all, doctor.Note, "somebody reads it use rediss://")
}

func TestHealthAsksTheProcessItself(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
	})
	plain, secure := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	at := func(s *httptest.Server) string { return s.Listener.Addr().String() }
	_, port, _ := strings.Cut(at(plain), ":")
	for name, c := range map[string]config.Config{
		"admin":          {AdminListen: at(plain), Listen: "127.0.0.1:1"},
		"all interfaces": {AdminListen: "0.0.0.0:" + port},
		"no host":        {AdminListen: ":" + port},
		"API":            {AdminListen: config.Nowhere, Listen: at(plain)},
		"API over TLS":   {AdminListen: config.Nowhere, Listen: at(secure), TLSCert: "cert.pem"},
	} {
		if err := doctor.Health(t.Context(), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	status = http.StatusServiceUnavailable
	if err := doctor.Health(t.Context(), config.Config{AdminListen: at(plain)}); err == nil {
		t.Error("an answer of 503 counts as health")
	}
	if err := doctor.Health(t.Context(), config.Config{AdminListen: "127.0.0.1:1"}); err == nil {
		t.Error("nobody there counts as health")
	}
}

// What a start warns of is said once, also where the store says it of itself.
func TestTheWayToTheStoreIsJudgedOnce(t *testing.T) {
	t.Parallel()
	p := doctor.Patient{
		Config: config.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:8080"}, Now: time.Now, Exposed: "it is overheard: put sslmode=verify-full",
		Vitals: func(context.Context) (store.Vitals, error) { return store.Vitals{Clear: true}, nil },
	}
	all := doctor.Examine(t.Context(), p)
	wants(t, all, doctor.Warning, "it is overheard put sslmode=verify-full")
	for _, f := range all {
		if strings.Contains(f.Text, "in clear") {
			t.Errorf("it is said again: %s", f.Text)
		}
	}
}

func TestAStoreThatIsAwayIsAFault(t *testing.T) {
	t.Parallel()
	p := doctor.Patient{
		Config: config.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:8080"}, Now: time.Now,
		Vitals: func(context.Context) (store.Vitals, error) { return store.Vitals{}, errors.Join(store.ErrAway) },
	}
	all := doctor.Examine(t.Context(), p)
	wants(t, all, doctor.Fault, "see that the server runs")
	wants(t, all, doctor.Well, "embedded")
	wants(t, all, doctor.Well, "of this machine alone")
}
