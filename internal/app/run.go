package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/store"
)

// remembered is how long a finished run is only written again.
const remembered = 24 * time.Hour

// never is a time that no batch is done after.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

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
	a, err := Open(ctx, o, Worker|Scheduler)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
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
}

func (r *run) do(ctx context.Context) error {
	spec, err := r.app.set.Spec(r.opts.Provider)
	if err != nil {
		return Usage(notSetUp(err, r.app.opts.Config.Providers, r.opts.Provider))
	}
	r.opts.Intake.Spec, r.opts.Intake.Limit = spec, r.opts.Limit
	if r.opts.Intake.Name == "" {
		r.opts.Intake.Name = r.opts.In
	}
	if err := r.accept(ctx); err != nil {
		return interrupted(ctx, err)
	}
	if err := r.alone(ctx); err != nil {
		return err
	}
	if r.batch.State != store.BatchDone {
		if err := r.lookUp(ctx); err != nil {
			return err
		}
	}
	return r.write(ctx)
}

// accept finds the batch of this work, or makes it from the list.
func (r *run) accept(ctx context.Context) error {
	since := r.app.now().Add(-remembered)
	if r.opts.Fresh {
		since = never
	}
	if r.opts.In != "-" {
		found, err := r.known(ctx, since)
		if err != nil || found {
			return err
		}
	}
	return r.take(ctx, since)
}

// known reads the list through to see whether its work is there already.
func (r *run) known(ctx context.Context, since time.Time) (bool, error) {
	reader, err := intake.Open(r.in, r.opts.Intake)
	if err != nil {
		return false, refusal(err)
	}
	for {
		if _, err := reader.Next(ctx); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return false, refusal(err)
		}
	}
	if _, err := r.in.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("read %s again: %w", r.opts.In, err)
	}
	b, err := r.app.store.FindBatch(ctx, r.identity(reader))
	if errors.Is(err, store.ErrNoBatch) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return r.adopt(b, since), nil
}

// adopt takes b as the batch of this run, unless it is too old for that.
func (r *run) adopt(b store.Batch, since time.Time) bool {
	if b.State == store.BatchCancelled || (b.State == store.BatchDone && b.Done.Before(since)) {
		return false
	}
	r.batch = b
	r.sum.Batch, r.sum.Rows = b.ID, b.Rows
	r.sum.Written = b.State == store.BatchDone
	r.sum.Again = !r.sum.Written
	return true
}

// take stores the list as a new batch.
func (r *run) take(ctx context.Context, since time.Time) error {
	reader, err := intake.Open(r.in, r.opts.Intake)
	if err != nil {
		return refusal(err)
	}
	reuse := r.app.reuse(r.opts.Provider)
	reuse.Fresh = r.opts.Fresh
	no, err := r.app.store.BeginBatch(ctx, store.NewBatch{
		Provider: r.opts.Provider, Params: reader.Params(), Name: r.opts.Name, Purpose: r.opts.Purpose,
		Columns: reader.Columns(), Weight: r.opts.Weight, KeepRaw: r.opts.Raw, Reuse: reuse,
	})
	if err != nil {
		return fmt.Errorf("store list: %w", spaceHint(r.app, err))
	}
	got, err := intake.Feed(ctx, r.app.store, no, reader, func(n int) { r.tell(Progress{Stage: StageReading, Rows: n}) })
	if err != nil {
		return errors.Join(spaceHint(r.app, refusal(err)), r.abandon(ctx, no))
	}
	r.sum.Cached, r.sum.Shared = got.Cached, got.Shared
	b, err := r.app.store.CommitBatch(ctx, no, r.identity(reader), since)
	if same, ok := errors.AsType[*store.IdentityError](err); ok {
		r.adopt(same.Batch, since)
		return r.abandon(ctx, no)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("accept list: %w", spaceHint(r.app, err)), r.abandon(ctx, no))
	}
	r.batch, r.sum.Batch, r.sum.Rows = b, b.ID, b.Rows
	return nil
}

func (r *run) abandon(ctx context.Context, no store.BatchNo) error {
	return r.app.store.AbandonBatch(context.WithoutCancel(ctx), no)
}

// identity is what makes two runs the same work: provider, parameters, what
// was read and how, and where it goes.
func (r *run) identity(reader *intake.Reader) []byte {
	out := r.opts.Out
	if out != "-" {
		if abs, err := filepath.Abs(out); err == nil {
			out = abs
		}
	}
	params, _ := json.Marshal(reader.Params()) // strings only
	sum := reader.Sum()
	return r.app.sealer.Hash("run", r.opts.Provider, string(params), string(sum[:]), out,
		strconv.Itoa(r.opts.Limit), strconv.FormatBool(r.opts.Fresh), strconv.FormatBool(r.opts.Raw))
}

// alone pauses lists that other runs left unfinished: this one was asked to
// pay for its own.
func (r *run) alone(ctx context.Context) error {
	left, err := r.app.store.Batches(ctx, store.BatchFilter{States: []store.BatchState{store.BatchRunning}, Limit: 1000})
	if err != nil {
		return fmt.Errorf("list batches: %w", err)
	}
	for _, b := range left {
		if b.No == r.batch.No {
			continue
		}
		if err := r.app.store.Pause(ctx, b.No, "left unfinished by its run"); err != nil {
			return err
		}
		r.app.log.Warn().Str("batch", b.ID).Int("open", b.Counts.Open()).
			Msg("another list was left unfinished: it is paused, run its command again to go on with it")
	}
	if r.batch.State == store.BatchPaused {
		return r.app.store.Resume(ctx, r.batch.No)
	}
	return nil
}

// lookUp works until the batch is done, something stops it, or ctx ends. In
// the end nothing is in flight and the batch, if unfinished, is paused.
func (r *run) lookUp(ctx context.Context) error {
	work, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	var ran error
	wg.Go(func() { ran = r.app.Run(work) })
	err := r.watch(ctx)
	stop()
	wg.Wait()
	if err == nil {
		return nil // done: whatever else the parts had to say was logged
	}
	r.pause(ctx)
	if code := ExitCode(err); code == ExitInterrupted {
		return errors.Join(err, ran)
	}
	return err
}

func (r *run) pause(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	r.refresh(ctx)
	if err := r.app.store.Pause(ctx, r.batch.No, "left unfinished by its run"); err != nil {
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
	r.sum.Counts = r.batch.Counts
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
