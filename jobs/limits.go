package jobs

import "time"

// Limits say how a provider may be asked, and how it is understood. They hold
// for the whole fleet.
type Limits struct {
	// Rate is requests per second over submits and polls together. 0: not
	// known, to be learnt. Unlimited: no bound.
	Rate  float64
	Burst int
	// Concurrency is how many calls may be in flight.
	Concurrency int
	// Timeout bounds one call.
	Timeout time.Duration
	// PollMin and PollMax bound the pause between two passes over a ticket.
	PollMin, PollMax time.Duration
	// FirstPoll and SteadyFor are those of the provider's Spec.
	FirstPoll, SteadyFor time.Duration
	// Deadline is how long a ticket may stay unanswered.
	Deadline time.Duration
	// NextReset returns when the quota of a day begins anew after a time;
	// Probe is how long after a refused probe the next one goes out.
	NextReset func(time.Time) time.Time
	Probe     time.Duration

	Overrides Overrides
}

// Unlimited is the Rate of a provider without a bound.
const Unlimited = -1
