package archtest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSecretsAreComparedInConstantTime shows that the rule notices what it is
// there for, and leaves the rest alone.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		"a.Token == token", "mac != want", "string(sum) == x", "k.Hash == other", "hex.EncodeToString(m.Sum(nil)) == x", "x == (apiKey)",
		"signature[:8] == x", "bytes.Equal(mac, x)", "strings.EqualFold(x, o.password)", "*token == x",
	} {
		text := "package api\nimport (\"bytes\"; \"strings\")\nvar _ = " + expression
		got := findings(t, map[string]string{"internal/api/x.go": text})
		if len(got) != 1 || !strings.HasPrefix(got[0], "internal/api/x.go:3: ") {
			t.Errorf("%s: findings %q, want one", expression, got)
		}
	}
	for _, expression := range []string{
		`token == ""`, "mac == nil", "len(token) == n", "len(all) == maxKeys", "a == b", "hmac.Equal(mac, want)", "subtle.ConstantTimeCompare(a, token) == 1",
		"bytes.Equal(a, b)", "tokens < n", `hash == [32]byte{}`, "tokenCount == n",
	} {
		got := findings(t, map[string]string{"internal/api/x.go": "package api\nimport \"bytes\"\nvar _ = " + expression})
		if diff := cmp.Diff([]string(nil), got); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", expression, diff)
		}
	}
}

// TestOpenComparisonsAreThere: an exception ends with what it was made for.
func TestOpenComparisonsAreThere(t *testing.T) {
	t.Parallel()
	m, err := Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	c := newChecker(m)
	c.check()
	for _, o := range opens {
		if o.Why == "" {
			t.Errorf("%s: %s: without a reason", o.File, o.Text)
		}
		if !c.open[o] {
			t.Errorf("%s: there is no %s", o.File, o.Text)
		}
	}
}
