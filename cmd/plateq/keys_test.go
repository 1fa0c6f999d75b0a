package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
)

// TestKeysBeforeTheFirstStart: the store is made for them, and only a key that
// was shown is ever shown.
func TestKeysBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	out, errs := p.ok(t, 0, "keys", "create", "--name", "billing", "--scope", "submit,read", "--expires", "90d")
	var k client.NewKey
	if err := json.Unmarshal([]byte(out), &k); err != nil || !strings.HasPrefix(k.Secret, "plq_"+k.ID+"_") || k.Tenant != "default" || k.ExpiresAt == nil {
		t.Fatalf("keys create: %v, %s", err, out)
	}
	says(t, errs, "it is shown this once", "answers nobody without a key", "this key cannot make others", "next: plateq keys list")
	if strings.Contains(errs, k.Secret) {
		t.Error("the key is among what is said")
	}
	out, errs = p.ok(t, 0, "keys", "create", "--name", "ops", "--tenant", "*", "--scope", "admin", "--scope", "read")
	if strings.Contains(errs, "warning") {
		t.Errorf("another key: %s", errs)
	}
	says(t, out, `"tenant":"*"`, `"scopes":["admin","read"]`)
	out, _ = p.ok(t, 0, "keys", "revoke", k.ID)
	says(t, out, `"state":"revoked"`)
	out, _ = p.ok(t, 0, "keys", "list")
	if strings.Contains(out, "plq_") || strings.Count(out, "\n") != 2 {
		t.Errorf("keys list: %s", out)
	}
	says(t, out, `"state":"revoked"`, `"state":"valid"`, `"name":"ops"`)
	_, errs = p.ok(t, 2, "keys", "revoke", "nobody")
	says(t, errs, "there is no such API key")
	_, errs = p.ok(t, 2, "keys", "create", "--name", "x", "--scope", "write")
	says(t, errs, `there is no scope "write"`)
}

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"90d": now.AddDate(0, 0, 90), "12h": now.Add(12 * time.Hour), "2027-12-31": time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := parseExpiry(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	if got, err := parseExpiry("", now); got != nil || err != nil {
		t.Errorf("nothing: got %v, %v", got, err)
	}
	for _, text := range []string{"d", "0d", "-1d", "90", "90m", "2027-13-01", "soon", "999999999d"} {
		if got, err := parseExpiry(text, now); err == nil {
			t.Errorf("%s: got %v", text, got)
		}
	}
}
