package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/store"
)

// RunFile does everything for one list in this process: it reads, looks up and
// writes. While the same work is unfinished it goes on with that; if it was
// finished less than a day ago the rows are written again and nobody is asked.
//
// The error is an *ExitError with the code that the run means. With ExitMoney,
// ExitProvider and ExitInterrupted everything is kept, and the same call goes
// on. The Summary holds what is known in any case.
func RunFile(ctx context.Context, o Options, ro RunOptions) (sum Summary, err error) {
	began := time.Now()
	defer func() { sum.Took = time.Since(began) }()
	in, err := openInput(ro.In)
	if err != nil {
		return sum, Usage(err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	parts := Worker | Scheduler
	if o.hooked() {
		parts |= Hooks
	}
	o.alone = true
	a, err := Open(ctx, o, parts)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Held(); err != nil {
		return sum, &ExitError{Code: ExitFailure, Err: err}
	}
	r := &run{app: a, opts: ro, in: in, sum: &sum}
	return sum, r.do(ctx)
}

func openInput(path string) (*os.File, error) {
	if path == "-" {
		return os.Stdin, nil
	}
	f, err := os.Open(path) //nolint:gosec // the caller's own file
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, reason(err))
	}
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, errors.Join(fmt.Errorf("read %s: it is a directory", path), f.Close())
	}
	return f, nil
}

// run is one RunFile.
type run struct {
	app   *App
	opts  RunOptions
	in    *os.File
	sum   *Summary
	batch store.Batch
	began time.Time // of the looking up, on the app's clock
}

func (r *run) do(ctx context.Context) error {
	spec, err := r.app.set.Spec(r.opts.Provider)
	if err != nil {
		return Usage(r.app.notSetUp(r.opts.Provider, err))
	}
	if r.opts.MaxCost != "" && !r.app.price(r.opts.Provider).Known() {
		name := config.Prefix + upper(r.opts.Provider)
		return Usage(fmt.Errorf("--max-cost %s is an amount, and no price is set: give %s_PRICE and %s_CURRENCY", r.opts.MaxCost, name, name))
	}
	r.opts.Intake.Spec, r.opts.Intake.Limit = spec, r.opts.Limit
	if r.opts.Intake.Name == "" {
		r.opts.Intake.Name = r.opts.In
	}
	for _, path := range []string{r.opts.Out, r.opts.Errors, r.opts.Problems} {
		if err := export.Writable(path); err != nil {
			return Usage(err)
		}
	}
	if err := r.problems(ctx); err != nil {
		return interrupted(ctx, err)
	}
	if err := r.accept(ctx); err != nil {
		return interrupted(ctx, err)
	}
	if r.batch.State != store.BatchDone {
		if err := r.alone(ctx, r.lookUp); err != nil {
			return err
		}
	}
	return r.write(ctx)
}

// lookUp works until the batch is done, something stops it, or ctx ends. In
// the end nothing is in flight and the batch, if unfinished, is paused.
func (r *run) lookUp(ctx context.Context) error {
	r.began = r.app.now()
	work, stop := context.WithCancel(ctx)
	defer stop()
	watched, ended := context.WithCancelCause(ctx)
	defer ended(nil)
	var wg sync.WaitGroup
	var ran error
	wg.Go(func() {
		ran = r.app.Run(work)
		ended(errors.Join(errNotRunning, ran))
	})
	err := r.watch(watched)
	stop()
	wg.Wait()
	if ran != nil {
		r.app.log.Warn().Err(ran).Msg("the run did not end in order")
	}
	if err != nil {
		r.pause(ctx)
	}
	return err
}

// errNotRunning says that the work ended by itself.
var errNotRunning = errors.New("the work could not go on")

func (r *run) pause(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	r.refresh(ctx)
	why := leftByRun
	if r.batch.HeldBy != (store.BudgetScope{}) {
		why += ": " + r.batch.Reason
	}
	if err := r.app.store.Pause(ctx, r.batch.No, why); err != nil {
		r.app.log.Debug().Err(err).Msg("pause list")
	}
}

func (r *run) refresh(ctx context.Context) {
	if b, err := r.app.store.BatchByNo(ctx, r.batch.No); err == nil {
		r.batch = b
	}
	if t, err := r.app.store.Totals(ctx, r.batch.No); err == nil {
		r.sum.Calls, r.sum.Polls = t.Calls, t.Polls
	}
	r.sum.Counts, r.sum.Saved = r.batch.Counts, r.batch.Shared
	r.sum.Spent = spent(r.batch)
}

// spent says what the calls of a batch are charged, in each currency.
func spent(b store.Batch) string {
	var all []string
	for _, c := range b.Costs {
		if c.Currency != "" {
			all = append(all, store.WriteMoney(c.Spent, c.Currency))
		}
	}
	return strings.Join(all, ", ")
}

func (r *run) tell(p Progress) {
	if r.opts.Progress != nil {
		p.Batch = r.batch.ID
		r.opts.Progress(p)
	}
}

// refusal marks errors about the list as usage errors.
func refusal(err error) error {
	if _, ok := errors.AsType[*intake.InputError](err); ok {
		return Usage(err)
	}
	return err
}

// spaceHint says what to do about a full disk.
func spaceHint(a *App, err error) error {
	if errors.Is(err, store.ErrFull) || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w in %s: free some and run the same command again", store.ErrFull, a.dataDir())
	}
	return err
}

// interrupted marks an error that came of the end of ctx.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &ExitError{Code: ExitInterrupted, Err: errors.New("interrupted before the list was accepted: nothing was kept, nobody was asked")}
}

// stopped marks an error that came of the end of ctx after that.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &ExitError{Code: ExitInterrupted, Err: errors.New("interrupted: everything is kept, the same command goes on")}
}
