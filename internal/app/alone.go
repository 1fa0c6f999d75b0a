package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/plateq/plateq/store"
)

// Why batches are paused that nobody asked to pause.
const (
	// leftByRun is of a run's own batch: its command goes on with it.
	leftByRun = "left unfinished by its run"
	// asideForRun is of any other batch, as long as a run lasts.
	asideForRun = "another list is being run"
)

// alone does the work of a run while no other batch sends anything: the run
// was asked to pay for its own list. What was set aside goes on afterwards; if
// this process is killed, whoever opens the store next sees to that.
func (r *run) alone(ctx context.Context, work func(context.Context) error) (err error) {
	if !r.app.shared() { // others do not work for this process there
		if err := r.app.setAside(ctx, r.batch.No); err != nil {
			return stopped(ctx, err)
		}
	}
	defer func() { err = errors.Join(err, r.app.takeBack(context.WithoutCancel(ctx))) }()
	if r.batch.State == store.BatchPaused {
		if err := r.app.store.Resume(ctx, r.batch.No); err != nil {
			return stopped(ctx, err)
		}
	}
	return work(ctx)
}

// setAside pauses every batch but one that runs, or would as soon as its budget
// has room.
func (a *App) setAside(ctx context.Context, but store.BatchNo) error {
	return a.each(ctx, []store.BatchState{store.BatchRunning, store.BatchPaused}, func(b store.Batch) error {
		if b.No == but || b.State == store.BatchPaused && b.HeldBy == (store.BudgetScope{}) {
			return nil
		}
		a.log.Info().Str("batch", b.ID).Int("open", b.Counts.Open()).Msg("another list is unfinished: it is set aside during this run")
		return a.store.Pause(ctx, b.No, asideForRun)
	})
}

// takeBack resumes what setAside paused, also in a process that is gone.
func (a *App) takeBack(ctx context.Context) error {
	return a.each(ctx, []store.BatchState{store.BatchPaused}, func(b store.Batch) error {
		if b.Reason != asideForRun {
			return nil
		}
		return a.store.Resume(ctx, b.No)
	})
}

// each calls do for every batch in one of the states, newest first.
func (a *App) each(ctx context.Context, states []store.BatchState, do func(store.Batch) error) error {
	filter := store.BatchFilter{States: states, Limit: 100}
	for {
		some, err := a.store.Batches(ctx, filter)
		if err != nil {
			return fmt.Errorf("list batches: %w", err)
		}
		for _, b := range some {
			if err := do(b); err != nil {
				return err
			}
			filter.Before = b.No
		}
		if len(some) < filter.Limit {
			return nil
		}
	}
}
