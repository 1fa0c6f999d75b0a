package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

const (
	watchEvery = 200 * time.Millisecond
	// OutOfReach is how long a provider may not be reached before nobody waits
	// for it any more.
	OutOfReach = 2 * time.Minute
)

// watch follows the batch until it is done, or returns why it stops.
func (r *run) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		b, err := r.app.store.BatchByNo(ctx, r.batch.No)
		if err == nil {
			r.batch = b
			if b.State == store.BatchDone && !r.resent(ctx) {
				r.refresh(ctx)
				return nil
			}
			if err := r.standstill(ctx); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if cause := context.Cause(ctx); errors.Is(cause, errNotRunning) && !errors.Is(cause, context.Canceled) {
				return cause
			}
			return stopped(ctx, ctx.Err())
		}
	}
}

// resent reports whether the batch goes on though it was done, as what is
// unknown of it was asked again by the rule.
func (r *run) resent(ctx context.Context) bool {
	if r.batch.Counts[store.Unknown] == 0 || !r.app.resends(r.opts.Provider) {
		return false
	}
	if _, err := jobs.ResendUnknown(ctx, r.app.store, r.opts.Provider, r.app.log); err != nil {
		return false // the rows stay unknown, and say so
	}
	b, err := r.app.store.BatchByNo(ctx, r.batch.No)
	return err == nil && b.State != store.BatchDone
}

// standstill reports progress, and why the run cannot go on, if it cannot.
func (r *run) standstill(ctx context.Context) error {
	p := Progress{Stage: StageLooking, Rows: r.batch.Rows, Counts: r.batch.Counts}
	gates, err := r.app.store.Gates(ctx)
	if err != nil {
		return nil //nolint:nilerr // the store is asked again
	}
	now := r.app.now()
	behind, err := r.behind(ctx, gates)
	if err != nil {
		return nil //nolint:nilerr // the store is asked again
	}
	var last *store.Gate
	for _, g := range gates {
		if !ofProvider(g, r.opts.Provider) || !g.Closed || ofPart(g.Scope) && !slices.Contains(behind, g.Scope) {
			continue
		}
		if g.Shut(now) && (last == nil || g.Outlasts(*last)) {
			last = &g
			p.Waiting, p.Until = g.Scope+": "+why(g), g.Until
		}
		if r.batch.Counts[store.Sending] > 0 {
			continue // what is in flight ends first
		}
		if err := r.verdict(g, now); err != nil {
			return err
		}
	}
	if by := r.batch.HeldBy; by != (store.BudgetScope{}) {
		if err := r.spentOut(ctx); err != nil {
			return err
		}
		p.Waiting, p.Until = "budget "+by.String(), by.Period.At(now).Until
	}
	r.tell(p)
	if err := r.app.worker.Fault(); errors.Is(err, store.ErrFull) {
		return &ExitError{Code: ExitFailure, Err: spaceHint(r.app, err)}
	}
	return nil
}

// spentOut says that no budget has room for more, once everything that was paid
// for has its answer.
func (r *run) spentOut(ctx context.Context) error {
	if r.batch.Counts[store.Sending]+r.batch.Counts[store.Waiting] > 0 {
		return nil
	}
	resumed, err := r.app.resumeFunded(ctx)
	if err != nil || slices.Contains(resumed, r.batch.No) {
		return nil //nolint:nilerr // the store is asked again
	}
	by := r.batch.HeldBy
	r.sum.HeldBy = by.String()
	raise := "plateq budget set " + by.String() + " AMOUNT"
	if by.Kind == store.BudgetOfBatch {
		raise = "a higher --max-cost"
	}
	return &ExitError{Code: ExitMoney, Err: fmt.Errorf("%s: raise it (%s) and run the same command again", r.batch.Reason, raise)}
}

// ofPart reports whether a scope is one of a part of the provider's service.
func ofPart(scope string) bool { return strings.Count(scope, "/") > 1 }

// behind returns the scopes of parts of the service that hold the batch up.
// Nearly always none is closed, and nobody is asked.
func (r *run) behind(ctx context.Context, gates []store.Gate) ([]string, error) {
	closed := func(g store.Gate) bool { return g.Closed && ofProvider(g, r.opts.Provider) && ofPart(g.Scope) }
	if !slices.ContainsFunc(gates, closed) {
		return nil, nil
	}
	spec, err := r.app.set.Spec(r.opts.Provider)
	if err != nil {
		return nil, err
	}
	parts, err := r.app.store.Behind(ctx, r.batch.No)
	for i, part := range parts {
		parts[i] = spec.ServiceScope(part)
	}
	return parts, err
}

