package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/config"
)

func TestRegnumDefaults(t *testing.T) {
	t.Parallel()
	c, warned, err := config.Load(nil)
	if err != nil || len(warned) > 0 {
		t.Fatalf("got %v, %v, want neither fault nor warning", warned, err)
	}
	p, ok := c.Provider("regnum")
	if !ok || p.Enabled {
		t.Fatalf("regnum: there %t, enabled %t; want there and not enabled", ok, p.Enabled)
	}
	if p.Rate != 1 || p.Burst != 1 || p.Daily != 0 || p.Concurrency != 2 || p.Timeout != 15*time.Second ||
		p.FreshFor != 720*time.Hour || p.FreshNotFoundFor != 24*time.Hour {
		t.Errorf("regnum: %+v", p)
	}
	if own := c.Regnum; len(own.URLs) > 0 || own.Nameservice != "" || own.Format != "json" || own.Timeout != p.Timeout {
		t.Errorf("regnum's own: %+v", own)
	}
}

func TestRegnumIsEnabledByItsCredentials(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load([]string{
		"PLATEQ_REGNUM_URLS=http://one:150/run, http://two:150/run", "PLATEQ_REGNUM_ID=1", "PLATEQ_REGNUM_SECCODE=abc",
		"PLATEQ_REGNUM_FORMAT=xml", "PLATEQ_REGNUM_TIMEOUT=7s",
	})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Provider("regnum")
	if !p.Enabled || p.Timeout != 7*time.Second || c.Regnum.Timeout != p.Timeout || c.Regnum.Format != "xml" || len(c.Regnum.URLs) != 2 {
		t.Errorf("got %+v, %+v, want it enabled as it was set", p, c.Regnum)
	}
	shown := c.Variables()
	i := slices.IndexFunc(shown, func(v config.Variable) bool { return v.Name == "PLATEQ_REGNUM_SECCODE" })
	if i < 0 || !shown[i].Secret || !shown[i].File || strings.Contains(shown[i].Value, "abc") {
		t.Errorf("got %+v, want a secret that can be a file", shown)
	}
}

func TestRegnumFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ set, want string }{
		"no servers":  {"PLATEQ_REGNUM_ID=1\nPLATEQ_REGNUM_SECCODE=abc", "PLATEQ_REGNUM_URLS: must list"},
		"half a pair": {"PLATEQ_REGNUM_URLS=http://h/run\nPLATEQ_REGNUM_ID=1", "PLATEQ_REGNUM_SECCODE: must be set"},
		"with a code": {"PLATEQ_REGNUM_URLS=http://h/run?seccode=abc", "PLATEQ_REGNUM_URLS: number 1 "},
		"format":      {"PLATEQ_REGNUM_FORMAT=csv", `PLATEQ_REGNUM_FORMAT: "csv"`},
	} {
		_, _, err := config.Load(strings.Split(tc.set, "\n"))
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "abc") {
			t.Errorf("%s: got %v, want %q in it and no secret", name, err, tc.want)
		}
	}
}
