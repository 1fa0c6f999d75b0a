package jobs

import (
	"time"

	"github.com/plateq/plateq/store"
)

// Limits say how a provider may be asked, and how it is understood. They hold
// for the whole fleet.
type Limits struct {
	// Rate is requests per second over submits and polls together. 0: not
	// known, to be learnt. Unlimited: no bound.
	Rate  float64
	Burst int
	// Daily is requests from one NextReset to the next; 0: not known.
	Daily int
	// Concurrency is how many calls may be in flight.
	Concurrency int
	// Timeout bounds one call.
	Timeout time.Duration
	// PollMin and PollMax bound the pause between two passes over a ticket, or
	// between two reads of a part of one.
	PollMin, PollMax time.Duration
	// PollPrice is how many seconds of waiting, summed up over the records that
	// are final and not yet known to be, one poll of a part is worth. 0: parts
	// are read as often as PollMin allows.
	PollPrice float64
	// FirstPoll and SteadyFor are those of the provider's Spec.
	FirstPoll, SteadyFor time.Duration
	// Deadline is how long a ticket may stay unanswered.
	Deadline time.Duration
	// NextReset returns when the quota of a day begins anew after a time;
	// Probe is how long after a refused probe the next one goes out.
	NextReset func(time.Time) time.Time
	Probe     time.Duration

	Overrides Overrides

	// ResendUnknown has a question asked again, once, where the outcome of its
	// call is not known and may have cost.
	ResendUnknown bool
	// Price is what one ask costs.
	Price store.Price
}

// Unlimited is the Rate of a provider without a bound.
const Unlimited = -1

// DefaultPollPrice is what a poll is worth unless somebody says otherwise; see
// docs/polling.md.
const DefaultPollPrice = 210

// Where the provider counts in a bucket, its margin is in the burst: the whole
// rate is used, and a fifth of the burst stays for requests that are late. One
// request at a time leaves nothing to be late with, and is often a count by
// the second: there the margin is in the rate.
const (
	ownBurst  = 0.8
	ownSingle = 0.98
)

// own is the pace that is kept, within the one that was told.
func (l Limits) own() (rate, burst float64) {
	if l.Burst > 1 {
		return l.Rate, max(1, ownBurst*float64(l.Burst))
	}
	return l.Rate * ownSingle, 1
}

// askers is how many permits are waited for at once, for one chunk of look-ups,
// so that chunks take turns: as many as a lot has or, where nothing but calls in
// flight is counted, a third of these. With fewer a claim cannot take a chunk
// as a whole, and each part of one is a record and settlements of its own; with
// more a few workers would have all the chunks.
func (l Limits) askers() int {
	if l.Rate != Unlimited || l.Daily > 0 {
		return lotSize
	}
	return min(maxChunk, max(lotSize, l.Concurrency/3))
}
