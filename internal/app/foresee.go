package app

import (
	"context"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/store"
)

// confirm tells those who want to know what the list, which is stored but not
// accepted, will come to. An error of theirs ends the run.
func (r *run) confirm(ctx context.Context, list *intake.Reader, s intake.Summary) error {
	if r.opts.Confirm == nil {
		return nil
	}
	e := client.Estimate{
		Provider: r.opts.Provider, ReadAs: list.Shape().String(), Header: list.Columns(), Columns: api.Columns(list), Rows: s.Rows, Valid: s.Rows - s.Invalid, Invalid: s.Invalid,
		Duplicates: s.Shared - s.Joined, Known: s.Cached, Joined: s.Joined, Unknown: s.Unknown, Questions: s.Asks,
	}
	for _, reason := range s.Reasons.Sorted() {
		e.InvalidReasons = append(e.InvalidReasons, client.InvalidReason(reason))
	}
	if err := r.app.serves().Complete(ctx, &e, store.DefaultTenant, r.opts.Intake.Spec.MaxBatch); err != nil {
		return err
	}
	return r.opts.Confirm(e)
}
