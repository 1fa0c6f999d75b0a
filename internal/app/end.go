package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// drain ends the work in order: no new calls, then the server, then the word
// that whatever is left is anyone's to judge.
func (a *App) drain(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	grace, cancel := context.WithTimeout(ctx, max(a.opts.Config.Grace, time.Second))
	defer cancel()
	var errs []error
	if a.worker != nil {
		if err := a.worker.Drain(grace); err != nil {
			errs = append(errs, &ExitError{Code: ExitPartial, Err: err})
		}
	}
	if a.listener != nil {
		errs = append(errs, a.listener.shutdown(grace))
	}
	last, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	if a.worker != nil {
		errs = append(errs, a.retire(last))
	}
	errs = append(errs, a.flushAccess(last))
	return errors.Join(errs...)
}

// retire hands in what the worker has left, and says that it ends.
func (a *App) retire(ctx context.Context) error {
	err := errors.Join(a.worker.DrainSpool(ctx), a.worker.WriteCounts(ctx))
	a.heart.stop(ctx)
	return errors.Join(err, a.store.Retire(ctx, a.id))
}

// Close gives back everything. Run must have returned.
func (a *App) Close() error {
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		errs = append(errs, c())
	}
	a.closers = nil
	return errors.Join(errs...)
}

// Once does what is due now, by itself and without Redis, and returns. Beside
// others it shows that it lives, as its work may take long, and at the end it
// leaves them what it holds.
func (a *App) Once(ctx context.Context) error {
	if err := a.store.Beat(ctx, a.id); err != nil {
		return fmt.Errorf("sign in with the store: %w", err)
	}
	var beating sync.WaitGroup
	a.startHeart(context.WithoutCancel(ctx), &beating)
	err := errors.Join(a.scheduler.Once(ctx, a.worker), a.sender.Once(ctx), a.guard.advance(ctx), a.Held(), a.dropIntakes(ctx))
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	return errors.Join(err, a.worker.Drain(last), a.retire(last))
}
