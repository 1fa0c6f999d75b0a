package jobs

import (
	"context"
	"slices"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// JudgeStale decides what becomes of a call whose owner is dead or has had its
// time: where asking all of it again costs nothing its asks go back to the
// queue, otherwise nobody knows, and it is said so.
func JudgeStale(spec providers.Spec, c store.StaleCall) store.Settlement {
	s := store.Settlement{Call: c.Call, Class: providers.Ambiguous.String(), Code: "owner_died",
		Rest: &store.Verdict{To: store.Unknown, Counted: true}}
	paid := func(a store.Ask) bool { return len(a.Subject) == 0 || !repeatable(spec, a) }
	if len(c.Asks) > 0 && !slices.ContainsFunc(c.Asks, paid) {
		s.Rest = &store.Verdict{To: store.Queued, Died: true}
	}
	return s
}

// SendNow works off the chunks of a provider that are ready, without Redis, one
// after the other, and returns how many there were.
func (w *Worker) SendNow(ctx context.Context, provider string) (int, error) {
	l := w.lines[provider]
	tried := map[store.ChunkRef]bool{}
	for {
		ref, ok, err := w.nextChunk(ctx, l, tried)
		if err != nil || !ok {
			return len(tried), err
		}
		tried[ref] = true
		if err := w.unrung(ctx, l, ref); err != nil {
			return len(tried), err
		}
	}
}

// unrung works a chunk off that no task came for.
func (w *Worker) unrung(ctx context.Context, l *line, c store.ChunkRef) error {
	ctx, end := w.opts.Tracer.Begin(ctx, Span{Name: TaskSend, Provider: l.spec.Name, Chunk: c.ID})
	err := w.work(ctx, l, c.ID, c.N)
	end(err)
	return err
}

func (w *Worker) nextChunk(ctx context.Context, l *line, tried map[store.ChunkRef]bool) (store.ChunkRef, bool, error) {
	turns, err := w.opts.Store.Turns(ctx, l.spec.Name)
	if err != nil {
		return store.ChunkRef{}, false, err
	}
	for _, t := range turns {
		refs, err := w.opts.Store.Offer(ctx, store.OfferRequest{Batch: t.Batch, Size: chunkSize(l.spec, l.limits.Rate), Limit: 1, Scope: l.spec.SubmitScope(),
			Skip: func(c store.ChunkRef) bool { return tried[c] }})
		if err != nil || len(refs) > 0 {
			return first(refs), len(refs) > 0, err
		}
	}
	return store.ChunkRef{}, false, nil
}

func first(refs []store.ChunkRef) store.ChunkRef {
	if len(refs) == 0 {
		return store.ChunkRef{}
	}
	return refs[0]
}

// PollNow makes one pass over each ticket of a provider that is due, without
// Redis, and returns how many there were.
func (w *Worker) PollNow(ctx context.Context, provider string) (int, error) {
	l := w.lines[provider]
	due, err := w.opts.Store.DueTickets(ctx, provider, 10*maxTickets)
	if err != nil {
		return 0, err
	}
	for _, t := range due {
		if err := w.pass(ctx, l, t.ID); err != nil {
			return len(due), err
		}
	}
	return len(due), nil
}
