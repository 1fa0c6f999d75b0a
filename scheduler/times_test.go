package scheduler_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/scheduler"
)

func TestTimesAreThoseOfTheZone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ cron, zone, after, want string }{
		{"0 6 1 * *", "UTC", "2026-11-22T00:00:00Z", "2026-12-01T06:00:00Z"},
		{"0 6 1 * *", "Asia/Kolkata", "2026-11-22T00:00:00Z", "2026-12-01T00:30:00Z"},
		{" @monthly ", "UTC", "2026-11-22T00:00:00Z", "2026-12-01T00:00:00Z"},
		{"30 9 * * MON-FRI", "America/Mexico_City", "2026-11-20T23:00:00Z", "2026-11-23T15:30:00Z"},
		{"0 12 * * *", "UTC", "2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z"},
		{"0 8 * * *", "Europe/Paris", "2026-03-28T12:00:00Z", "2026-03-29T06:00:00Z"}, // an hour less in that night
		{"0 8 * * *", "Europe/Paris", "2026-10-24T12:00:00Z", "2026-10-25T07:00:00Z"},
		{"0 0 29 2 *", "UTC", "2026-11-22T00:00:00Z", "2028-02-29T00:00:00Z"},
	} {
		times, err := scheduler.ParseTimes(tt.cron, tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		after, err := time.Parse(time.RFC3339, tt.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := times.Next(after).Format(time.RFC3339); got != tt.want {
			t.Errorf("%s in %s after %s: got %s, want %s", tt.cron, tt.zone, tt.after, got, tt.want)
		}
	}
}

// bad are times that are none, by the field that is at fault.
var bad = map[string][][2]string{
	"cron": {
		{"", "UTC"}, {"now", "UTC"}, {"0 6 1 *", "UTC"}, {"0 0 6 1 * *", "UTC"}, {"60 * * * *", "UTC"}, {"0 0 30 2 *", "UTC"},
		{"@every 1s", "UTC"}, {"TZ=UTC 0 6 1 * *", "UTC"}, {"CRON_TZ=UTC", "UTC"}, {strings.Repeat("1,", 200) + "1 * * * *", "UTC"},
	},
	"zone": {{"@daily", ""}, {"@daily", "Local"}, {"@daily", "Mars/Olympus"}, {"@daily", "../etc/passwd"}, {"@daily", strings.Repeat("x", 1000)}},
}

func TestTimesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for field, all := range bad {
		for _, in := range all {
			_, err := scheduler.ParseTimes(in[0], in[1])
			if e, ok := errors.AsType[*scheduler.TimesError](err); !ok || e.Field != field || len(err.Error()) > 500 {
				t.Errorf("%.50q in %.50q: got %v, want a fault of the %s", in[0], in[1], err, field)
			}
		}
	}
}

func FuzzParseTimes(f *testing.F) {
	for _, all := range bad {
		for _, in := range all {
			f.Add(in[0])
		}
	}
	f.Add("*/5 1-7/2 ? JAN,mar sun")
	f.Fuzz(func(t *testing.T, expression string) {
		times, err := scheduler.ParseTimes(expression, "Europe/Paris")
		if err != nil {
			return
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 3 {
			next := times.Next(at)
			if !next.After(at) && !next.IsZero() {
				t.Fatalf("%q: after %v comes %v", expression, at, next)
			}
			if next.IsZero() {
				return
			}
			at = next
		}
	})
}
