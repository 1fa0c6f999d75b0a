package config

import (
	"time"

	"github.com/plateq/plateq/providers/regnum"
)

func (c *Config) regnum() entry {
	return entry{
		name: regnum.Name,
		common: Common{
			Rate: 1, Burst: 1, Concurrency: 2, Timeout: 15 * time.Second,
			FreshFor: 30 * day, FreshNotFoundFor: day, OnUnknown: Hold,
			DailyReset: midnightIn("UTC"), DailyProbe: time.Hour,
		},
		own: &c.Regnum,
		abouts: map[string]string{
			"URLS":        "comma list of the servers, whole URLs from the control panel, the first choice first",
			"ID":          "the client's id; setting it and SECCODE enables REGNUM",
			"SECCODE":     "the client's secret code",
			"NAMESERVICE": "the country's service, as the control panel names it, where neither a row nor --set names one",
			"FORMAT":      "form of the answers that are asked for: json or xml",
		},
		enabled: func() bool { return c.Regnum.ID != "" && c.Regnum.Seccode != "" },
		validate: func() error {
			own := c.Regnum
			if len(own.URLs) == 0 && own.ID == "" && own.Seccode == "" {
				own.URLs, own.ID, own.Seccode = []string{"http://unset"}, "unset", "unset"
			}
			return own.Validate()
		},
	}
}
