// Package scheduler decides when: it rings for chunks that are ready and for
// tickets that are due, judges calls whose owner is dead, lets lists go on
// whose budget has room again, repeats lists at the times of their schedules, and
// lets go of those whose time is over. What is due is kept in the store and claimed there, so that any number of schedulers may run, be killed and come back
// without harm. It never calls a provider.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

const (
	// sweepEvery is the pause between two looks at what nobody rings for.
	sweepEvery = 5 * time.Second
	// fundEvery is the pause between two looks at what budgets hold.
	fundEvery = time.Second
	// idle is the longest pause between two looks for work; calm the shortest.
	idle = time.Second
	calm = 25 * time.Millisecond
	// busy is the longest pause for so long after something was rung for:
	// workers elsewhere may run out of work, and cannot say so.
	busy    = 200 * time.Millisecond
	busyFor = 10 * time.Second
	// dueCalm is the shortest pause where only tickets are waited for.
	dueCalm = 100 * time.Millisecond
)

// Options say what a Scheduler works with. Fields that do not say what their
// zero value means are required.
type Options struct {
	Store     store.Store
	Providers *providers.Set
	Enqueuer  *jobs.Enqueuer
	Log       zerolog.Logger
	Now       func() time.Time
	// Resends says of a provider that what became unknown is asked again, once;
	// nil: of none.
	Resends func(provider string) bool
	// Reuse says which known answers lists are content with that are repeated
	// by a schedule; nil: none.
	Reuse func(provider string) store.Reuse
	// Alone leaves schedules to others.
	Alone bool
	// Shared says that other processes work over the same store.
	Shared bool
	// Holds reports whether an outcome of the call may be at hand in this process
	// that the store has not taken: the call is not dead. nil: never.
	Holds func(store.CallID) bool
}

// Scheduler rings for work that is due. Run it once.
type Scheduler struct {
	opts  Options
	wakes map[string]chan struct{}
	seen  watch
}

// New returns a scheduler for all providers of the set.
func New(o Options) *Scheduler {
	s := &Scheduler{opts: o, wakes: map[string]chan struct{}{}}
	for _, name := range o.Providers.Names() {
		s.wakes[name] = make(chan struct{}, 1)
	}
	return s
}

// Wake says that a provider may have new work. It never blocks.
func (s *Scheduler) Wake(provider string) {
	select {
	case s.wakes[provider] <- struct{}{}:
	default:
	}
}

// Run works until the context ends.
func (s *Scheduler) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for name := range s.wakes {
		wg.Go(func() { s.follow(ctx, name) })
	}
	if s.opts.Shared {
		wg.Go(func() { s.pulseOn(ctx) })
	}
	wg.Go(func() { s.sweepOn(ctx) })
	wg.Go(func() { s.fundOn(ctx) })
	wg.Go(func() { s.expireOn(ctx) })
	if !s.opts.Alone {
		wg.Go(func() { s.repeatOn(ctx) })
	}
	wg.Wait()
}

// follow rings for one provider's work whenever there may be some.
func (s *Scheduler) follow(ctx context.Context, provider string) {
	log := s.opts.Log.With().Str("provider", provider).Logger()
	quiet := &once{log: log}
	var rang time.Time
	for {
		n, err := s.Ring(ctx, provider)
		quiet.tell(err, "ring for work")
		if n > 0 {
			rang = time.Now()
		}
		longest := idle
		if time.Since(rang) < busyFor {
			longest = busy
		}
		if !s.rest(ctx, provider, longest) {
			return
		}
	}
}

// Ring rings once for all that one provider has ready and due, and returns
// for how many chunks.
func (s *Scheduler) Ring(ctx context.Context, provider string) (int, error) {
	n, sendErr := s.opts.Enqueuer.Fill(ctx, provider)
	_, pollErr := s.opts.Enqueuer.RingTickets(ctx, provider)
	return n, errors.Join(sendErr, pollErr)
}

// rest waits until there may be work: somebody says so, a ticket becomes due,
// or the longest pause is over. It returns false when the context has ended.
func (s *Scheduler) rest(ctx context.Context, provider string, longest time.Duration) bool {
	if !sleep(ctx, calm, nil) {
		return false
	}
	return sleep(ctx, min(longest, s.untilDue(ctx, provider)), s.wakes[provider])
}

