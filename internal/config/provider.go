package config

import (
	"strings"
	"time"
)

// Provider is what is set of one provider in the words common to all.
type Provider struct {
	Name string
	// Enabled: its credentials are set.
	Enabled bool
	Common
}

// Common are the settings that every provider has. Some do nothing at a
// provider that they do not fit, such as a poll pace where nothing is polled.
type Common struct {
	Rate        Rate          `env:"RATE" about:"requests a second over the whole fleet, polls included; learn or 0: find it out; none: unlimited"`
	Burst       int           `env:"BURST" about:"requests that may go out at once after a pause"`
	Daily       int           `env:"DAILY" about:"requests a day, polls included; 0: not known"`
	Concurrency int           `env:"CONCURRENCY" about:"calls in flight over the whole fleet"`
	Timeout     time.Duration `env:"TIMEOUT" about:"how long one call may take"`
	PollMin     time.Duration `env:"POLL_MIN" about:"shortest pause between two polls of one ticket, or of one page of it"`
	PollMax     time.Duration `env:"POLL_MAX" about:"longest pause between two polls of one ticket, or of one page of it that is not final"`
	Deadline    time.Duration `env:"DEADLINE" about:"how long the provider may take to finish what it accepted"`

	FreshFor         time.Duration `env:"FRESH_FOR" about:"how long a known answer is reused"`
	FreshNotFoundFor time.Duration `env:"FRESH_NOT_FOUND_FOR" about:"the same for answers that nothing is known"`

	Price     Amount `env:"PRICE" about:"price of one question, decimal; goes with CURRENCY"`
	Currency  string `env:"CURRENCY" about:"currency of the price: three capital letters, such as INR"`
	BudgetDay Amount `env:"BUDGET_DAY" about:"stop at so much a day (UTC) at this provider: an amount or, where it has no price, questions"`

	OnUnknown      OnUnknown `env:"ON_UNKNOWN" about:"a call that may have been charged and brought no answer: hold it as unknown, or resend it and perhaps pay twice"`
	AmbiguousCodes []string  `env:"AMBIGUOUS_CODES" about:"codes of the provider that are not believed to mean that nothing was charged"`
	NotFoundCodes  []string  `env:"NOT_FOUND_CODES" about:"codes of errors of the provider that mean: it holds nothing on the subject"`
	NotFoundText   []string  `env:"NOT_FOUND_TEXT" about:"parts of what the provider says with an error that mean the same; case makes no difference"`

	PollPrice  float64       `env:"POLL_PRICE" about:"what one poll of a page is worth: seconds of waiting, summed up over the answers that are there and not fetched; more: fewer polls and later answers; 0: a poll every POLL_MIN"`
	DailyReset Reset         `env:"DAILY_RESET" about:"when the day of the quota begins: HH:MM and a time zone"`
	DailyProbe time.Duration `env:"DAILY_PROBE" about:"pause between two tries while the quota of the day is used up"`
}

// lists are the settings that are comma lists, by their variables.
func (c *Common) lists() map[string][]string {
	return map[string][]string{
		"AMBIGUOUS_CODES": c.AmbiguousCodes, "NOT_FOUND_CODES": c.NotFoundCodes, "NOT_FOUND_TEXT": c.NotFoundText,
	}
}

// trim takes the blanks off that people put behind a comma.
func (c *Common) trim() {
	for _, list := range c.lists() {
		trim(list)
	}
}

func trim(list []string) {
	for i, entry := range list {
		list[i] = strings.TrimSpace(entry)
	}
}

// part is a struct that is read from variables with one prefix.
type part struct {
	prefix string // below Prefix: "" or "ATTESTR_"
	into   any    // a pointer
	// abouts says what a variable means where the struct's tags do not.
	abouts map[string]string
}

const day = 24 * time.Hour

// entry is what there is to know of one provider here.
type entry struct {
	name   string
	common Common            // the defaults
	own    any               // a pointer to its own part
	abouts map[string]string // of its own part
	// enabled reports whether its credentials are set.
	enabled func() bool
	// validate says what is wrong with its own part. That is said though it is
	// not enabled, for stand-ins are called with the same settings; what only
	// credentials can be wrong about is left out then.
	validate func() error
}

// prefix begins the names of its variables, below Prefix.
func (e entry) prefix() string { return strings.ToUpper(e.name) + "_" }

// entries lists every provider there is, in the order of Providers. A new one
// adds a file with its entry, a line here and its own part to Config.
func (c *Config) entries() []entry {
	return []entry{c.attestr(), c.regnum(), c.spectrumdata(), c.resser(), c.aopay()}
}

// parts gives c its providers with their defaults and lists what is to be
// read.
func (c *Config) parts() []part {
	entries := c.entries()
	if c.Providers == nil {
		for _, e := range entries {
			c.Providers = append(c.Providers, Provider{Name: e.name, Common: e.common})
		}
	}
	all := []part{{into: c}}
	for i, e := range entries {
		all = append(all, part{prefix: e.prefix(), into: &c.Providers[i].Common}, part{prefix: e.prefix(), into: e.own, abouts: e.abouts})
	}
	return all
}

// enable marks the providers whose credentials are there.
func (c *Config) enable() {
	for i, e := range c.entries() {
		c.Providers[i].Enabled = e.enabled()
	}
}
