package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/config"
)

func TestAOPayDefaults(t *testing.T) {
	t.Parallel()
	c, warned, err := config.Load(nil)
	p, ok := c.Provider("aopay")
	if err != nil || len(warned) > 0 || !ok || p.Enabled {
		t.Fatalf("got %v, %v, there %t, enabled %t; want it there and not enabled", err, warned, ok, p.Enabled)
	}
	if p.Rate != 1 || p.Burst != 1 || p.Daily != 0 || p.Concurrency != 2 || p.Timeout != 30*time.Second ||
		p.FreshFor != 24*time.Hour || p.FreshNotFoundFor != 24*time.Hour || len(p.NotFoundCodes)+len(p.NotFoundText) > 0 {
		t.Errorf("aopay: %+v", p)
	}
	if own := c.AOPay; own.Operator != 311 || own.BaseURL == "" || own.Timeout != p.Timeout {
		t.Errorf("aopay's own: %+v", own)
	}
}

func TestAOPayIsEnabledByItsCredentials(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load([]string{
		"PLATEQ_AOPAY_REGISTRATION_ID=AOP-abc", "PLATEQ_AOPAY_OPERATOR=42",
		"PLATEQ_AOPAY_NOT_FOUND_CODES=2", "PLATEQ_AOPAY_NOT_FOUND_TEXT=no bill",
	})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Provider("aopay")
	if !p.Enabled || c.AOPay.Operator != 42 || !slices.Equal(p.NotFoundCodes, []string{"2"}) || !slices.Equal(p.NotFoundText, []string{"no bill"}) {
		t.Errorf("got %+v, %+v, want it enabled as it was set", p, c.AOPay)
	}
	wantSecret(t, c, "PLATEQ_AOPAY_REGISTRATION_ID", "abc")
}

func TestAOPayFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ set, want string }{
		"operator":         {"PLATEQ_AOPAY_OPERATOR=bank", `PLATEQ_AOPAY_OPERATOR: "bank" is no whole number`},
		"operator below 1": {"PLATEQ_AOPAY_OPERATOR=-3", "PLATEQ_AOPAY_OPERATOR: -3 is not within"},
		"base URL":         {"PLATEQ_AOPAY_BASE_URL=https://api.example/api/AOP/DoRecharge#", "PLATEQ_AOPAY_BASE_URL: must hold no"},
	} {
		_, _, err := config.Load([]string{tc.set})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, tc.want)
		}
	}
}
