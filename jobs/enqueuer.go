package jobs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

const (
	// windowTime is how much work the tasks in Redis stand for.
	windowTime = 2 * time.Second
	// ringAgain is how long a bell may go unheard before it is rung again. A
	// name that is still in Redis makes the second ring a no-op.
	ringAgain = 30 * time.Second
	// lostAfter is the same where Redis holds no task at all.
	lostAfter = 2 * time.Second
	// leftAfter is how long nothing is claimed of a chunk of look-ups that
	// nobody works on any more.
	leftAfter = time.Second
	// maxChunk bounds a chunk of single look-ups, maxWindow the chunks in
	// Redis where no pace is known.
	maxChunk  = 500
	maxWindow = 64
)

// EnqueuerOptions say what an Enqueuer works with. All fields are required but
// Budgets and Tracer.
type EnqueuerOptions struct {
	Store     store.Store
	Providers *providers.Set
	Limits    map[string]Limits
	Redis     redis.UniversalClient
	Budgets   store.BudgetDefaults
	Tracer    Tracer // nil: nobody traces
	Log       zerolog.Logger
	Now       func() time.Time
}

// Enqueuer keeps a small window of tasks in Redis filled, in turn from the
// batches that run. What it remembers only spares work: any number of
// enqueuers may ring for the same store. Safe for concurrent use; calls for
// one provider wait for each other.
type Enqueuer struct {
	opts      EnqueuerOptions
	client    *asynq.Client
	inspector *asynq.Inspector
	gates     *Gates
	mu        sync.Mutex
	bells     map[string]*bells
}

// bells is what was rung for, at one provider.
type bells struct {
	mu      sync.Mutex
	chunks  map[store.ChunkID]rung
	tickets map[store.TicketID]rung
	served  map[store.BatchNo]float64 // asks rung for, over weight
	fresh   map[store.BatchNo]bool    // those that were never rung for
	shut    bool                      // the gate was closed when last looked at
	parts   []string                  // of the service that were shut then, by scope
	pace    turnover                  // of chunks, where no other is known
}

// rung is one ring for one thing, by the number of times it was answered.
type rung struct {
	ring  int
	at    time.Time
	heard bool // somebody works on it, or did
}

// NewEnqueuer returns an enqueuer that has rung for nothing.
func NewEnqueuer(o EnqueuerOptions) *Enqueuer {
	if o.Tracer == nil {
		o.Tracer = noTracer{}
	}
	return &Enqueuer{
		opts: o, bells: map[string]*bells{}, gates: NewGates(o.Store, o.Now),
		client:    asynq.NewClientFromRedisClient(o.Redis),
		inspector: asynq.NewInspectorFromRedisClient(o.Redis),
	}
}

func (e *Enqueuer) of(provider string) *bells {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.bells[provider]
	if b == nil {
		b = &bells{chunks: map[store.ChunkID]rung{}, tickets: map[store.TicketID]rung{}, served: map[store.BatchNo]float64{}, fresh: map[store.BatchNo]bool{}}
		e.bells[provider] = b
	}
	return b
}

// Fill rings for chunks of a provider until the window is full or there are
// none. It returns how many were rung for. A closed gate rings for nothing.
func (e *Enqueuer) Fill(ctx context.Context, provider string) (int, error) {
	spec, err := e.opts.Providers.Spec(provider)
	if err != nil {
		return 0, err
	}
	b := e.of(provider)
	b.mu.Lock()
	defer b.mu.Unlock()
	inRedis, err := e.outstanding(ctx, provider)
	if err != nil {
		return 0, err
	}
	b.forget(e.opts.Now(), inRedis)
	if e.closed(ctx, b, spec) {
		return 0, nil
	}
	size, window, paced := e.window(ctx, spec)
	if !paced {
		window = b.pace.look(e.opts.Now(), window, inRedis)
	}
	n, err := e.ring(ctx, b, spec, size, window-inRedis, 2*window-inRedis)
	b.pace.filled(n)
	return n, err
}

// closed looks at the gates. When they open after having been shut, or one of a
// part of the service does, what was rung for before found closed doors and is
// forgotten.
func (e *Enqueuer) closed(ctx context.Context, b *bells, spec providers.Spec) bool {
	_, shut := e.gates.Closed(ctx, spec.Name, spec.SubmitScope())
	parts := e.gates.Below(ctx, spec.SubmitScope())
	opened := slices.ContainsFunc(b.parts, func(scope string) bool { return !slices.Contains(parts, scope) })
	if b.shut && !shut || opened {
		clear(b.chunks)
	}
	b.shut, b.parts = shut, parts
	return shut
}

