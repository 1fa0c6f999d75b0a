package config

import (
	"time"

	"github.com/plateq/plateq/providers/spectrumdata"
)

func (c *Config) spectrumdata() entry {
	return entry{
		name: spectrumdata.Name,
		common: Common{
			Rate: 5, Burst: 5, Concurrency: 10, Timeout: 60 * time.Second,
			PollMin: time.Second, PollMax: 15 * time.Second, Deadline: 2 * time.Minute,
			FreshFor: 30 * day, FreshNotFoundFor: day, OnUnknown: Hold,
			DailyReset: midnightIn("Europe/Moscow"), DailyProbe: time.Hour,
		},
		own: &c.SpectrumData,
		abouts: map[string]string{
			"BASE_URL":        "everything before /user, as the contract has it; it ends in /b2b/api/v1",
			"USER":            "the user, name@domain",
			"PASSWORD":        "the user's password, which is never sent; setting it and USER enables SpectrumData",
			"REPORT_TYPE_GRZ": "uid of the report type that takes plates; without it rows cannot be asked about by plate",
			"REPORT_TYPE_VIN": "uid of the report type that takes VINs and body numbers; without it rows cannot be asked about by these",
			"QUOTA_PATTERN":   "regular expression of the types and words of errors that mean: a quota is used up",
		},
		enabled: func() bool { return c.SpectrumData.User != "" && c.SpectrumData.Password != "" },
		validate: func() error {
			own := c.SpectrumData
			if own.BaseURL == "" && own.User == "" && own.Password == "" {
				own.BaseURL, own.User, own.Password = "http://unset", "unset@unset", "unset"
				if own.ReportTypeGRZ == "" && own.ReportTypeVIN == "" {
					own.ReportTypeGRZ = "unset" // a stand-in has its own
				}
			}
			return own.Validate()
		},
	}
}
