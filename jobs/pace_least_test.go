package jobs_test

import (
	"testing"
	"time"

	"github.com/plateq/plateq/jobs"
)

func TestTheLeastTimeKeepsPaceAndQuota(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 6, 18, 0, 0, 0, time.UTC)
	tonight := now.Add(6 * time.Hour)
	for name, c := range map[string]struct {
		pace            jobs.Pace
		requests, daily int
		want            time.Duration
		ok              bool
	}{
		"by its rate":                {jobs.Pace{Rate: 2}, 10, 0, 5 * time.Second, true},
		"nothing":                    {jobs.Pace{Rate: 2}, 0, 0, 0, true},
		"unlimited":                  {jobs.Pace{Rate: jobs.Unlimited}, 10, 0, 0, false},
		"not learnt yet":             {jobs.Pace{Learnt: true}, 10, 0, 0, false},
		"within the quota":           {jobs.Pace{Rate: 1, Used: 90, Until: tonight}, 10, 100, 10 * time.Second, true},
		"the rest tomorrow":          {jobs.Pace{Rate: 1, Used: 90, Until: tonight}, 30, 100, 6*time.Hour + 20*time.Second, true},
		"days of it":                 {jobs.Pace{Rate: 1, Used: 90, Until: tonight}, 260, 100, 6*time.Hour + 48*time.Hour + 50*time.Second, true},
		"a day that nobody has seen": {jobs.Pace{Rate: 1}, 150, 100, 24*time.Hour + 50*time.Second, true},
		"all is used":                {jobs.Pace{Rate: 1, Used: 100, Until: tonight}, 1, 100, 6*time.Hour + time.Second, true},
	} {
		got, ok := c.pace.Least(c.requests, c.daily, now)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: got %s, %t, want %s, %t", name, got, ok, c.want, c.ok)
		}
	}
}
