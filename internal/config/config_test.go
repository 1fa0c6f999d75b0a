package config_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/config"
)

var update = flag.Bool("update", false, "write .env.example and docs/configuration.md anew")

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, warnings, err := config.Load([]string{"HOME=/root", "PLATEQ_LISTEN="})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load() = %v, %q; want neither error nor warning", err, warnings)
	}
	if c.RedisURL != "embedded" || c.DataDir != "./plateq-data" || c.Listen != "127.0.0.1:8080" {
		t.Errorf("defaults: %q %q %q", c.RedisURL, c.DataDir, c.Listen)
	}
	if c.Retention != 90*24*time.Hour || c.Grace != 45*time.Second {
		t.Errorf("defaults: retention %v, grace %v", c.Retention, c.Grace)
	}
	p, ok := c.Provider("attestr")
	if !ok || p.Enabled {
		t.Fatalf("attestr: there %t, enabled %t; want there and not enabled", ok, p.Enabled)
	}
	if p.Rate != config.Learn || p.Concurrency != 4 || p.PollMin != 15*time.Second || p.PollMax != 5*time.Minute ||
		p.Deadline != 48*time.Hour || p.FreshFor != 720*time.Hour || p.FreshNotFoundFor != 24*time.Hour ||
		p.OnUnknown != config.Hold || p.DailyReset.String() != "00:00 Asia/Kolkata" || p.DailyProbe != time.Hour {
		t.Errorf("attestr: %+v", p)
	}
	if c.Attestr.BatchSize != 500 || c.Attestr.PageSize != 100 || c.Attestr.BaseURL == "" || c.Attestr.Timeout != p.Timeout {
		t.Errorf("attestr's own: %+v", c.Attestr)
	}
	if _, given, err := c.Keys(); given || err != nil {
		t.Errorf("Keys() = %t, %v; want none", given, err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	c, warnings, err := config.Load([]string{
		"PLATEQ_ATTESTR_AUTH_TOKEN=abc", "PLATEQ_ATTESTR_RATE=2.5", "PLATEQ_ATTESTR_FRESH_FOR=1d12h",
		"PLATEQ_ATTESTR_TIMEOUT=10s", "PLATEQ_ATTESTR_AMBIGUOUS_CODES=5001, 5002", "PLATEQ_ATTESTR_NOT_FOUND_TEXT=no bill, not on record",
		"PLATEQ_ATTESTR_ON_UNKNOWN=resend",
		"PLATEQ_ATTESTR_DAILY_RESET=05:30 Europe/Moscow", "PLATEQ_PURPOSES=claims, audit ",
		"PLATEQ_ATTESTR_POLL_MIN=1s", "PLATEQ_ATTESTR_BURST=7",
	})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load() = %v, %q", err, warnings)
	}
	p, _ := c.Provider("attestr")
	if !p.Enabled || p.Rate != 2.5 || p.FreshFor != 36*time.Hour || p.Burst != 7 || p.OnUnknown != config.Resend {
		t.Errorf("attestr: %+v", p)
	}
	if p.Timeout != 10*time.Second || c.Attestr.Timeout != p.Timeout {
		t.Errorf("timeout %v and %v, want 10s in both", p.Timeout, c.Attestr.Timeout)
	}
	want := []string{"5001", "5002"}
	if !slices.Equal(p.AmbiguousCodes, want) {
		t.Errorf("codes %q, want %q", p.AmbiguousCodes, want)
	}
	if got, want := p.NotFoundText, []string{"no bill", "not on record"}; !slices.Equal(got, want) {
		t.Errorf("texts %q, want %q", got, want)
	}
	if !slices.Equal(c.Purposes, []string{"claims", "audit"}) {
		t.Errorf("purposes %v", c.Purposes)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, entry, want string }{
		{"rate", "PLATEQ_ATTESTR_RATE=fast", `PLATEQ_ATTESTR_RATE: "fast" is no number of requests a second, nor learn, nor none`},
		{"rate below 0", "PLATEQ_ATTESTR_RATE=-1", `PLATEQ_ATTESTR_RATE: "-1" is no number`},
		{"rate not a number", "PLATEQ_ATTESTR_RATE=NaN", `PLATEQ_ATTESTR_RATE: "NaN" is no number`},
		{"whole number", "PLATEQ_ATTESTR_BURST=many", `PLATEQ_ATTESTR_BURST: "many" is no whole number`},
		{"duration", "PLATEQ_GRACE=45", `PLATEQ_GRACE: "45" is no duration such as 30s, 5m, 12h or 90d`},
		{"negative", "PLATEQ_GRACE=-1s", `PLATEQ_GRACE: a duration cannot be negative`},
		{"too short a retention", "PLATEQ_RETENTION=5m", `PLATEQ_RETENTION: it must be from 1h to 3650d, or 0: for ever`},
		{"no grace", "PLATEQ_GRACE=0s", `PLATEQ_GRACE: it must be more than 0`},
		{"amount", "PLATEQ_BUDGET_DAY=1,5", `PLATEQ_BUDGET_DAY: "1,5" is no amount such as 12.50`},
		{"boolean", "PLATEQ_ATTESTR_WEBHOOK=perhaps", `PLATEQ_ATTESTR_WEBHOOK: "perhaps" is neither true nor false`},
		{"choice", "PLATEQ_ATTESTR_ON_UNKNOWN=ask", `PLATEQ_ATTESTR_ON_UNKNOWN: "ask" is neither hold nor resend`},
		{"reset", "PLATEQ_ATTESTR_DAILY_RESET=midnight", `PLATEQ_ATTESTR_DAILY_RESET: "midnight" is no time and zone`},
		{"zone", "PLATEQ_ATTESTR_DAILY_RESET=00:00 Asia/Nowhere", `PLATEQ_ATTESTR_DAILY_RESET: time zone "Asia/Nowhere" is not known`},
		{"log level", "PLATEQ_LOG_LEVEL=loud", `PLATEQ_LOG_LEVEL: "loud" is none of trace, debug, info, warn, error`},
		{"region", "PLATEQ_DATA_REGION=Frankfurt am Main", `PLATEQ_DATA_REGION: it must be a name`},
		{"listen", "PLATEQ_LISTEN=8080", `PLATEQ_LISTEN: "8080" is no address such as 127.0.0.1:8080`},
		{"metrics", "PLATEQ_ADMIN_LISTEN=8081", `PLATEQ_ADMIN_LISTEN: "8081" is no address`},
		{"TLS", "PLATEQ_TLS_CERT=c.pem", `PLATEQ_TLS_CERT: it goes with PLATEQ_TLS_KEY`},
		{"URL", "PLATEQ_URL=ftp://host", `PLATEQ_URL: it must be a URL such as http://127.0.0.1:8080`},
		{"receivers", "PLATEQ_HOOKS_ALLOW=10.0.0.0/8,https://x", `PLATEQ_HOOKS_ALLOW: "https://x": it must be the name of a host, an address or a network`},
		{"Redis", "PLATEQ_REDIS_URL=localhost:6379", `PLATEQ_REDIS_URL: it must be embedded or begin with one of redis://`},
		{"database", "PLATEQ_DATABASE_URL=mysql://h/d", `PLATEQ_DATABASE_URL: it must be sqlite://PATH or postgres://`},
		{"database without keys", "PLATEQ_DATABASE_URL=postgres://h/d", `PLATEQ_ENCRYPTION_KEYS: with PostgreSQL it must be given`},
		{"keys in part", "PLATEQ_INDEX_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", `PLATEQ_ENCRYPTION_KEYS: it goes with`},
		{"key", "PLATEQ_INDEX_KEY=short", `PLATEQ_INDEX_KEY: it must be 32 bytes in base64`},
		{"poll pace", "PLATEQ_ATTESTR_POLL_MIN=1h", `PLATEQ_ATTESTR_POLL_MIN: it is longer than PLATEQ_ATTESTR_POLL_MAX`},
		{"concurrency", "PLATEQ_ATTESTR_CONCURRENCY=0", `PLATEQ_ATTESTR_CONCURRENCY: it must be 1 to 1000`},
		{"a purpose that is none", "PLATEQ_PURPOSES=claims,", `PLATEQ_PURPOSES: it holds an empty entry`},
		{"only such", "PLATEQ_PURPOSES= ", `PLATEQ_PURPOSES: it holds an empty entry`},
		{"a receiver that is none", "PLATEQ_HOOKS_ALLOW=10.0.0.0/8,", `PLATEQ_HOOKS_ALLOW: "": it must be`},
		{"a header that is none", "PLATEQ_TRACES_HEADERS=name=value,", `PLATEQ_TRACES_HEADERS: header 2 is not name=value`},
		{"blank code", "PLATEQ_ATTESTR_NOT_FOUND_CODES=17,,18", `PLATEQ_ATTESTR_NOT_FOUND_CODES: it holds an empty entry`},
		{"provider's own", "PLATEQ_ATTESTR_PAGE_SIZE=-1", `PLATEQ_ATTESTR_PAGE_SIZE: -1 is not within`},
		{"provider's token", "PLATEQ_ATTESTR_AUTH_TOKEN=Basic abc", `PLATEQ_ATTESTR_AUTH_TOKEN: must be the token alone`},
		{"secret in no file", "PLATEQ_ATTESTR_AUTH_TOKEN_FILE=/nowhere/token", `PLATEQ_ATTESTR_AUTH_TOKEN_FILE: open /nowhere/token`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := config.Load([]string{tt.entry})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load(%s) = %v, want %q in it", tt.entry, err, tt.want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, _, err := config.Load([]string{"PLATEQ_GRACE=x", "PLATEQ_ATTESTR_RATE=x", "PLATEQ_ATTESTR_TIMEOUT=x", "PLATEQ_ATTESTR_PAGE_SIZE=x"})
	fe, ok := errors.AsType[*config.FaultsError](err)
	if !ok || len(fe.Faults) != 4 {
		t.Fatalf("Load() = %v, want 4 faults", err)
	}
	if n := strings.Count(err.Error(), "\n"); n != 4 {
		t.Errorf("%d lines after the first, want 4: %v", n, err)
	}
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		also       string
		want       string // the secret
		warning    string
		fault      string
	}{
		{name: "kept well", text: "abc\n", mode: 0o600, want: "abc"},
		{name: "for its group", text: "abc\r\n", mode: 0o640, want: "abc"},
		{name: "only one newline is cut", text: "abc", mode: 0o400, want: "abc"},
		{name: "for everyone", text: "abc", mode: 0o644, want: "abc", warning: "has mode 0644"},
		{name: "given twice", text: "abc", mode: 0o600, also: "PLATEQ_ATTESTR_AUTH_TOKEN=abc", fault: "keep one of them"},
		{name: "empty", text: "\n", mode: 0o600, fault: "is empty"},
		{name: "too large", text: strings.Repeat("s", 65<<10), mode: 0o600, fault: "is larger than 64 KiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, warnings, err := config.Load([]string{"PLATEQ_ATTESTR_AUTH_TOKEN_FILE=" + write(t, tt.text, tt.mode), tt.also})
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("error %v, want %q in it", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Attestr.AuthToken.Reveal(); got != tt.want {
				t.Errorf("secret %q, want %q", got, tt.want)
			}
			if got := strings.Join(warnings, "\n"); (got != "") != (tt.warning != "") || !strings.Contains(got, tt.warning) {
				t.Errorf("warnings %q, want %q", got, tt.warning)
			}
		})
	}
}

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	_, got, err := config.Load([]string{"PLATEQ_ATESTR_RATE=1", "PLATEQ_REDIS_UR=x", "PLATEQ_SOMETHING_ELSE_AT_ALL=1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"PLATEQ_ATESTR_RATE: there is no such variable; is it PLATEQ_ATTESTR_RATE?",
		"PLATEQ_REDIS_UR: there is no such variable; is it PLATEQ_REDIS_URL?",
		"PLATEQ_SOMETHING_ELSE_AT_ALL: there is no such variable",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestNothingSecretIsShown(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry-s3cr3t"
	c, _, err := config.Load([]string{
		"PLATEQ_ATTESTR_AUTH_TOKEN=" + canary, "PLATEQ_ATTESTR_CLIENT_SECRET=" + canary, "PLATEQ_API_KEY=" + canary,
		"PLATEQ_REDIS_URL=redis://user:" + canary + "@h1:1,h2:2/0?sentinel_password=" + canary,
	})
	if err != nil {
		t.Fatal(err)
	}
	marshalled, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %v %s", c, c, c, c.Variables(), marshalled)
	if strings.Contains(shown, canary) {
		t.Errorf("a secret is shown in %s", shown)
	}
	if want := "redis://[secret]@h1:1,h2:2/0?sentinel_password=[secret]"; c.RedisURL.String() != want {
		t.Errorf("RedisURL shows as %q, want %q", c.RedisURL, want)
	}
	for _, entry := range []string{"PLATEQ_ATTESTR_AUTH_TOKEN=a b" + canary, "PLATEQ_ENCRYPTION_KEYS=" + canary,
		"PLATEQ_INDEX_KEY=" + canary, "PLATEQ_REDIS_URL=" + canary, "PLATEQ_DATABASE_URL=x://u:" + canary + "@h", "PLATEQ_URL=http://u:" + canary + "@h"} {
		if _, _, err := config.Load([]string{entry}); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("Load(%s) = %v, want a fault without the secret", entry, err)
		}
	}
}

func TestEveryVariableIsDescribed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range config.Describe() {
		if v.About == "" || seen[v.Name] || v.Set {
			t.Errorf("%+v: undescribed, described twice or set", v)
		}
		seen[v.Name] = true
	}
	if len(seen) < 40 {
		t.Errorf("%d variables are described, expected more", len(seen))
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	var r config.Reset
	if err := r.UnmarshalText([]byte("00:00 Asia/Kolkata")); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 18, 29, 59, 0, time.UTC)
	midnight := time.Date(2026, 11, 21, 18, 30, 0, 0, time.UTC)
	if got := r.Next(at); !got.Equal(midnight) {
		t.Errorf("Next(%v) = %v, want %v", at, got, midnight)
	}
	if got := r.Next(midnight); !got.Equal(midnight.Add(24 * time.Hour)) {
		t.Errorf("Next(%v) = %v, want a day later", midnight, got)
	}
}

// TestWritten compares .env.example and docs/configuration.md with what is
// generated; with -update it writes them.
func TestWritten(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{".env.example": config.Example(), "docs/configuration.md": config.Reference()} {
		path := filepath.Join("..", "..", name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got), run go generate ./internal/config:\n%s", name, diff)
		}
	}
}