// window returns how many asks a chunk gets and how many chunks may be in
// Redis: two seconds' work, at least two, and calls for twice the concurrency.
// Not paced: what two seconds bring is not known beforehand, and no more of a
// chunk of look-ups is asked side by side than it has askers.
func (e *Enqueuer) window(ctx context.Context, spec providers.Spec) (size, chunks int, paced bool) {
	l := e.opts.Limits[spec.Name]
	rate := l.Rate
	if rate == 0 {
		rate = e.learnt(ctx, spec, l)
	}
	calls := 2 * max(1, l.Concurrency)
	if paced = rate > 0; paced {
		calls = max(calls, int(math.Ceil(rate*windowTime.Seconds())))
	}
	size = chunkSize(spec, rate)
	if spec.MaxBatch > 1 {
		return size, max(2, calls), paced
	}
	each := size
	if !paced {
		each = min(size, l.askers())
	}
	return size, max(2, (calls+each-1)/each), paced
}

// learnt is the pace that the fleet has learnt; startRate where nothing is
// known.
func (e *Enqueuer) learnt(ctx context.Context, spec providers.Spec, l Limits) float64 {
	p, err := ReadPace(ctx, e.opts.Redis, spec, l)
	if err != nil || p.Rate <= 0 {
		return startRate
	}
	return p.Rate
}

// chunkSize is how many asks a chunk gets that is cut now: what one call takes
// or, of look-ups, half of the window at that rate.
func chunkSize(spec providers.Spec, rate float64) int {
	if spec.MaxBatch > 1 {
		return spec.MaxBatch
	}
	switch rate {
	case Unlimited:
		return maxChunk
	case 0: // nothing is learnt yet
		rate = startRate
	}
	return min(maxChunk, max(1, int(rate*windowTime.Seconds()/2)))
}

// ring takes batches in turn: the one that was served least for its weight
// comes first. Where the window is full, those that were never rung for get a
// first chunk all the same, up to a bound: they wait for nobody's chunk.
func (e *Enqueuer) ring(ctx context.Context, b *bells, spec providers.Spec, size, free, most int) (int, error) {
	turns, err := e.opts.Store.Turns(ctx, spec.Name)
	if err != nil {
		return 0, fmt.Errorf("list batches: %w", err)
	}
	b.keepServed(turns)
	n := 0
	for n < most && len(turns) > 0 {
		if n >= free {
			if turns = b.unheard(turns); len(turns) == 0 {
				break
			}
		}
		i := b.least(turns)
		rang, err := e.ringOne(ctx, b, spec, turns[i], size)
		if err != nil {
			return n, err
		}
		if !rang {
			turns = append(turns[:i:i], turns[i+1:]...)
			continue
		}
		n++
	}
	return n, nil
}

func (e *Enqueuer) ringOne(ctx context.Context, b *bells, spec providers.Spec, t store.Turn, size int) (bool, error) {
	now := e.opts.Now()
	refs, err := e.opts.Store.Offer(ctx, store.OfferRequest{Batch: t.Batch, Size: size, Limit: 1, Scope: spec.SubmitScope(), Skip: func(c store.ChunkRef) bool {
		return b.rung(c, now, spec.MaxBatch == 1)
	}})
	if err != nil || len(refs) == 0 {
		return false, err
	}
	if err := e.ringChunk(ctx, spec.Name, refs[0], t.Trace); err != nil {
		return false, err
	}
	b.chunks[refs[0].ID] = rung{ring: refs[0].Ring, at: now}
	delete(b.fresh, t.Batch)
	b.served[t.Batch] += float64(refs[0].N) / math.Max(t.Weight, 1e-6)
	return true, nil
}

// ringChunk hangs the bell of a chunk, for the list of that trace.
func (e *Enqueuer) ringChunk(ctx context.Context, provider string, c store.ChunkRef, list store.Trace) (err error) {
	ctx, end := e.opts.Tracer.Begin(ctx, Span{Name: "ring " + TaskSend, Kind: Rings, List: list, Provider: provider, Chunk: c.ID, Asks: c.N})
	defer func() { end(err) }()
	task, opts, err := sendTask(provider, c, e.opts.Tracer.Carry(ctx))
	if err != nil {
		return err
	}
	return e.enqueue(ctx, task, opts)
}

// ringTickets hangs one bell for some tickets.
func (e *Enqueuer) ringTickets(ctx context.Context, provider string, some []store.TicketRef) (err error) {
	ctx, end := e.opts.Tracer.Begin(ctx, Span{Name: "ring " + TaskPoll, Kind: Rings, Provider: provider})
	defer func() { end(err) }()
	task, opts, err := pollTask(provider, some, e.opts.Tracer.Carry(ctx))
	if err != nil {
		return err
	}
	return e.enqueue(ctx, task, opts)
}

