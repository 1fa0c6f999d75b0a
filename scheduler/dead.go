package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

const (
	// showUp is what living workers get to show that they live, and to hand in
	// what they have spooled, once a store is back that all of them had lost:
	// several of their heartbeats.
	showUp = 30 * time.Second
	// pulseEvery is the pause between two looks at whether the store is there.
	pulseEvery = 5 * time.Second
	// unseen is how long nobody may have seen the store answer for it to have
	// been there all the time.
	unseen = 3 * pulseEvery
	// staleAtOnce bounds the calls that are judged in one sweep.
	staleAtOnce = 1000
)

// watch is what a scheduler has seen of the store. The zero value has seen
// nothing. It is safe for concurrent use.
type watch struct {
	mu    sync.Mutex
	since time.Time // since when it answers, and its clock goes as ours does
	last  time.Time // when it did last
	// ours and theirs are what the clocks of both said at one time.
	ours, theirs time.Time
}

// saw notes that the store answers by now, and what its clock said meanwhile.
func (w *watch) saw(theirs, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// By how much its clock went ahead of ours: it was set, or we were
	// suspended. Heartbeats are older by that.
	ahead := theirs.Sub(w.theirs) - now.Sub(w.ours)
	anew := w.last.IsZero() || now.Sub(w.last) > unseen || ahead > unseen
	if anew {
		w.since = now
	}
	if anew || ahead < 0 { // what a clock that was set back makes good later counts
		w.ours, w.theirs = now, theirs
	}
	w.last = now
}

// lost notes that the store did not answer.
func (w *watch) lost() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.last = time.Time{}, time.Time{}
}

// steady reports whether the store has answered for so long, without a gap up to
// now, that all who live could show it.
func (w *watch) steady(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.last.IsZero() && now.Sub(w.last) <= unseen && now.Sub(w.since) >= showUp
}

// pulseOn watches the store by something as small as a heartbeat: however long
// all else takes in one that is slow, this passes where heartbeats do.
func (s *Scheduler) pulseOn(ctx context.Context) {
	for {
		s.pulse(ctx)
		if !sleep(ctx, pulseEvery, nil) {
			return
		}
	}
}

func (s *Scheduler) pulse(ctx context.Context) {
	theirs, err := s.opts.Store.Pulse(ctx)
	if err != nil {
		s.seen.lost()
		return
	}
	s.seen.saw(theirs, s.opts.Now())
}

// judgeDead judges the calls of workers that are gone, and frees their tickets.
// Where other processes have calls too, a store that was away makes all of them
// look dead: nobody is judged before those who live had the time to show it. With
// sure nobody else is waited for.
func (s *Scheduler) judgeDead(ctx context.Context, sure bool) error {
	stale, err := s.opts.Store.StaleCalls(ctx, staleAtOnce)
	if err != nil {
		return fmt.Errorf("list dead calls: %w", err)
	}
	if s.opts.Shared && !sure {
		s.pulse(ctx) // by the clock that has just made them dead
		if !s.seen.steady(s.opts.Now()) {
			return nil
		}
	}
	var errs []error // one call that cannot be judged stops no other
	for _, c := range stale {
		if s.opts.Holds == nil || !s.opts.Holds(c.Call) {
			errs = append(errs, s.judge(ctx, c))
		}
	}
	return errors.Join(append(errs, s.freeTickets(ctx))...)
}

func (s *Scheduler) judge(ctx context.Context, c store.StaleCall) error {
	spec, err := s.opts.Providers.Spec(c.Provider)
	if err != nil {
		spec = providers.Spec{Name: c.Provider} // not set up any more: nothing is free to repeat
	}
	verdict := jobs.JudgeStale(spec, c)
	done, err := s.opts.Store.Settle(ctx, verdict)
	if err != nil {
		return fmt.Errorf("judge call %d: %w", c.Call, err)
	}
	if done.Applied > 0 {
		s.opts.Log.Warn().Str("provider", c.Provider).Int64("call", int64(c.Call)).Int("asks", done.Applied).
			Stringer("now", verdict.Rest.To).Msg("the process that made this call is gone")
	}
	return nil
}

// freeTickets lets others poll what a process that is gone was polling.
func (s *Scheduler) freeTickets(ctx context.Context) error {
	n, err := s.opts.Store.FreeTickets(ctx)
	if n > 0 {
		s.opts.Log.Warn().Int("tickets", n).Msg("the process that asked about these is gone: others do")
		for name := range s.wakes {
			s.Wake(name)
		}
	}
	return err
}
