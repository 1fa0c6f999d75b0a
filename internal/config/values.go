package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/store"
)

// Rate is requests a second.
type Rate float64

// The rates that are not a number.
const (
	// Learn: start slowly and find out what the provider allows.
	Learn Rate = 0
	// Unlimited: no pace is kept.
	Unlimited Rate = -1
)

// String returns the rate as the variable writes it.
func (r Rate) String() string {
	switch r {
	case Learn:
		return "learn"
	case Unlimited:
		return "none"
	}
	return strconv.FormatFloat(float64(r), 'g', -1, 64)
}

// UnmarshalText reads a number, "learn" or "none".
func (r *Rate) UnmarshalText(text []byte) error {
	switch strings.ToLower(string(text)) {
	case "learn":
		*r = Learn
		return nil
	case "none":
		*r = Unlimited
		return nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(f >= 0 && f <= 1e6) {
		return fmt.Errorf("%q is no number of requests a second, nor learn, nor none", text)
	}
	*r = Rate(f)
	return nil
}

// Amount is money: a decimal number as it was written, or empty.
type Amount string

// ParseAmount reads a decimal number with a point.
func ParseAmount(text string) (Amount, error) {
	_, err := store.ParseMoney(text)
	return Amount(text), err
}

// UnmarshalText is ParseAmount.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAmount(string(text))
	return err
}

// Money returns the amount. False: none is set.
func (a Amount) Money() (store.Money, bool) {
	m, err := store.ParseMoney(string(a)) // it was read before, or is empty
	return m, err == nil
}

// Exceeded reports whether a decimal is more than the amount. One that is not
// set is never exceeded.
func (a Amount) Exceeded(by string) bool {
	most, set := a.Money()
	m, err := store.ParseMoney(by)
	return set && (err != nil || m > most)
}

// OnUnknown is what happens to a question whose call may have been charged and
// brought no answer.
type OnUnknown string

// The choices of OnUnknown.
const (
	Hold   OnUnknown = "hold"
	Resend OnUnknown = "resend"
)

// UnmarshalText reads one of the choices.
func (o *OnUnknown) UnmarshalText(text []byte) error {
	switch v := OnUnknown(text); v {
	case Hold, Resend:
		*o = v
		return nil
	default:
		return fmt.Errorf("%q is neither hold nor resend", text)
	}
}

// Reset is a time of the day in a zone.
type Reset struct {
	hour, minute int
	zone         *time.Location
}

// midnightIn panics where the zone is unknown: its callers name constants.
func midnightIn(zone string) Reset {
	var r Reset
	if err := r.UnmarshalText([]byte("00:00 " + zone)); err != nil {
		panic(err)
	}
	return r
}

// Next returns the first such time after t.
func (r Reset) Next(t time.Time) time.Time {
	if r.zone == nil {
		r.zone = time.UTC
	}
	local := t.In(r.zone)
	y, m, d := local.Date()
	for ; ; d++ {
		if next := time.Date(y, m, d, r.hour, r.minute, 0, 0, r.zone); next.After(t) {
			return next
		}
	}
}

// String returns the time as the variable writes it.
func (r Reset) String() string {
	if r.zone == nil {
		return ""
	}
	return fmt.Sprintf("%02d:%02d %s", r.hour, r.minute, r.zone)
}

// UnmarshalText reads "00:00 Asia/Kolkata".
func (r *Reset) UnmarshalText(text []byte) error {
	clock, zone, _ := strings.Cut(string(text), " ")
	at, err := time.Parse("15:04", clock)
	if err != nil || strings.TrimSpace(zone) == "" {
		return fmt.Errorf("%q is no time and zone such as 00:00 Asia/Kolkata", text)
	}
	loc, err := time.LoadLocation(strings.TrimSpace(zone))
	if err != nil {
		return fmt.Errorf("time zone %q is not known", strings.TrimSpace(zone))
	}
	*r = Reset{hour: at.Hour(), minute: at.Minute(), zone: loc}
	return nil
}

// URL is an address that may hold a password. It prints without it; only
// Reveal gives it out whole.
type URL string

// Reveal returns the address with its credentials.
func (u URL) Reveal() string { return string(u) }

var (
	userinfo = regexp.MustCompile(`://[^/?#]*@`)
	password = regexp.MustCompile(`(?i)([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&]*`)
)

// String returns the address with credentials replaced.
func (u URL) String() string {
	s := userinfo.ReplaceAllString(string(u), "://"+mask+"@")
	return password.ReplaceAllString(s, "${1}"+mask)
}

// GoString returns what String returns.
func (u URL) GoString() string { return u.String() }

// MarshalText returns what String returns.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// mask stands where a secret was.
const mask = "[secret]"

var days = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// ParseRetention reads how long a list is kept after its end: "30d", "12h".
func ParseRetention(text string) (time.Duration, error) { return store.ParseRetention(text) }

// parseDuration reads what time.ParseDuration reads, with days before it:
// "90d", "1d12h".
func parseDuration(text string) (time.Duration, error) {
	var whole time.Duration
	rest := text
	if m := days.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // five digits
		whole, rest = time.Duration(n)*day, m[2]
	}
	if rest == "" && whole > 0 {
		return whole, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration such as 30s, 5m, 12h or 90d", text)
	}
	if d < 0 {
		return 0, errors.New("a duration cannot be negative")
	}
	return whole + d, nil
}

// formatDuration is the inverse of parseDuration, as short as can be.
func formatDuration(d time.Duration) string {
	if d >= day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
