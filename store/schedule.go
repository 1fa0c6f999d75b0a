package store

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"
)

// ErrNoSchedule says that there is no schedule of that id.
var ErrNoSchedule = errors.New("no such schedule")

// Schedule repeats a list: at each of its times a new batch is made of it. What
// its times are is not the store's business, which only knows the next one.
type Schedule struct {
	ID     string // "s_…"
	Tenant string
	// List is the batch whose rows are asked about.
	List BatchNo
	// Cron says when, in the time zone Zone.
	Cron, Zone string
	// Overlap makes a run though that before it is not finished. Otherwise the
	// time is passed over.
	Overlap bool
	// Known is content with answers that are known. Otherwise all is asked anew.
	Known bool
	// MaxCost is the budget of each run; nil: none.
	MaxCost *Limit
	// Next is when it is due. While it is Paused it is due at no time.
	Next   time.Time
	Paused bool
	// Asked is when somebody wanted a run beside those of its times; zero:
	// nobody does.
	Asked   time.Time
	Created time.Time
	// Last is what became of it the last time it was due; nil: it never was.
	Last *ScheduleRun
	// Ran is the newest batch that was made of it; 0: none was.
	Ran BatchNo
}

// NewScheduleID draws the id of a schedule.
func NewScheduleID() string { return "s_" + strings.ToLower(rand.Text()[:20]) } // 100 bits

// ScheduleRun is what became of a schedule that was due.
type ScheduleRun struct {
	// Due is when it was due, which names the run; At is when it was settled.
	Due, At time.Time
	Batch   BatchNo // 0: none was made
	// Reason is why none was made, in words without anything personal.
	Reason string
}

// DueSchedule is a schedule that was taken. With no Lease it was not due, or is
// somebody else's.
type DueSchedule struct {
	Schedule
	Lease int64
	// Due is the time that it is taken for. Until it is settled it stays the
	// same, whoever takes it.
	Due time.Time
}

// ScheduleSettlement says what became of a schedule that was taken.
type ScheduleSettlement struct {
	ID     string
	Lease  int64
	Due    time.Time
	Next   time.Time // when it is due after Due
	Batch  BatchNo   // 0: none was made, for this Reason
	Reason string
}

// Scheduling keeps lists that are to be asked about again and again.
type Scheduling interface {
	// AddSchedule keeps a schedule, and with it the rows of its list, whatever the
	// time of that. ErrNoBatch: its list is not there; *ExpiredError: its rows
	// are not. o is the request for it, nil: it has no key; *RepeatError: it
	// came before.
	AddSchedule(ctx context.Context, s Schedule, o *Once) error
	// Schedule returns the schedule of that id, or ErrNoSchedule.
	Schedule(ctx context.Context, id string) (Schedule, error)
	// Schedules lists those of a tenant or, with "", of all, oldest first.
	Schedules(ctx context.Context, tenant string) ([]Schedule, error)
	// ScheduleRuns lists what became of a schedule, newest first.
	ScheduleRuns(ctx context.Context, id string, limit int) ([]ScheduleRun, error)

	// PauseSchedule makes it due at no time, ResumeSchedule from next on.
	// RunSchedule makes it due now, once, even if it is paused, by a request as
	// that of AddSchedule. RemoveSchedule forgets it and its runs, of which the
	// batches stay. ErrNoSchedule: it is not there.
	PauseSchedule(ctx context.Context, id string) error
	ResumeSchedule(ctx context.Context, id string, next time.Time) error
	RunSchedule(ctx context.Context, id string, o *Once) error
	RemoveSchedule(ctx context.Context, id string) error

	// DueSchedules lists those that may be claimed now.
	DueSchedules(ctx context.Context) ([]string, error)
	// ClaimSchedule takes one that is due; nobody else may until a time.
	ClaimSchedule(ctx context.Context, id string, until time.Time) (DueSchedule, error)
	// SettleSchedule writes what became of it, and reports whether it did: not
	// where the lease is lost or the schedule is gone.
	SettleSchedule(ctx context.Context, r ScheduleSettlement) (bool, error)
}
