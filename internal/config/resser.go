package config

import (
	"time"

	"github.com/plateq/plateq/providers/resser"
)

func (c *Config) resser() entry {
	return entry{
		name: resser.Name,
		common: Common{
			Rate: 1, Burst: 1, Concurrency: 2, Timeout: 60 * time.Second,
			FreshFor: day, FreshNotFoundFor: day, OnUnknown: Hold,
			DailyReset: midnightIn("America/Mexico_City"), DailyProbe: time.Hour,
		},
		own: &c.Resser,
		abouts: map[string]string{
			"BASE_URL":    "everything before the path that the document gives",
			"AUTH_HEADER": "name of the header that carries the key",
			"AUTH_VALUE":  "all that this header holds; setting both enables Resser",
			"BATCH_SIZE":  "vehicles that one call carries, 500 at most",
		},
		enabled: func() bool { return c.Resser.AuthHeader != "" && c.Resser.AuthValue != "" },
		validate: func() error {
			own := c.Resser
			if own.AuthHeader == "" && own.AuthValue == "" {
				own.AuthHeader, own.AuthValue = "unset", "unset"
			}
			return own.Validate()
		},
	}
}
