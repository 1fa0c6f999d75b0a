package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/config"
)

func TestResserDefaults(t *testing.T) {
	t.Parallel()
	c, warned, err := config.Load(nil)
	p, ok := c.Provider("resser")
	if err != nil || len(warned) > 0 || !ok || p.Enabled {
		t.Fatalf("got %v, %v, there %t, enabled %t; want it there and not enabled", err, warned, ok, p.Enabled)
	}
	if p.Rate != 1 || p.Burst != 1 || p.Daily != 0 || p.Concurrency != 2 || p.Timeout != time.Minute ||
		p.FreshFor != 24*time.Hour || p.FreshNotFoundFor != 24*time.Hour {
		t.Errorf("resser: %+v", p)
	}
	if own := c.Resser; own.BatchSize != 500 || own.BaseURL == "" || own.Timeout != p.Timeout {
		t.Errorf("resser's own: %+v", own)
	}
}

func TestResserIsEnabledByItsCredentials(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load([]string{"PLATEQ_RESSER_AUTH_HEADER=X-Api-Key", "PLATEQ_RESSER_AUTH_VALUE=abc", "PLATEQ_RESSER_BATCH_SIZE=20"})
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := c.Provider("resser"); !p.Enabled || c.Resser.BatchSize != 20 {
		t.Errorf("got %+v, %+v, want it enabled as it was set", p, c.Resser)
	}
	wantSecret(t, c, "PLATEQ_RESSER_AUTH_VALUE", "abc")
}

// wantSecret wants a variable to be shown as a secret that can be a file.
func wantSecret(t *testing.T, c config.Config, name, value string) {
	t.Helper()
	shown := c.Variables()
	i := slices.IndexFunc(shown, func(v config.Variable) bool { return v.Name == name })
	if i < 0 || !shown[i].Secret || !shown[i].File || strings.Contains(shown[i].Value, value) {
		t.Errorf("got %+v, want %s to be a secret that can be a file", shown, name)
	}
}

func TestResserFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ set, want string }{
		"header alone": {"PLATEQ_RESSER_AUTH_HEADER=X-Api-Key", "PLATEQ_RESSER_AUTH_VALUE: must be set"},
		"value alone":  {"PLATEQ_RESSER_AUTH_VALUE=abc", "PLATEQ_RESSER_AUTH_HEADER: must be set"},
		"batch size":   {"PLATEQ_RESSER_BATCH_SIZE=501", "PLATEQ_RESSER_BATCH_SIZE: 501"},
		"base URL":     {"PLATEQ_RESSER_BASE_URL=api.example", "PLATEQ_RESSER_BASE_URL: must be a URL"},
	} {
		_, _, err := config.Load([]string{tc.set})
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "abc") {
			t.Errorf("%s: got %v, want %q in it and no secret", name, err, tc.want)
		}
	}
}
