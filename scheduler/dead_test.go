package scheduler_test

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/scheduler"
	"github.com/plateq/plateq/store"
)

// leaving is a store that may be away, in which it may take long to finish lists
// and to forget webhooks, and which may keep whoever asks for dead calls waiting.
type leaving struct {
	store.Store
	away  bool
	slow  func()
	stuck func()
}

func (l *leaving) Pulse(ctx context.Context) (time.Time, error) {
	if l.away {
		return time.Time{}, store.ErrAway
	}
	return l.Store.Pulse(ctx)
}

func (l *leaving) Finish(ctx context.Context) ([]store.BatchNo, error) {
	l.slow()
	return l.Store.Finish(ctx)
}

func (l *leaving) DropOrphans(ctx context.Context) (int, error) {
	l.slow()
	return l.Store.DropOrphans(ctx)
}

func (l *leaving) StaleCalls(ctx context.Context, limit int) ([]store.StaleCall, error) {
	if l.away {
		return nil, store.ErrAway
	}
	l.stuck()
	return l.Store.StaleCalls(ctx, limit)
}

// elsewhere is a worker of another process. It beats each ten seconds, and has
// a call under way.
type elsewhere struct {
	*works
	store *leaving
	watch *scheduler.Scheduler
	batch store.BatchNo
	call  store.CallID
	dead  bool
	holds bool
	ahead time.Duration // of the clock of the store, before that of the scheduler
}

func newElsewhere(t *testing.T, shared bool) *elsewhere {
	t.Helper()
	w := newWorks(t, sim.Options{})
	e := &elsewhere{works: w, store: &leaving{Store: w.store, slow: func() {}, stuck: func() {}}}
	e.watch = scheduler.New(scheduler.Options{
		Store: e.store, Providers: w.set, Log: zerolog.Nop(), Now: func() time.Time { return w.now().Add(-e.ahead) }, Shared: shared,
		Holds: func(c store.CallID) bool { return e.holds && c == e.call },
	})
	e.batch = w.list(1)
	refs, err := w.store.Offer(t.Context(), store.OfferRequest{Batch: e.batch, Size: 50, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("got %v, %v, want a chunk", refs, err)
	}
	e.beat()
	c, err := w.store.Claim(t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "elsewhere", Max: 1, Expires: w.now().Add(time.Hour)})
	if err != nil || len(c.Asks) != 1 {
		t.Fatalf("got %+v, %v, want a claim", c, err)
	}
	e.call = c.Call
	return e
}

func (e *elsewhere) beat() {
	e.t.Helper()
	if err := e.works.store.Beat(e.t.Context(), "elsewhere"); err != nil {
		e.t.Fatal(err)
	}
}

// passes lets time pass: the sweeper looks, and the worker beats, unless it is
// dead or the store away.
func (e *elsewhere) passes(d time.Duration) {
	e.t.Helper()
	for t := time.Duration(0); t < d; t += 5 * time.Second {
		e.add(5 * time.Second)
		if t%(10*time.Second) == 0 && !e.dead && !e.store.away {
			e.beat()
		}
		e.look()
	}
}

func (e *elsewhere) look() {
	e.t.Helper()
	e.watch.Pulse(e.t.Context())
	if err := e.watch.Look(e.t.Context()); (err != nil) != e.store.away {
		e.t.Fatal(err)
	}
}

func (e *elsewhere) want(at string, judged bool) {
	e.t.Helper()
	if got := e.counts(e.batch)[store.Unknown] == 1; got != judged {
		e.t.Errorf("%s: judged %t, want %t", at, got, judged)
	}
}

// TestAStoreThatWasAwayMakesNobodyDead: when it comes back nobody has beaten
// for a minute, and what was answered meanwhile is still in the spools of those
// who asked.
func TestAStoreThatWasAwayMakesNobodyDead(t *testing.T) {
	t.Parallel()
	e := newElsewhere(t, true)
	e.passes(40 * time.Second)
	e.store.away = true
	e.passes(70 * time.Second)
	e.store.away = false
	e.want("at once", false)
	e.look()
	e.want("after a first look", false)
	e.passes(time.Minute)
	e.want("when it has beaten again", false)
	e.dead = true
	e.passes(2 * time.Minute)
	e.want("when it is dead", true)
}

// TestALookThatTookLongSawNothing: the store may wait until it is back itself.
func TestALookThatTookLongSawNothing(t *testing.T) {
	t.Parallel()
	e := newElsewhere(t, true)
	e.passes(40 * time.Second)
	e.add(70 * time.Second)
	e.look()
	e.want("after a first look", false)
	e.dead = true
	e.passes(20 * time.Second)
	e.want("while it could show itself", false)
	e.passes(2 * time.Minute)
	e.want("when it did not", true)
}

// TestAnAnswerThatWasStuckSawNothing: the store was gone while it was asked for
// dead calls, and nobody else has seen it since.
func TestAnAnswerThatWasStuckSawNothing(t *testing.T) {
	t.Parallel()
	e := newElsewhere(t, true)
	e.passes(40 * time.Second)
	e.store.stuck = func() { e.add(70 * time.Second) }
	e.look()
	e.want("when it answered again", false)
}

// TestASlowStoreIsNotOneThatWasAway: what is dead in it is judged all the same,
// however long a look takes in all, and each part of it.
func TestASlowStoreIsNotOneThatWasAway(t *testing.T) {
	t.Parallel()
	e := newElsewhere(t, true)
	e.dead = true
	e.store.slow = func() {
		for range 8 { // somebody else watches meanwhile
			e.add(5 * time.Second)
			e.watch.Pulse(e.t.Context())
		}
	}
	e.passes(90 * time.Second)
	e.want("when it did not show itself", true)
}

// TestANewSchedulerWaitsForThoseWhoLive, as it may have been started because
// the store was away; not where nobody else is there.
func TestANewSchedulerWaitsForThoseWhoLive(t *testing.T) {
	t.Parallel()
	for shared, judged := range map[bool]bool{true: false, false: true} {
		e := newElsewhere(t, shared)
		e.add(70 * time.Second)
		e.look()
		e.want("at once", judged)
		e.dead = true
		e.passes(35 * time.Second)
		e.want("later", true)
	}
}

// TestAClockSetForwardMakesNobodyDead: that of the store was set, or all but it
// was suspended. Who lives could show it by none of the two.
func TestAClockSetForwardMakesNobodyDead(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]time.Duration{"set forward": 0, "set right again": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newElsewhere(t, true)
			e.passes(40 * time.Second)
			set := func(d time.Duration) { e.add(d); e.ahead += d }
			set(-back)
			e.beat()
			e.passes(40 * time.Second)
			set(back + 70*time.Second)
			if err := e.watch.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
			e.want("by a look before the next pulse", false)
			e.look()
			e.want("at once", false)
			e.passes(time.Minute)
			e.want("when it has beaten again", false)
			e.dead = true
			e.passes(2 * time.Minute)
			e.want("when it is dead", true)
		})
	}
}

// TestACallWhoseOutcomeIsAtHandIsNotDead, whatever the store says of it.
func TestACallWhoseOutcomeIsAtHandIsNotDead(t *testing.T) {
	t.Parallel()
	e := newElsewhere(t, false)
	e.dead, e.holds = true, true
	e.passes(2 * time.Minute)
	e.want("while it is at hand", false)
	e.holds = false
	e.passes(5 * time.Second)
	e.want("when it is not", true)
}
