package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/config"
)

func TestSpectrumDataDefaults(t *testing.T) {
	t.Parallel()
	c, warned, err := config.Load(nil)
	if err != nil || len(warned) > 0 {
		t.Fatalf("got %v, %v, want neither fault nor warning", warned, err)
	}
	p, ok := c.Provider("spectrumdata")
	if !ok || p.Enabled {
		t.Fatalf("spectrumdata: there %t, enabled %t; want there and not enabled", ok, p.Enabled)
	}
	if p.Rate != 5 || p.Burst != 5 || p.Daily != 0 || p.Concurrency != 10 || p.Timeout != time.Minute || p.PollMin != time.Second ||
		p.PollMax != 15*time.Second || p.Deadline != 2*time.Minute || p.FreshFor != 720*time.Hour || p.FreshNotFoundFor != 24*time.Hour {
		t.Errorf("spectrumdata: %+v", p)
	}
	if own := c.SpectrumData; own.BaseURL != "" || own.Timeout != p.Timeout || own.QuotaPattern != "(?i)quot|balance|limit|квот|лимит" {
		t.Errorf("spectrumdata's own: %+v", own)
	}
}

func TestSpectrumDataIsEnabledByItsCredentials(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load([]string{
		"PLATEQ_SPECTRUMDATA_BASE_URL=https://b2b.example/b2b/api/v1", "PLATEQ_SPECTRUMDATA_USER=a@b", "PLATEQ_SPECTRUMDATA_PASSWORD=abc",
		"PLATEQ_SPECTRUMDATA_REPORT_TYPE_VIN=t@b", "PLATEQ_SPECTRUMDATA_TIMEOUT=7s",
	})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Provider("spectrumdata")
	if !p.Enabled || p.Timeout != 7*time.Second || c.SpectrumData.Timeout != p.Timeout || c.SpectrumData.ReportTypeVIN != "t@b" {
		t.Errorf("got %+v, %+v, want it enabled as it was set", p, c.SpectrumData)
	}
	shown := c.Variables()
	i := slices.IndexFunc(shown, func(v config.Variable) bool { return v.Name == "PLATEQ_SPECTRUMDATA_PASSWORD" })
	if i < 0 || !shown[i].Secret || !shown[i].File || strings.Contains(shown[i].Value, "abc") {
		t.Errorf("got %+v, want a secret that can be a file", shown)
	}
}

func TestSpectrumDataFaults(t *testing.T) {
	t.Parallel()
	const good = "PLATEQ_SPECTRUMDATA_BASE_URL=https://b2b.example\nPLATEQ_SPECTRUMDATA_USER=a@b\n"
	for name, tc := range map[string]struct{ set, want string }{
		"no URL":         {"PLATEQ_SPECTRUMDATA_USER=a@b\nPLATEQ_SPECTRUMDATA_PASSWORD=abc", "PLATEQ_SPECTRUMDATA_BASE_URL: must be set"},
		"half a pair":    {good, "PLATEQ_SPECTRUMDATA_PASSWORD: must be set"},
		"no report type": {good + "PLATEQ_SPECTRUMDATA_PASSWORD=abc", "PLATEQ_SPECTRUMDATA_REPORT_TYPE_GRZ or REPORT_TYPE_VIN: one must be set"},
		"bad user":       {"PLATEQ_SPECTRUMDATA_USER=abc\nPLATEQ_SPECTRUMDATA_PASSWORD=abc", "PLATEQ_SPECTRUMDATA_USER: must be set, as name@domain"},
		"pattern":        {"PLATEQ_SPECTRUMDATA_QUOTA_PATTERN=(", "PLATEQ_SPECTRUMDATA_QUOTA_PATTERN: "},
	} {
		_, _, err := config.Load(strings.Split(strings.TrimSpace(tc.set), "\n"))
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "abc") {
			t.Errorf("%s: got %v, want %q in it and no secret", name, err, tc.want)
		}
	}
}