// why says to people why a gate is closed.
func why(g store.Gate) string {
	if g.ByHand() {
		return "closed by hand"
	}
	return reasons[g.Class]
}

// reasons are those of gates that nobody closed by hand.
var reasons = map[providers.Class]string{
	providers.RateLimited:  "asked too fast",
	providers.DailyLimited: "the quota of the day is used up",
	providers.OutOfCredit:  "out of credit",
	providers.Unauthorised: "every call refused",
	providers.Unavailable:  "out of reach",
	providers.Ambiguous:    "does not answer as documented",
}

func ofProvider(g store.Gate, provider string) bool {
	return g.Scope == provider || len(g.Scope) > len(provider) && g.Scope[:len(provider)+1] == provider+"/"
}

// verdict says whether a closed gate ends the run.
func (r *run) verdict(g store.Gate, now time.Time) error {
	shut := g.Shut(now) && g.ProbeUntil.IsZero()
	switch {
	case g.Class == providers.OutOfCredit && shut:
		return &ExitError{Code: ExitMoney, Err: fmt.Errorf("%s is out of credit (%s): top the account up and run the same command again", g.Scope, g.Code)}
	case g.Class == providers.Unauthorised && shut:
		return &ExitError{Code: ExitProvider, Err: fmt.Errorf("%s %s (%s): see %s%s_… and run the same command again",
			g.Scope, r.refusal(g.Code), g.Code, config.Prefix, upper(r.opts.Provider))}
	case (g.Class == providers.Unavailable || g.Class == providers.Ambiguous) && now.Sub(later(g.Since, r.began)) >= OutOfReach:
		return &ExitError{Code: ExitProvider, Err: fmt.Errorf("%s has not been reached for %s (%s): run the same command again when it is back",
			g.Scope, OutOfReach, g.Code)}
	case r.opts.MaxWait > 0 && shut && g.Until.IsZero(): // longer than any wait, as nobody knows for how long
		return &ExitError{Code: ExitProvider, Err: fmt.Errorf("%s is %s, with no end that --max-wait could bound: open it (plateq gate open %s) and run the same command again",
			g.Scope, why(g), g.Scope)}
	case r.opts.MaxWait > 0 && shut && g.Until.Sub(now) > r.opts.MaxWait:
		return &ExitError{Code: ExitProvider, Err: fmt.Errorf("%s is closed until %s (%s), longer than --max-wait: run the same command again later",
			g.Scope, g.Until.Local().Format(time.DateTime), why(g))}
	}
	return nil
}

// refusal says what it means that the provider refuses every call.
func (r *run) refusal(code string) string {
	spec, err := r.app.set.Spec(r.opts.Provider)
	if err != nil {
		return ""
	}
	return spec.Refusal(code)
}

// write writes the rows out and says in the error whether some are missing.
func (r *run) write(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // nothing is paid any more, and it is short
	r.refresh(ctx)
	r.tell(Progress{Stage: StageWriting, Rows: r.batch.Rows, Counts: r.batch.Counts})
	o := r.opts.Export
	if spec, err := r.app.set.Spec(r.batch.Provider); err == nil {
		o.Results = spec.Results
	}
	if err := r.writeFiles(ctx, o); err != nil {
		return err
	}
	c := r.batch.Counts
	if bad := c[store.Failed] + c[store.Unknown] + c[store.Invalid] + c[store.Cancelled]; bad > 0 {
		return &ExitError{Code: ExitPartial, Err: fmt.Errorf("%d of %d rows have no answer: see their error", bad, r.batch.Rows)}
	}
	return nil
}

// writeFiles writes one file, or two.
func (r *run) writeFiles(ctx context.Context, o export.Options) error {
	type file struct {
		path string
		rows []store.State // none: all
	}
	files := []file{{r.opts.Out, nil}}
	if r.opts.Errors != "" {
		files = []file{{r.opts.Out, store.NotUnanswered()}, {r.opts.Errors, store.Unanswered()}}
	}
	if err := r.app.noteRun(ctx, r.batch, o); err != nil {
		return err
	}
	for _, f := range files {
		err := export.ToFile(f.path, r.opts.Stdout, func(w io.Writer) error {
			_, err := export.Stream(ctx, w, r.app.store, r.batch, store.RowFilter{States: f.rows}, o)
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: everything is kept, run the same command again", err)
		}
	}
	return nil
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func upper(name string) string { return strings.ToUpper(name) }
