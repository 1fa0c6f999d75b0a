package scheduler_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/scheduler"
	"github.com/plateq/plateq/store"
)

// TestARunInARepeatedHourIsMadeOnce: the clocks of Paris show half past two
// twice in that night, and the list is paid for once.
func TestARunInARepeatedHourIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorks(t, sim.Fast())
	w.at = time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)
	list := w.list(3)
	w.answer(list)
	times := timesOf(t, "30 2 * * *", "Europe/Paris")
	before := len(w.sim.Charges())
	id := w.schedule(list, func(s *store.Schedule) {
		s.Cron, s.Zone, s.Next = "30 2 * * *", "Europe/Paris", times.Next(w.now())
	})
	for range 18 * 4 {
		w.add(15 * time.Minute)
		w.once()
	}
	batches, _ := w.runs(id)
	if charges := len(w.sim.Charges()) - before; len(batches) != 1 || charges != 3 {
		t.Errorf("it ran %d times and paid for %d plates, want once and 3", len(batches), charges)
	}
}

func timesOf(t testing.TB, cron, zone string) scheduler.Times {
	t.Helper()
	times, err := scheduler.ParseTimes(cron, zone)
	if err != nil {
		t.Fatal(err)
	}
	return times
}

// between lists the times from one, exclusive, to another, inclusive.
func between(times scheduler.Times, from, to time.Time) (all []time.Time) {
	for at := times.Next(from); !at.IsZero() && !at.After(to); at = times.Next(at) {
		all = append(all, at)
	}
	return all
}

// TestTimesWhereTheClocksChange: of a time that comes twice the first counts,
// but for those of every hour, and one that is left out is passed over.
func TestTimesWhereTheClocksChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ cron, zone, from, to, want string }{
		// Back: an hour in Paris, New York and Havana, half of one on Lord Howe.
		{"30 2 * * *", "Europe/Paris", "2026-10-24T12:00Z", "2026-10-26T12:00Z", "2026-10-25T00:30Z 2026-10-26T01:30Z"},
		{"30 2 * * *", "Europe/Paris", "2026-10-25T00:30Z", "2026-10-26T01:30Z", "2026-10-26T01:30Z"},
		{"30 2 * * *", "Europe/Paris", "2026-10-25T01:10Z", "2026-10-26T01:30Z", "2026-10-26T01:30Z"}, // from within the second
		{"0 3 * * *", "Europe/Paris", "2026-10-24T12:00Z", "2026-10-25T12:00Z", "2026-10-25T02:00Z"},
		{"*/20 2 25 10 *", "Europe/Paris", "2026-10-24T12:00Z", "2026-10-26T12:00Z", "2026-10-25T00:00Z 2026-10-25T00:20Z 2026-10-25T00:40Z"},
		{"0 */2 * * *", "Europe/Paris", "2026-10-24T21:00Z", "2026-10-25T04:00Z", "2026-10-24T22:00Z 2026-10-25T00:00Z 2026-10-25T03:00Z"},
		{"30 1 * * *", "America/New_York", "2026-10-31T12:00Z", "2026-11-02T12:00Z", "2026-11-01T05:30Z 2026-11-02T06:30Z"},
		{"@monthly", "America/Havana", "2026-10-31T12:00Z", "2026-12-02T12:00Z", "2026-11-01T04:00Z 2026-12-01T05:00Z"},
		{"@daily", "America/Havana", "2026-10-31T12:00Z", "2026-11-02T12:00Z", "2026-11-01T04:00Z 2026-11-02T05:00Z"},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", "2026-04-05T20:00Z", "2026-04-04T14:45Z 2026-04-05T15:15Z"},
		{"0 2 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", "2026-04-05T20:00Z", "2026-04-04T15:30Z 2026-04-05T15:30Z"},

		// Those of every hour have all hours, repeated ones too.
		{"30 * * * *", "Europe/Paris", "2026-10-24T23:00Z", "2026-10-25T02:00Z", "2026-10-24T23:30Z 2026-10-25T00:30Z 2026-10-25T01:30Z"},
		{"@hourly", "America/Havana", "2026-11-01T03:30Z", "2026-11-01T06:00Z", "2026-11-01T04:00Z 2026-11-01T05:00Z 2026-11-01T06:00Z"},
		{"*/30 * * * *", "Europe/Paris", "2026-10-25T00:00Z", "2026-10-25T02:00Z", "2026-10-25T00:30Z 2026-10-25T01:00Z 2026-10-25T01:30Z 2026-10-25T02:00Z"},
		{"0 0-23 * * *", "Europe/Paris", "2026-10-25T00:00Z", "2026-10-25T02:00Z", "2026-10-25T01:00Z 2026-10-25T02:00Z"},
		{"30 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00Z", "2026-04-04T16:00Z", "2026-04-04T14:30Z 2026-04-04T15:00Z 2026-04-04T16:00Z"},

		// Forward: what is left out is passed over.
		{"30 2 * * *", "Europe/Paris", "2026-03-28T00:00Z", "2026-03-30T12:00Z", "2026-03-28T01:30Z 2026-03-30T00:30Z"},
		{"@daily", "America/Havana", "2026-03-07T00:00Z", "2026-03-09T12:00Z", "2026-03-07T05:00Z 2026-03-09T04:00Z"},
		{"0 5 24 4 *", "Africa/Cairo", "2026-01-01T00:00Z", "2026-12-31T00:00Z", "2026-04-24T02:00Z"}, // a day that begins at one
		{"0 5 8 3 *", "America/Havana", "2026-03-01T00:00Z", "2026-03-31T00:00Z", "2026-03-08T09:00Z"},
		{"0 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", "2026-10-04T20:00Z", "2026-10-04T15:00Z"},
		{"30 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", "2026-10-03T20:00Z", "2026-10-03T15:30Z"},
		{"30 * * * *", "Europe/Paris", "2026-03-29T00:00Z", "2026-03-29T02:00Z", "2026-03-29T00:30Z 2026-03-29T01:30Z"},
	} {
		got := make([]string, 0, 4)
		for _, at := range between(timesOf(t, tt.cron, tt.zone), minuteOf(t, tt.from), minuteOf(t, tt.to)) {
			got = append(got, at.Format(minuteForm))
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s in %s from %s to %s:\n got %s\nwant %s", tt.cron, tt.zone, tt.from, tt.to, got, tt.want)
		}
	}
}

