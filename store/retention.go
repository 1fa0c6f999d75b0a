package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Retention lets go of what lists hold of people when their time is over.
//
// A list is kept for so long after it ended; one that a schedule repeats has
// not ended. Then its rows go, and with them its name, its metadata and the
// names of its columns. What stays is nobody's: how many rows there were and
// what became of them, what it cost, its calls.
//
// What its rows asked goes too, with answers, tickets and whatever a call has
// seen of it, but for what rows of another list are on: an answer lives as long
// as a list that has it. An ask under way is let finish first. One of which
// nobody knows what became is given up with it, and what it may have cost stays
// in the books as what it is, money of which nobody knows.
type Retention interface {
	// Expire does all of that for lists whose time is over, and goes on with what
	// an earlier one left that was cut off. It works in small steps between
	// which others get on; it may be ended at any of them. Whoever reads such a
	// list finds *ExpiredError from the first step on.
	Expire(ctx context.Context) (Expired, error)
}

// Expired counts what Expire let go of.
type Expired struct {
	Lists int // whose time was found to be over
	Rows  int
	Asks  int // with all that was known of them
	Given int // of these that were given up, as nobody knew what had become of them
}

// Any reports whether there was anything.
func (e Expired) Any() bool { return e != Expired{} }

// ExpiredError says that a list has no rows any more, as its time is over.
type ExpiredError struct {
	Batch string
	At    time.Time     // when they went
	Kept  time.Duration // after the list had ended
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the rows of batch %s were deleted on %s, as they were kept for %s", e.Batch, e.At.Format(time.DateOnly), FormatRetention(e.Kept))
}

// Expiry returns the *ExpiredError of a batch that has no rows any more; nil:
// it has them.
func (b Batch) Expiry() error {
	if b.Expired.IsZero() {
		return nil
	}
	return &ExpiredError{Batch: b.ID, At: b.Expired, Kept: b.Kept}
}

// Until is when the time of a list is over that has ended; zero: it has not, or
// is kept for ever.
func (b Batch) Until() time.Time {
	if b.Ended.IsZero() || b.Kept == 0 {
		return time.Time{}
	}
	return b.Ended.Add(b.Kept)
}

// What a list may say of how long it is kept.
const (
	MinRetention = time.Hour
	MaxRetention = 10 * 365 * retentionDay
	retentionDay = 24 * time.Hour
)

var errRetention = errors.New("must be a time such as 30d or 12h, from 1h to 3650d")

// ParseRetention reads how long a list is kept: so many days or hours.
func ParseRetention(text string) (time.Duration, error) {
	unit := retentionDay
	number, days := strings.CutSuffix(text, "d")
	if !days {
		unit = time.Hour
		var hours bool
		if number, hours = strings.CutSuffix(text, "h"); !hours {
			return 0, errRetention
		}
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if d := time.Duration(n) * unit; err == nil && d >= MinRetention && d <= MaxRetention {
		return d, nil
	}
	return 0, errRetention
}

// FormatRetention is the inverse of ParseRetention: whole days, where it can be.
func FormatRetention(d time.Duration) string {
	if d%retentionDay == 0 {
		return strconv.Itoa(int(d/retentionDay)) + "d"
	}
	if d%time.Hour == 0 {
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return d.String()
}

// Gone says what is left of a list whose time is over. Values are stored.
type Gone uint8

// How far a list has gone.
const (
	GoneNothing Gone = iota // its time is not over
	GoneRows                // its rows are being deleted
	GoneDue                 // its asks are to be looked through
	GoneLooking             // somebody does
	GoneShared              // rows of other lists are on those that are left
	GoneAll                 // none is left
)

// GivenUpWith is the reason for which an unknown ask is given up when its time
// is over.
const GivenUpWith = "the lists that asked it have had their time"

// Forget strikes out an ask whose time is over: there is nothing by which to
// say what it was. It reports false where work on it goes on.
func (c *Chunk) Forget(i int) bool {
	if c.State(i).Open() {
		return false
	}
	c.setMark(i, Mark{State: Dropped})
	return true
}

// Kept are those of some asks that are not struck out.
func (c *Chunk) Kept(open Offsets) (kept Offsets) {
	for _, i := range open {
		if c.State(i) != Dropped {
			kept = append(kept, i)
		}
	}
	return kept
}

// Scrubbed is what stays of what is sealed of a batch when its rows are gone.
func (b Batch) Scrubbed() NewBatch {
	return NewBatch{Params: b.Params, Purpose: b.Purpose, Reuse: Reuse{Fresh: b.Fresh}}
}
