package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/plateq/plateq/store"
)

const (
	// repeatEvery is the pause between two looks for schedules that are due.
	repeatEvery = 5 * time.Second
	// repeatLease is how long nobody else tries what a scheduler has taken. One
	// that is killed is followed after it; one that takes longer is repeated by
	// another, of which one comes to nothing.
	repeatLease = 5 * time.Minute
	// pieceRows is how many rows are copied at once.
	pieceRows = 1000
	// tidyTimeout bounds the tidying up of a batch that came to nothing.
	tidyTimeout = 30 * time.Second
)

// Why no batch was made of a schedule that was due.
const (
	reasonOverlap  = "the run before it is not finished"
	reasonList     = "its list is not there any more"
	reasonProvider = "its provider is not set up"
)

func (s *Scheduler) repeatOn(ctx context.Context) {
	quiet := &once{log: s.opts.Log}
	for {
		quiet.tell(s.Repeat(ctx), "repeat lists")
		if !sleep(ctx, repeatEvery, nil) {
			return
		}
	}
}

// Repeat makes a batch of each schedule that is due. Of times that were missed
// the schedule is due for the first alone.
func (s *Scheduler) Repeat(ctx context.Context) error {
	ids, err := s.opts.Store.DueSchedules(ctx)
	if err != nil {
		return fmt.Errorf("list due schedules: %w", err)
	}
	var errs []error // one that fails stops no other
	for _, id := range ids {
		if err := s.repeatOne(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("repeat list of schedule %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// repeatOne takes a schedule, makes its batch and settles it. Where that fails
// it stays taken until its lease is over, and is then tried again for the same
// time.
func (s *Scheduler) repeatOne(ctx context.Context, id string) error {
	due, err := s.opts.Store.ClaimSchedule(ctx, id, s.opts.Now().Add(repeatLease))
	if err != nil || due.Lease == 0 {
		return err
	}
	times, err := ParseTimes(due.Cron, due.Zone)
	if err != nil {
		return err // a time zone may be gone with another version
	}
	batch, reason, err := s.repeat(ctx, due)
	if err != nil {
		return err
	}
	log := s.opts.Log.With().Str("schedule", id).Time("due", due.Due).Logger()
	settled, err := s.opts.Store.SettleSchedule(ctx, store.ScheduleSettlement{
		ID: id, Lease: due.Lease, Due: due.Due, Next: times.Next(s.opts.Now()), Batch: batch.No, Reason: reason,
	})
	switch {
	case err != nil:
		return err
	case !settled:
		log.Warn().Msg("somebody else has settled this schedule, or it was removed")
	case reason != "":
		log.Warn().Str("reason", reason).Msg("a list is not repeated this time")
	default:
		log.Info().Str("batch", batch.ID).Int("rows", batch.Rows).Msg("a list is repeated")
	}
	if reason == "" {
		s.Wake(batch.Provider)
	}
	return nil
}

// repeat makes the batch of a schedule that was taken, or finds the one that
// was made before somebody died over it, or says why there is none.
func (s *Scheduler) repeat(ctx context.Context, due store.DueSchedule) (b store.Batch, reason string, err error) {
	identity := []byte("schedule " + due.ID + " " + strconv.FormatInt(due.Due.UnixMilli(), 10))
	if b, err = s.opts.Store.FindBatch(ctx, identity); !errors.Is(err, store.ErrNoBatch) {
		return b, "", err
	}
	list, err := s.opts.Store.BatchByNo(ctx, due.List)
	if errors.Is(err, store.ErrNoBatch) {
		return b, reasonList, nil
	}
	if err != nil {
		return b, "", err
	}
	if _, err := s.opts.Providers.Spec(list.Provider); err != nil {
		return b, reasonProvider, nil //nolint:nilerr // that is the reason
	}
	overlaps, err := s.overlaps(ctx, due, list)
	if err != nil {
		return b, "", err
	}
	if overlaps {
		return b, reasonOverlap, nil
	}
	b, err = s.repeatList(ctx, due, list, identity)
	return b, "", err
}

// overlaps reports whether the run before is not finished, which is the list
// itself before the first, and may not be overtaken.
func (s *Scheduler) overlaps(ctx context.Context, due store.DueSchedule, list store.Batch) (bool, error) {
	before := list
	if due.Overlap {
		return false, nil
	}
	if due.Ran != 0 {
		var err error
		if before, err = s.opts.Store.BatchByNo(ctx, due.Ran); err != nil {
			if errors.Is(err, store.ErrNoBatch) {
				return false, nil
			}
			return false, err
		}
	}
	return before.State == store.BatchRunning || before.State == store.BatchPaused, nil
}

// repeatList makes a batch of the rows of a list. Of two that are made for the
// same time the one that is committed second comes to nothing.
func (s *Scheduler) repeatList(ctx context.Context, due store.DueSchedule, list store.Batch, identity []byte) (store.Batch, error) {
	var reuse store.Reuse
	if s.opts.Reuse != nil {
		reuse = s.opts.Reuse(list.Provider)
	}
	reuse.Fresh = !due.Known
	no, err := s.opts.Store.BeginBatch(ctx, store.NewBatch{
		Tenant: due.Tenant, Provider: list.Provider, Params: list.Params, Name: list.Name, Purpose: list.Purpose, Metadata: list.Metadata,
		Columns: list.Columns, Weight: list.Weight, KeepRaw: list.KeepRaw, Reuse: reuse, MaxCost: due.MaxCost,
		Kept: list.OwnKept,
	})
	if err != nil {
		return store.Batch{}, fmt.Errorf("begin batch: %w", err)
	}
	if err := s.copyRows(ctx, list.No, no); err != nil {
		return store.Batch{}, s.abandon(ctx, no, err)
	}
	b, err := s.opts.Store.CommitBatch(ctx, no, identity, time.Time{})
	if twin, ok := errors.AsType[*store.IdentityError](err); ok {
		return twin.Batch, s.abandon(ctx, no, nil)
	}
	if err != nil {
		return store.Batch{}, s.abandon(ctx, no, fmt.Errorf("commit batch: %w", err))
	}
	return b, nil
}

// copyRows takes the rows of a list into a batch, piece by piece: what they ask
// as it was asked, and their lines as they were given.
func (s *Scheduler) copyRows(ctx context.Context, from, to store.BatchNo) error {
	for after := 0; ; {
		var rows []store.NewRow
		err := s.opts.Store.Rows(ctx, from, store.RowFilter{After: after, Limit: pieceRows, Questions: true}, func(r store.Row) error {
			rows = append(rows, store.NewRow{
				CallerID: r.CallerID, Subject: r.Subject, Line: r.Line, Problem: r.Problem, Question: r.Question, Service: r.Service,
			})
			after = r.Number
			return nil
		})
		if err != nil {
			return fmt.Errorf("read list: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if _, err := s.opts.Store.AddRows(ctx, to, store.Piece{Rows: rows}); err != nil {
			return fmt.Errorf("add rows: %w", err)
		}
	}
}

// abandon forgets a batch that came to nothing, for a cause. What it leaves is
// forgotten with other lists that were never accepted.
func (s *Scheduler) abandon(ctx context.Context, no store.BatchNo, cause error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), tidyTimeout)
	defer stop()
	if err := s.opts.Store.AbandonBatch(ctx, no); err != nil {
		s.opts.Log.Warn().Err(err).Msg("abandon batch")
	}
	return cause
}
