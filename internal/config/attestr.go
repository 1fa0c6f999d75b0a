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
			PollMin: 15 * time.Second, PollMax: 5 * time.Minute, PollPrice: 210, Deadline: 48 * time.Hour,
			FreshFor: 30 * day, FreshNotFoundFor: day, OnUnknown: Hold,
			DailyReset: midnightIn("Asia/Kolkata"), DailyProbe: time.Hour,
		},
		own: &c.Attestr,
		abouts: map[string]string{
			"BASE_URL":      "everything before the path that the documents give",
			"AUTH_TOKEN":    "the token of the account; setting it enables Attestr",
			"CLIENT_SECRET": "key of the signatures of webhooks; several, with commas between them, are all good",
			"WEBHOOK_TOKEN": "what Attestr shows when it calls the webhook; several, with commas between them, are all good",
			"WEBHOOK":       "ask for a webhook on each record that is finished; it needs the token or the secret",
			"SIGNED_FORM":   "the form of a webhook's output over which it must be signed: raw, compact, string, or any of them",
			"PAGE_SIZE":     "records that one poll asks for",
			"BATCH_SIZE":    "plates that one submit carries",
		},
		enabled: func() bool { return c.Attestr.AuthToken != "" },
		validate: func() error {
			own := c.Attestr
			if own.AuthToken == "" {
				own.AuthToken, own.WebhookToken = "unset", "unset" // a stand-in has its own
			}
			return own.Validate()
		},
	}
}
