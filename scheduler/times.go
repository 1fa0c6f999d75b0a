package scheduler

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Times are the times of a schedule, as the clocks of its zone show them.
//
// Where clocks are put back they show some times twice. Times of every hour
// come then too; of others, as half past two of every day, the first counts and
// the second does not. Where they are put forward, a time that they do not show
// does not come.
type Times struct {
	cron *cron.SpecSchedule
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
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Times{}, wrong("it is no cron expression such as 0 6 1 * *")
	}
	t := Times{cron: fields, zone: at}
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

// everyHour has the bits of all hours.
const everyHour = 1<<24 - 1

// searched bounds the search for a next time. Even of a leap day whose time is
// passed over the next one is nearer.
const searched = 10 * 366 * 24 * time.Hour

// Next returns the first time after another, and the zero time where there is
// none within five years.
//
// Fields are compared on a clock that nobody changes, for as long as the zone
// has one offset, and then with its next: counted on in hours, or in days from
// midnight, times would be lost where a change is of half an hour, or at
// midnight.
func (t Times) Next(after time.Time) time.Time {
	const resolution = time.Second
	for from := after.Truncate(resolution).Add(resolution).In(t.zone); from.Sub(after) < searched; {
		shown, offset := clock(from)
		next := t.cron.Next(shown.Add(-resolution)) // the first that is not before it
		if next.IsZero() {
			return time.Time{}
		}
		at := next.Add(-offset).In(t.zone)
		switch _, change := from.ZoneBounds(); {
		case !change.IsZero() && !at.Before(change):
			from = change
		case t.cron.Hour&everyHour != everyHour && again(at):
			from = at.Add(resolution)
		default:
			return at.UTC()
		}
	}
	return time.Time{}
}

// clock returns what a clock shows at a time, as if it were UTC, and by how
// much it is ahead.
func clock(at time.Time) (shown time.Time, offset time.Duration) {
	_, seconds := at.Zone()
	offset = time.Duration(seconds) * time.Second
	return at.UTC().Add(offset), offset
}

// again reports whether clocks have shown a time before, as they were put back
// since.
func again(at time.Time) bool {
	change, _ := at.ZoneBounds()
	if change.IsZero() {
		return false
	}
	before, _ := clock(change.Add(-time.Nanosecond))
	shown, _ := clock(at)
	return !shown.After(before)
}

func clip(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