// enqueue hangs a bell. One that hangs already is as good, unless nobody would
// ever hear it.
func (e *Enqueuer) enqueue(ctx context.Context, t *asynq.Task, opts []asynq.Option) error {
	for range 3 {
		_, err := e.client.EnqueueContext(ctx, t, opts...)
		if err == nil {
			return nil
		}
		if !errors.Is(err, asynq.ErrTaskIDConflict) {
			return fmt.Errorf("ring for %s: %w", t.Type(), err)
		}
		free, ok := e.unhang(ctx, opts)
		if !ok {
			return nil
		}
		opts = free
	}
	return nil
}

// unhang makes room for a bell where one hangs that nobody hears: one that
// asynq has archived is deleted, and one that was taken for a worker which
// never learned of it, or is gone, gets another name, as it cannot be deleted.
// It returns the options under which there is room, and whether there is.
func (e *Enqueuer) unhang(ctx context.Context, opts []asynq.Option) ([]asynq.Option, bool) {
	var queue, id string
	for _, o := range opts {
		switch o.Type() {
		case asynq.QueueOpt:
			queue, _ = o.Value().(string)
		case asynq.TaskIDOpt:
			id, _ = o.Value().(string)
		}
	}
	info, err := e.inspector.GetTaskInfo(queue, id)
	if err != nil {
		return nil, false
	}
	switch info.State {
	case asynq.TaskStateArchived, asynq.TaskStateCompleted:
		return opts, e.inspector.DeleteTask(queue, id) == nil
	case asynq.TaskStateActive:
		until, err := e.opts.Redis.ZScore(ctx, leases(queue), id).Result()
		orphan := errors.Is(err, redis.Nil) || err == nil && until < float64(time.Now().Unix())
		return append(slices.Clip(opts), asynq.TaskID(id+"'")), orphan
	default:
		return nil, false
	}
}

// leases is where asynq keeps until when its tasks are held by a worker.
func leases(queue string) string { return "asynq:{" + queue + "}:lease" }

// outstanding is how many tasks of a provider wait in Redis or are held by a
// worker. What was taken and is held by nobody comes back minutes later, and
// must not keep others out of the window for so long. It also puts the queue
// back on asynq's list, from where losing Redis takes it for good.
func (e *Enqueuer) outstanding(ctx context.Context, provider string) (int, error) {
	if err := e.opts.Redis.SAdd(ctx, "asynq:queues", Queue(provider)).Err(); err != nil {
		return 0, fmt.Errorf("ask Redis for the queue of %s: %w", provider, err)
	}
	info, err := e.inspector.GetQueueInfo(Queue(provider))
	if err != nil {
		return 0, fmt.Errorf("ask Redis for the queue of %s: %w", provider, err)
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	held, err := e.opts.Redis.ZCount(ctx, leases(Queue(provider)), now, "+inf").Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis for the queue of %s: %w", provider, err)
	}
	return info.Pending + int(held) + info.Scheduled + info.Retry, nil
}

// RingTickets rings for tickets that are due. It returns how many.
func (e *Enqueuer) RingTickets(ctx context.Context, provider string) (int, error) {
	spec, err := e.opts.Providers.Spec(provider)
	if err != nil || !spec.Pending {
		return 0, err
	}
	b := e.of(provider)
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, shut := e.gates.Closed(ctx, e.gates.PollScopes(ctx, spec)...); shut {
		clear(b.tickets) // what was rung for finds closed doors
		return 0, nil
	}
	due, err := e.opts.Store.DueTickets(ctx, provider, 10*maxTickets)
	if err != nil {
		return 0, fmt.Errorf("list due tickets: %w", err)
	}
	due = b.nextTickets(due, e.ticketWindow(spec.Name), e.opts.Now())
	for some := range slices.Chunk(due, e.perTask(spec.Name, len(due))) {
		if err := e.ringTickets(ctx, provider, some); err != nil {
			return 0, err
		}
		for _, t := range some {
			b.tickets[t.ID] = rung{ring: t.Polls, at: e.opts.Now()}
		}
	}
	return len(due), nil
}

// ticketWindow is how many due tickets may be rung for and not be taken yet:
// two seconds' work, as with chunks. Where more are due than may be asked about,
// those that are rung for hold slots of workers, which submits need as well.
func (e *Enqueuer) ticketWindow(provider string) int {
	l := e.opts.Limits[provider]
	switch l.Rate {
	case Unlimited:
		return 10 * maxTickets
	case 0: // it is being learnt
		return maxTickets
	default:
		return max(2*max(1, l.Concurrency), int(math.Ceil(l.Rate*windowTime.Seconds())))
	}
}

// perTask spreads due tickets over the calls that may be in flight, so that
// one task does not hold them all.
func (e *Enqueuer) perTask(provider string, due int) int {
	n := max(1, e.opts.Limits[provider].Concurrency)
	return min(maxTickets, max(1, (due+n-1)/n))
}
