package app

import (
	"context"
	"math"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/jobs"
)

// confirm tells those who want to know what the list, which is stored but not
// accepted, will come to. An error of theirs ends the run.
func (r *run) confirm(ctx context.Context, s intake.Summary) error {
	if r.opts.Confirm == nil {
		return nil
	}
	e := client.Estimate{
		Provider: r.opts.Provider, Rows: s.Rows, Valid: s.Rows - s.Invalid, Invalid: s.Invalid,
		Duplicates: s.Shared - s.Joined, Known: s.Cached, Joined: s.Joined, Unknown: s.Unknown, Questions: s.Asks,
	}
	for _, reason := range s.Reasons.Sorted() {
		e.InvalidReasons = append(e.InvalidReasons, client.InvalidReason(reason))
	}
	most := r.opts.Intake.Spec.MaxBatch
	e.Calls = (e.Questions + most - 1) / most
	if p := r.app.price(e.Provider); p.Known() {
		e.Price, e.Currency, e.AtMost = new(p.Each.String()), new(p.Currency), new(p.Of(e.Questions).String())
	}
	l := r.app.limits[e.Provider]
	p := jobs.Pace{Rate: l.Rate, Learnt: l.Rate == 0}
	if now, ok := r.app.pace(ctx, e.Provider); ok {
		p = jobs.Pace(now)
	}
	e.PaceLearnt = p.Learnt
	if p.Rate > 0 {
		e.RequestsPerSecond = new(p.Rate)
	}
	if least, ok := p.Least(e.Calls, l.Daily, r.app.now()); ok {
		e.Seconds = new(int(math.Ceil(least.Seconds())))
	}
	return r.opts.Confirm(e)
}
