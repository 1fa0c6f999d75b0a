package jobs

import (
	"time"

	"github.com/plateq/plateq/store"
)

// Meter is told of what a worker does, as it does it. Its methods are safe for
// concurrent use, and must not wait.
type Meter interface {
	// Request is one to an endpoint of a provider that came to an end; class is
	// that of the error it brought, or empty.
	Request(provider, endpoint, class string, took time.Duration)
	// Settled is what the store accepted of outcomes.
	Settled(provider string, s store.Settled)
	// Stored is how long the store took to "claim" or to "settle".
	Stored(operation string, took time.Duration, err error)
}

// noMeter is a Meter that nobody reads.
type noMeter struct{}

// Request implements Meter.
func (noMeter) Request(string, string, string, time.Duration) {}

// Settled implements Meter.
func (noMeter) Settled(string, store.Settled) {}

// Stored implements Meter.
func (noMeter) Stored(string, time.Duration, error) {}
