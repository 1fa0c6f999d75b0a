package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

func TestAPIKeyOpensForItsOwnSecret(t *testing.T) {
	t.Parallel()
	k, text := store.MakeAPIKey(store.APIKey{Name: "a"})
	other, otherText := store.MakeAPIKey(store.APIKey{Name: "b"})
	if text == otherText || k.ID == other.ID {
		t.Fatalf("two keys are alike: %q and %q", text, otherText)
	}
	id, hash, ok := store.ParseAPIKey(text)
	if !ok || id != k.ID || !k.Opens(hash) {
		t.Errorf("key %q: got id %q, %v, want %q that opens", text, id, ok, k.ID)
	}
	if other.Opens(hash) || (store.APIKey{}).Opens(hash) {
		t.Error("the secret of one key opens another")
	}
	if n := len(strings.TrimPrefix(text, "plq_"+k.ID+"_")); n*5 < 256 {
		t.Errorf("the secret has %d characters of 5 bits, want 256 bits", n)
	}
}

func TestParseAPIKeyRefuses(t *testing.T) {
	t.Parallel()
	_, text := store.MakeAPIKey(store.APIKey{})
	for name, bad := range map[string]string{
		"nothing": "", "another prefix": "x" + text, "no secret": text[:21], "half of it": text[:60], "more": text + "a",
		"capitals": strings.ToUpper(text), "a break": text + "\n", "other letters": text[:40] + "é" + text[42:], "a long one": strings.Repeat("plq_", 1<<18),
	} {
		if id, _, ok := store.ParseAPIKey(bad); ok {
			t.Errorf("%s was read as key %q", name, id)
		}
	}
}

func FuzzParseAPIKey(f *testing.F) {
	_, text := store.MakeAPIKey(store.APIKey{})
	f.Add(text)
	f.Add("plq__")
	f.Fuzz(func(t *testing.T, text string) {
		id, _, ok := store.ParseAPIKey(text)
		if ok && (len(text) != 73 || !strings.HasPrefix(text, "plq_"+id+"_")) {
			t.Errorf("%q was read as key %q", text, id)
		}
	})
}

func TestAPIKeyCounts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		key  store.APIKey
		want bool
	}{
		{"without end", store.APIKey{}, true},
		{"before its end", store.APIKey{Expires: now.Add(1)}, true},
		{"at its end", store.APIKey{Expires: now}, false},
		{"revoked", store.APIKey{Revoked: now.Add(-1), Expires: now.Add(1)}, false},
	} {
		if got := tt.key.Valid(now); got != tt.want {
			t.Errorf("a key %s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAPIKeyAllows(t *testing.T) {
	t.Parallel()
	for _, has := range store.Scopes() {
		k := store.APIKey{Scopes: store.SplitScopes(store.JoinScopes([]store.Scope{has}))}
		for _, s := range store.Scopes() {
			want := s == has || s == store.ScopeRead && has == store.ScopeReadPII
			if got := k.Allows(s); got != want {
				t.Errorf("a key with %s allows %s: got %v, want %v", has, s, got, want)
			}
		}
	}
}

func TestCheckTenant(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"default": true, "acme-2_b": true, "7": true, "": false, "*": false, "Acme": false, "-a": false, "a b": false, "a:b": false,
		strings.Repeat("a", 63): true, strings.Repeat("a", 64): false,
	} {
		if err := store.CheckTenant(name); (err == nil) != ok {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
