package config

import (
	"time"

	"github.com/plateq/plateq/providers/aopay"
)

func (c *Config) aopay() entry {
	return entry{
		name: aopay.Name,
		common: Common{
			Rate: 1, Burst: 1, Concurrency: 2, Timeout: 30 * time.Second,
			FreshFor: day, FreshNotFoundFor: day, OnUnknown: Hold,
			DailyReset: midnightIn("Asia/Kolkata"), DailyProbe: time.Hour,
		},
		own: &c.AOPay,
		abouts: map[string]string{
			"BASE_URL":        "everything before the one path that is called",
			"REGISTRATION_ID": "the customer's registration; setting it enables AOPay",
			"OPERATOR":        "number of the service provider where neither a row nor --set names one; for a FASTag its bank",
		},
		enabled: func() bool { return c.AOPay.RegistrationID != "" },
		validate: func() error {
			own := c.AOPay
			if own.RegistrationID == "" {
				own.RegistrationID = "unset"
			}
			return own.Validate()
		},
	}
}
