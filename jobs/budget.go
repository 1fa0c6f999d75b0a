package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/plateq/plateq/store"
)

// reach pauses the batch that a claim was refused for, if no budget will have
// room for it when what is under way has come to its end. Until that is known
// its chunks are rung for again, and refused.
func (w *Worker) reach(ctx context.Context, l *line, refused *store.BudgetError) error {
	paused, err := w.opts.Store.PauseUnfunded(ctx, refused, w.opts.Budgets)
	if err != nil {
		return fmt.Errorf("pause list whose budget is reached: %w", err)
	}
	if !paused {
		l.log.Debug().Str("budget", refused.Use.BudgetScope.String()).Msg("no room for a call until others are settled")
		return nil
	}
	b, err := w.opts.Store.BatchByNo(ctx, refused.Batch)
	if err != nil {
		return fmt.Errorf("read list whose budget is reached: %w", err)
	}
	l.log.Warn().Str("event", "budget.reached").Str("batch", b.ID).Str("budget", b.HeldBy.String()).Str("reason", b.Reason).
		Msg("budget reached: the list is paused")
	return nil
}

// ResumeFunded lets go on what a budget holds that has room for it again, and
// returns how many lists that are.
func (e *Enqueuer) ResumeFunded(ctx context.Context) (int, error) {
	prices := map[string]store.Price{}
	for name, l := range e.opts.Limits {
		prices[name] = l.Price
	}
	resumed, err := e.opts.Store.ResumeFunded(ctx, e.opts.Budgets, prices)
	var errs []error
	for _, no := range resumed {
		b, err := e.opts.Store.BatchByNo(ctx, no)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		e.opts.Log.Info().Str("provider", b.Provider).Str("batch", b.ID).Msg("its budget has room again: the list goes on")
	}
	if err != nil {
		errs = append(errs, fmt.Errorf("resume lists that a budget held: %w", err))
	}
	return len(resumed), errors.Join(errs...)
}
