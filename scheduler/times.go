package scheduler

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Times are the times of a schedule.
type Times struct {
	cron cron.Schedule
	zone *time.Location
}

// maxCron bounds an expression in bytes.
const maxCron = 200

var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// ParseTimes reads a cron expression of five fields (minute, hour, day of month,
// month, day of week), or @hourly, @daily, @weekly, @monthly or @yearly, in a
// time zone by its name, such as Asia/Kolkata. One that has no time at all is
// refused.
func ParseTimes(expression, zone string) (Times, error) {
	at, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return Times{}, &TimesError{Field: "zone", Reason: fmt.Sprintf("%q is no time zone such as UTC or Asia/Kolkata", clip(zone))}
	}
	expression = strings.TrimSpace(expression)
	wrong := func(reason string) error { return &TimesError{Field: "cron", Reason: reason} }
	switch {
	case expression == "" || len(expression) > maxCron:
		return Times{}, wrong("it is no cron expression such as 0 6 1 * *")
	case strings.Contains(expression, "TZ="):
		return Times{}, wrong("the time zone is a field of its own")
	case strings.HasPrefix(expression, "@every"):
		return Times{}, wrong("@every has no fixed times: write a cron expression such as */30 * * * *")
	}
	parsed, err := cronParser.Parse(expression)
	if err != nil {
		return Times{}, wrong(fmt.Sprintf("it is no cron expression such as 0 6 1 * *: %v", err))
	}
	t := Times{cron: parsed, zone: at}
	if t.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() { // before a leap day
		return Times{}, wrong("there is no such time: no month has such a day")
	}
	return t, nil
}

// TimesError says why times cannot be read.
type TimesError struct {
	Field  string // "cron" or "zone"
	Reason string
}

func (e *TimesError) Error() string { return "read times of a schedule: " + e.Field + ": " + e.Reason }

// Next returns the first time after another.
func (t Times) Next(after time.Time) time.Time {
	next := t.cron.Next(after.In(t.zone))
	if next.IsZero() {
		return next
	}
	return next.UTC()
}

func clip(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
