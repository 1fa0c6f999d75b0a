package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// codeQuota is the code of a gate that closed over our own count of the day's
// requests, before the provider had to refuse one.
const codeQuota = "quota"

// permit waits for the right to make a request. None and no error: the day's
// requests are used up, and the provider's gate is closed until they are new,
// so that nobody waits for hours.
func (w *Worker) permit(ctx context.Context, l *line, k Kind) (*Permit, error) {
	p, err := l.limiter.Acquire(ctx, k)
	used, ok := errors.AsType[*QuotaError](err)
	if !ok {
		return p, err
	}
	events, err := w.opts.Store.SetGates(ctx, store.GateChanges{Close: []store.GateClose{{
		Scope: used.Scope, Class: providers.DailyLimited, Code: codeQuota, By: "policy", Until: used.Until, Probe: true, Strikes: 1,
	}}})
	w.gates.Forget()
	if err != nil {
		return nil, fmt.Errorf("close the gate of %s: %w", used.Scope, err)
	}
	w.report(l, store.Settled{Gates: events})
	return nil, nil
}

// lastCount bounds what is told to Redis at the end.
const lastCount = 2 * time.Second

// closeLimiters gives back what this worker holds of the fleet's pace, and
// leaves it what was learnt of records. Where Redis is away the one comes back
// by itself, and the other is lost.
func (w *Worker) closeLimiters(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCount)
	defer cancel()
	for _, l := range w.lines {
		_ = l.limiter.Close(ctx)
		if l.spec.Parts {
			_ = l.policy.hazards.exchange(ctx, l.sharing)
		}
	}
}
