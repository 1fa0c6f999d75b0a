package jobs

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/plateq/plateq/store"
)

// While Redis is away no bell rings, and the work would stand still. A worker
// that hears nothing looks for work in the store by itself, at the pace that
// its limiter keeps alone. Others look there too: what is claimed is claimed
// once.

const (
	// listenEvery is how often a worker finds out whether it would hear a bell.
	listenEvery = 250 * time.Millisecond
	// deafFor is how long it goes on looking when Redis is back: until then
	// bells that were lost hang again, and asynq has given back what it held
	// for nobody.
	deafFor = ringAgain + lostAfter
	// seekAgain is the pause between one find and the next look.
	seekAgain = 20 * time.Millisecond
	// choice is of how many chunks a worker takes one. Several workers that
	// look at once so seldom get into each other's way.
	choice = 8
)

// ears knows whether a bell would be heard.
type ears struct {
	redis redis.UniversalClient
	// attend says in Redis that this process is there.
	attend func(context.Context) error

	mu    sync.Mutex
	heard bool      // Redis has answered at least once
	until time.Time // deaf until then
	deaf  bool
	seek  chan struct{} // closed while it is deaf
}

func newEars(c redis.UniversalClient, attend func(context.Context) error) *ears {
	return &ears{redis: c, attend: attend, seek: make(chan struct{})}
}

// listen asks Redis now and then, until ctx ends. A process that it has never
// answered does not know how many share the pace, and stays at rest.
func (e *ears) listen(ctx context.Context) {
	var attended time.Time
	for ctx.Err() == nil {
		due := time.Since(attended) >= attendEvery
		if due {
			attended = time.Now()
		}
		answer := make(chan error, 1)
		go func() { answer <- e.ask(ctx, due) }()
		var err error
		select {
		case err = <-answer:
		case <-time.After(patience):
			e.note(time.Now(), false)
			err = <-answer // which the client bounds
		}
		e.note(time.Now(), err == nil)
		rest(ctx, listenEvery)
	}
}

// ask finds out whether Redis answers, and attends where that is due.
func (e *ears) ask(ctx context.Context, attend bool) error {
	if attend {
		if err := e.attend(ctx); err != nil {
			return err
		}
	}
	return e.redis.Ping(ctx).Err()
}

// note takes down whether Redis has answered.
func (e *ears) note(now time.Time, answered bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if answered {
		e.heard = true
	} else if e.heard {
		e.until = now.Add(deafFor)
	}
	switch deaf := now.Before(e.until); {
	case deaf && !e.deaf:
		close(e.seek)
	case !deaf && e.deaf:
		e.seek = make(chan struct{})
	}
	e.deaf = now.Before(e.until)
}

// silence returns a channel that is closed while no bell would be heard.
func (e *ears) silence() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seek
}

// rest waits for the time or the end of ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// attend says that this process shares the pace of every provider.
func (w *Worker) attend(ctx context.Context) error {
	for _, l := range w.lines {
		if err := l.limiter.Attend(ctx); err != nil {
			return err
		}
	}
	return nil
}

// seek does what look finds, whenever no bell would be heard, until no new
// work is taken.
func (w *Worker) seek(l *line, look func(context.Context, *line) (bool, error)) {
	ctx := w.claims
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.ears.silence():
		}
		if !w.enter() {
			return
		}
		found, err := look(ctx, l)
		w.running.Done()
		if err != nil && ctx.Err() == nil {
			l.log.Error().Err(err).Msg("look for work without Redis")
		}
		pause := seekAgain
		if !found || err != nil {
			pause = listenEvery
		}
		rest(ctx, pause)
	}
}

// seekChunk works one of the chunks that are ready off.
func (w *Worker) seekChunk(ctx context.Context, l *line) (bool, error) {
	if w.shut(ctx, l) {
		return false, nil
	}
	turns, err := w.opts.Store.Turns(ctx, l.spec.Name)
	if err != nil {
		return false, err
	}
	size := chunkSize(l.spec, l.limits.Rate)
	for _, i := range rand.Perm(len(turns)) { //nolint:gosec // any order will do
		refs, err := w.opts.Store.Offer(ctx, store.OfferRequest{Batch: turns[i].Batch, Size: size, Limit: choice, Scope: l.spec.SubmitScope()})
		if err != nil {
			return false, err
		}
		if len(refs) > 0 {
			ref := refs[rand.IntN(len(refs))] //nolint:gosec // any will do
			return true, w.unrung(ctx, l, ref)
		}
	}
	return false, nil
}

// seekTickets makes a pass over tickets that are due.
func (w *Worker) seekTickets(ctx context.Context, l *line) (bool, error) {
	due, err := w.opts.Store.DueTickets(ctx, l.spec.Name, maxTickets)
	if err != nil || len(due) == 0 {
		return false, err
	}
	if _, closed := w.gates.Closed(ctx, w.gates.PollScopes(ctx, l.spec)...); closed {
		return false, nil
	}
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] }) //nolint:gosec // any order will do
	var g errgroup.Group
	g.SetLimit(max(1, l.limits.Concurrency))
	for _, t := range due {
		g.Go(func() error { return w.pass(ctx, l, t.ID) })
	}
	return true, g.Wait()
}
