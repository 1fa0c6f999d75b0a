// Package doctor looks at what Plateq stands on, and says of each thing how it
// is and what to do about it. It changes nothing, and asks a provider only
// where that is free and harmless.
//
// What is found holds no secret: addresses are shown without credentials, and
// providers' errors never have any.
package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Level is how bad a finding is.
type Level uint8

// The levels.
const (
	// Well: it is as it should be.
	Well Level = iota
	// Note: it works; whether it is as wanted is for people to say.
	Note
	// Warning: it works, and something is lost or slow when a fault comes.
	Warning
	// Fault: it does not work.
	Fault
)

var levelNames = [...]string{Well: "ok", Note: "note", Warning: "warning", Fault: "fault"}

func (l Level) String() string { return levelNames[l] }

// MarshalText returns what String returns.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Cause is whose the cure of a fault is.
type Cause uint8

// The causes.
const (
	Surroundings Cause = iota // a server, a disk, a clock
	Settings                  // the configuration: the same start fails again
	Credentials               // or the provider is out of reach
	Credit
)

// Finding is one thing that was looked at.
type Finding struct {
	Check string `json:"check"` // "redis", "provider attestr"
	Level Level  `json:"level"`
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"` // what to do about it, one line
	Cause Cause  `json:"-"`
}

// Redis is a connection and what the configuration says of it.
type Redis struct {
	Client  redis.UniversalClient
	Hosts   []string // host:port
	Exposed string   // as a process that starts warns of the way to it
	Guarded,
	Cluster bool
}

// Patient is what is looked at.
type Patient struct {
	Config   config.Config
	Warnings []string // of the configuration
	// Vitals reads those of the store; nil: there is none yet.
	Vitals func(context.Context) (store.Vitals, error)
	// Exposed is as a process that starts warns of the way to the store.
	Exposed string
	Redis   *Redis // nil: embedded
	// Set is asked, one provider after another; nil: nobody is.
	Set *providers.Set
	Now func() time.Time
}

// patience bounds one check.
const patience = 5 * time.Second

// Examine makes all checks, the nearest first.
func Examine(ctx context.Context, p Patient) []Finding {
	all := Warned(p.Warnings)
	all = append(all, Disk(p.Config.DataDir)...)
	clocks := map[string]store.ClockReading{}
	found, keys := examineStore(ctx, p, clocks)
	all = append(all, found...)
	all = append(all, examineRedis(ctx, p, clocks)...)
	all = append(all, Clocks(clocks)...)
	all = append(all, Listener(p.Config, keys, p.Now())...)
	return append(all, Providers(ctx, p.Set)...)
}

// Refused is what is found where the configuration cannot be read.
func Refused(faults []string) []Finding {
	all := make([]Finding, len(faults))
	for i, f := range faults {
		all[i] = Finding{Check: checkConfig, Level: Fault, Cause: Settings, Text: f, Do: "see plateq config for what the variable means"}
	}
	return all
}

const checkConfig = "configuration"

// Warned is what is found of a configuration that can be read.
func Warned(warnings []string) []Finding {
	if len(warnings) == 0 {
		return []Finding{{Check: checkConfig, Text: "every variable can be read"}}
	}
	var all []Finding
	for _, w := range warnings {
		all = append(all, Finding{Check: checkConfig, Level: Warning, Text: w, Do: "correct the variable, or take it out"})
	}
	return all
}

// exposure is what a process that starts says of it, in the same words: they
// end with a colon and what to do.
func exposure(check string, l Level, said string) []Finding {
	at := strings.LastIndex(said, ": ")
	if at < 0 {
		return nil
	}
	return []Finding{{Check: check, Level: l, Text: said[:at], Do: said[at+len(": "):]}}
}

// Worst returns the highest level, and the causes of the faults.
func Worst(all []Finding) (worst Level, causes map[Cause]bool) {
	causes = map[Cause]bool{}
	for _, f := range all {
		worst = max(worst, f.Level)
		if f.Level == Fault {
			causes[f.Cause] = true
		}
	}
	return worst, causes
}

// size writes bytes as people do.
func size(n int64) string {
	const unit = 1 << 10
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	value, name := float64(n), ""
	for _, name = range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value /= unit; value < unit {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, name)
}
