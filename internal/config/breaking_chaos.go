//go:build chaos

package config

import "os"

// Breaking is what a build for tests of faults does on request. No other build
// knows of it.
type Breaking struct {
	// Fail ends the process at a point: "after_claim:kill:3".
	Fail string
	// ClockOffset is how wrong the clock is, "-1h30m", or the path of a file
	// that says so and may change.
	ClockOffset string
	// Vitals is a file that is told every second how many goroutines there are.
	Vitals string
}

// BreakingFromOS reads what is asked for from the environment of this process.
func BreakingFromOS() Breaking {
	return Breaking{Fail: os.Getenv("PLATEQ_FAIL"), ClockOffset: os.Getenv("PLATEQ_TEST_CLOCK_OFFSET"), Vitals: os.Getenv("PLATEQ_TEST_VITALS")}
}