const minuteForm = "2006-01-02T15:04Z07:00"

func minuteOf(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(minuteForm, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// changing are zones whose clocks change in different ways and at different
// times of the day, and some whose clocks do not.
var changing = []string{
	"Europe/Paris", "Europe/Dublin", "America/New_York", "America/Havana", "America/Santiago", "America/St_Johns", "Australia/Lord_Howe",
	"Australia/Adelaide", "Pacific/Chatham", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Gaza", "Atlantic/Azores",
	"America/Scoresbysund", "Antarctica/Troll", "Asia/Kolkata", "Europe/Moscow", "UTC",
}

// changes are spans of some days of a year of a zone, around each change of its
// clocks and around one day without.
func changes(zone *time.Location) (spans [][2]time.Time) {
	end := time.Date(2027, 1, 1, 0, 0, 0, 0, zone)
	for at := time.Date(2026, 1, 15, 0, 0, 0, 0, zone); at.Before(end); {
		y, m, d := at.Date()
		spans = append(spans, [2]time.Time{time.Date(y, m, d-3, 0, 0, 0, 0, zone), time.Date(y, m, d+4, 0, 0, 0, 0, zone)})
		_, change := at.ZoneBounds()
		if change.IsZero() {
			break
		}
		at = change
	}
	return spans
}

// TestADailyTimeComesOnceEachDay: on every local date, and not on one that has
// no such time.
func TestADailyTimeComesOnceEachDay(t *testing.T) {
	t.Parallel()
	for _, name := range changing {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range changes(zone) {
			for minutes := 0; minutes < 24*60; minutes += 15 {
				hour, minute := minutes/60, minutes%60
				cron := strconv.Itoa(minute) + " " + strconv.Itoa(hour) + " * * *"
				runs := map[string]int{}
				for _, at := range between(timesOf(t, cron, name), span[0].Add(-time.Second), span[1].Add(-time.Second)) {
					at = at.In(zone)
					if at.Hour() != hour || at.Minute() != minute || at.Second() != 0 {
						t.Errorf("%s in %s: it comes at %v", cron, name, at)
					}
					runs[at.Format(time.DateOnly)]++
				}
				for day := range 7 {
					y, m, d := span[0].Date()
					at, want := time.Date(y, m, d+day, hour, minute, 0, 0, zone), 0
					if at.Hour() == hour && at.Minute() == minute {
						want = 1
					}
					date := time.Date(y, m, d+day, 12, 0, 0, 0, zone).Format(time.DateOnly)
					if got := runs[date]; got != want {
						t.Errorf("%s in %s: %d times on %s, want %d", cron, name, got, date, want)
					}
				}
			}
		}
	}
}

// TestTimesAreThoseThatAClockShows holds times against somebody who looks at
// the clock every minute: of a time of day that was seen before nobody is told
// again, unless every hour is meant.
func TestTimesAreThoseThatAClockShows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cron  string
		every bool
		at    func(time.Time) bool
	}{
		{"*/10 * * * *", true, func(c time.Time) bool { return c.Minute()%10 == 0 }},
		{"15 * * * SUN", true, func(c time.Time) bool { return c.Minute() == 15 && c.Weekday() == time.Sunday }},
		{"*/15 0-3 * * *", false, func(c time.Time) bool { return c.Minute()%15 == 0 && c.Hour() <= 3 }},
		{"0 */3 * * *", false, func(c time.Time) bool { return c.Minute() == 0 && c.Hour()%3 == 0 }},
		{"59 23 * * *", false, func(c time.Time) bool { return c.Minute() == 59 && c.Hour() == 23 }},
		{"30 1 1-7 * SAT", false, func(c time.Time) bool {
			return c.Minute() == 30 && c.Hour() == 1 && (c.Day() <= 7 || c.Weekday() == time.Saturday)
		}},
	} {
		for _, name := range changing {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, span := range changes(zone) {
				seen, want := map[string]bool{}, []time.Time(nil)
				for at := span[0].Add(time.Minute); !at.After(span[1]); at = at.Add(time.Minute) {
					if clock := at.In(zone); tt.at(clock) && (tt.every || !seen[clock.Format(time.DateTime)]) {
						seen[clock.Format(time.DateTime)] = true
						want = append(want, at.UTC())
					}
				}
				if d := cmp.Diff(want, between(timesOf(t, tt.cron, name), span[0], span[1])); d != "" {
					t.Errorf("%s in %s (-seen +told):\n%s", tt.cron, name, d)
				}
			}
		}
	}
}
