package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/store"
)

// remembered is how long a finished run is only written again.
const remembered = 24 * time.Hour

// never is a time that no batch is done after.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// accept finds the batch of this work, or makes it from the list.
func (r *run) accept(ctx context.Context) error {
	if st, err := r.in.Stat(); err == nil && st.Mode().IsRegular() {
		found, err := r.known(ctx)
		if err != nil || found {
			return err
		}
	}
	return r.take(ctx)
}

// known reads the list through to see whether its work is there already.
func (r *run) known(ctx context.Context) (bool, error) {
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
	return r.adopt(ctx, b)
}

// adopt takes b as the batch of this run. It does not where b is cancelled, or
// was done too long ago; and where the run is to be fresh only if b was begun
// so and is unfinished. An unfinished one that is passed over for that ends:
// nobody would go on with it.
func (r *run) adopt(ctx context.Context, b store.Batch) (bool, error) {
	done := b.State == store.BatchDone
	switch {
	case b.State == store.BatchCancelled, done && (r.opts.Fresh || b.Done.Before(r.app.now().Add(-remembered))):
		return false, nil
	case r.opts.Fresh && !b.Fresh:
		return false, r.app.store.Cancel(ctx, b.No, "begun anew with --fresh")
	}
	r.batch = b
	r.sum.Batch, r.sum.Rows = b.ID, b.Rows
	r.sum.Written, r.sum.Again = done, !done
	return true, r.raise(ctx)
}

// raise gives a list that is gone on with the budget of this run.
func (r *run) raise(ctx context.Context) error {
	limit := r.maxCost()
	if limit == nil || r.batch.State == store.BatchDone {
		return nil
	}
	return r.app.store.SetBudget(ctx, store.Budget{BudgetScope: store.BatchBudget(r.batch.ID), Limit: *limit}, store.ByMaxCost)
}

// maxCost is the budget of the run's own; nil: it has none.
func (r *run) maxCost() *store.Limit {
	m, set := r.opts.MaxCost.Money()
	if !set {
		return nil
	}
	return &store.Limit{Amount: m, Currency: r.app.price(r.opts.Provider).Currency}
}

// take stores the list as a new batch.
func (r *run) take(ctx context.Context) (err error) {
	ctx, end, parent := r.app.traced(ctx, "take list")
	defer func() { end(err) }()
	reader, err := intake.Open(r.in, r.opts.Intake)
	if err != nil {
		return refusal(err)
	}
	reuse := r.app.reuse(r.opts.Provider)
	reuse.Fresh = r.opts.Fresh
	no, err := r.app.store.BeginBatch(ctx, store.NewBatch{
		Provider: r.opts.Provider, Params: reader.Params(), Name: r.opts.Name, Purpose: r.opts.Purpose,
		Columns: reader.Columns(), Weight: r.opts.Weight, KeepRaw: r.opts.Raw, Reuse: reuse,
		MaxCost: r.maxCost(), Kept: r.opts.Kept, Traceparent: parent,
	})
	if err != nil {
		return fmt.Errorf("store list: %w", spaceHint(r.app, err))
	}
	got, err := intake.Feed(ctx, r.app.store, no, reader, func(n int) { r.tell(Progress{Stage: StageReading, Rows: n}) })
	if err != nil {
		return errors.Join(spaceHint(r.app, refusal(err)), r.abandon(ctx, no))
	}
	if err := r.confirm(ctx, reader, got); err != nil {
		return errors.Join(err, r.abandon(ctx, no))
	}
	if err := r.commit(ctx, no, r.identity(reader)); err != nil {
		return errors.Join(fmt.Errorf("accept list: %w", spaceHint(r.app, err)), r.abandon(ctx, no))
	}
	return nil
}

// commit accepts the list, or goes on with a batch of the same work that was
// found only now, since the list came through a pipe.
func (r *run) commit(ctx context.Context, no store.BatchNo, identity []byte) error {
	since := r.app.now().Add(-remembered)
	if r.opts.Fresh {
		since = never
	}
	b, err := r.app.store.CommitBatch(ctx, no, identity, since)
	if same, ok := errors.AsType[*store.IdentityError](err); ok {
		adopted, err := r.adopt(ctx, same.Batch)
		if err != nil {
			return err
		}
		if adopted {
			return r.abandon(ctx, no)
		}
		return r.commit(ctx, no, identity)
	}
	if err != nil {
		return err
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
		strconv.Itoa(r.opts.Limit), strconv.FormatBool(r.opts.Raw))
}
