package app

import (
	"context"
	"errors"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/jobs"
)

// orders take in the lists that other systems enqueue; nil: a run of one list
// takes no others.
func (a *App) orders() *jobs.Orders {
	if a.opts.alone {
		return nil
	}
	taker := api.NewTaker(a.serves())
	return &jobs.Orders{Key: a.enqueueKey, Take: func(ctx context.Context, o jobs.Order) (string, error) {
		b, err := taker.Take(ctx, o.Tenant, o.ID, o.Body)
		if refused, ok := errors.AsType[*api.Problem](err); ok {
			return "", &jobs.RefusedError{Err: refused}
		}
		return b.ID, err
	}}
}