// untilDue is the pause until the next ticket becomes due, within bounds. One
// that is overdue has been rung for, or waits behind a gate: its worker wakes
// us, or nobody has to hurry.
func (s *Scheduler) untilDue(ctx context.Context, provider string) time.Duration {
	now := s.opts.Now()
	next, err := s.opts.Store.NextDue(ctx, provider, now)
	if err != nil || next.IsZero() {
		return idle
	}
	return min(idle, max(dueCalm, next.Sub(now)))
}

// sleep waits for the time, or for wake; false: the context has ended.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-t.C:
	}
	return true
}

func (s *Scheduler) sweepOn(ctx context.Context) {
	quiet := &once{log: s.opts.Log}
	for {
		quiet.tell(s.sweep(ctx, false), "sweep")
		if !sleep(ctx, sweepEvery, nil) {
			return
		}
	}
}

// fundOn lets lists go on that a budget held, soon after it has room again.
func (s *Scheduler) fundOn(ctx context.Context) {
	quiet := &once{log: s.opts.Log}
	for {
		n, err := s.opts.Enqueuer.ResumeFunded(ctx)
		quiet.tell(err, "look for room in budgets")
		for name := range s.wakes {
			if n > 0 {
				s.Wake(name)
			}
		}
		if !sleep(ctx, fundEvery, nil) {
			return
		}
	}
}

// Sweep judges dead calls, frees tickets of dead workers, resends what is unknown where that is wanted, finishes
// batches that hold no open row, and forgets webhooks that told of nothing. Who is
// dead is what the store says now, see Once; Run watches it for a while first.
func (s *Scheduler) Sweep(ctx context.Context) error { return s.sweep(ctx, true) }

func (s *Scheduler) sweep(ctx context.Context, sure bool) error {
	err := s.judgeDead(ctx, sure)
	if errors.Is(err, store.ErrAway) {
		return err
	}
	errs := []error{err, s.resend(ctx)}
	if _, err := s.opts.Store.Finish(ctx); err != nil {
		errs = append(errs, fmt.Errorf("finish batches: %w", err))
	}
	orphans, err := s.opts.Store.DropOrphans(ctx)
	if err != nil {
		errs = append(errs, fmt.Errorf("forget webhooks: %w", err))
	}
	if orphans > 0 {
		s.opts.Log.Warn().Int("webhooks", orphans).Msg("webhooks of a day ago told of nothing that is known: somebody else's calls, or ones whose answer was lost")
	}
	return errors.Join(errs...)
}

// resend asks again what is unknown, where the operator wants that.
func (s *Scheduler) resend(ctx context.Context) error {
	var errs []error
	for _, provider := range s.opts.Providers.Names() {
		if s.opts.Resends == nil || !s.opts.Resends(provider) {
			continue
		}
		rows, err := jobs.ResendUnknown(ctx, s.opts.Store, provider, s.opts.Log.With().Str("provider", provider).Logger())
		if rows > 0 {
			s.Wake(provider)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Once does by itself, through w, all that is due now: it judges, sends and
// polls, without Redis, until nothing more is ready.
func (s *Scheduler) Once(ctx context.Context, w *jobs.Worker) error {
	if err := w.DrainSpool(ctx); err != nil {
		return fmt.Errorf("drain spool: %w", err)
	}
	if err := s.Sweep(ctx); err != nil {
		return err
	}
	if _, err := s.opts.Enqueuer.ResumeFunded(ctx); err != nil {
		return err
	}
	if err := s.Repeat(ctx); err != nil {
		return err
	}
	for _, provider := range s.opts.Providers.Names() {
		if _, err := w.SendNow(ctx, provider); err != nil {
			return fmt.Errorf("send to %s: %w", provider, err)
		}
		if _, err := w.PollNow(ctx, provider); err != nil {
			return fmt.Errorf("poll %s: %w", provider, err)
		}
	}
	if _, err := s.opts.Store.Finish(ctx); err != nil {
		return err
	}
	return s.Expire(ctx)
}

// once logs a fault when it begins, when it changes and when it is over.
type once struct {
	log  zerolog.Logger
	last string
}

func (o *once) tell(err error, doing string) {
	if err == nil || errors.Is(err, context.Canceled) {
		if o.last != "" && err == nil {
			o.log.Info().Msg(doing + " works again")
			o.last = ""
		}
		return
	}
	if text := err.Error(); text != o.last {
		o.log.Error().Err(err).Msg(doing)
		o.last = text
	}
}
