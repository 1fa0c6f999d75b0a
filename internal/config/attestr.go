package config

import (
	"time"

	"github.com/plateq/plateq/providers/attestr"
)

func (c *Config) attestr() entry {
	return entry{
		name: attestr.Name,
		common: Common{
			Rate: Learn, Burst: 1, Concurrency: 4, Timeout: 30 * time.Second,
			PollMin: 15 * time.Second, PollMax: 5 * time.Minute, Deadline: 48 * time.Hour,
			FreshFor: 30 * day, FreshNotFoundFor: day, OnUnknown: Hold,
			DailyReset: midnightIn("Asia/Kolkata"), DailyProbe: time.Hour,
		},
		own: &c.Attestr,
		abouts: map[string]string{
			"BASE_URL":      "everything before the path that the documents give",
			"AUTH_TOKEN":    "the token of the account; setting it enables Attestr",
			"CLIENT_SECRET": "key of the signatures of webhooks",
			"WEBHOOK_TOKEN": "what Attestr shows when it calls the webhook",
			"WEBHOOK":       "ask for a webhook on each record that is finished",
			"PAGE_SIZE":     "records that one poll asks for",
			"BATCH_SIZE":    "plates that one submit carries",
		},
		enabled: func() bool { return c.Attestr.AuthToken != "" },
		validate: func() error {
			own := c.Attestr
			if own.AuthToken == "" {
				own.AuthToken = "unset"
			}
			return own.Validate()
		},
	}
}
