package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/store"
)

// keeper sees to it that what was paid for is kept: in the store, else in the
// spool, else in memory until one of them takes it.
type keeper struct {
	st     store.Store
	spool  *store.Spool
	meter  Meter
	tracer Tracer
	log    zerolog.Logger

	draining sync.Mutex
	retried  bool // what was set aside was given to the store again, since the start

	hand hand

	mu    sync.Mutex
	fault error // of the store, when it took no change
	at    time.Time
	held  []store.TicketSettlement // polls without an answer, of tickets that are still leased
}

// faultLasts is how long a fault of the store is told of after it was seen:
// a store that is full takes small changes and refuses larger ones.
const faultLasts = 5 * time.Second

// note remembers how the store took a change.
func (k *keeper) note(err error) {
	if !away(err) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault, k.at = err, time.Now()
}

// well forgets what the store did not take: it has taken it now.
func (k *keeper) well() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault = nil
}

// Fault returns why the store took no change in the last seconds: an error of
// store.ErrFull or store.ErrAway, or nil.
func (w *Worker) Fault() error { return w.keeper.lately() }

func (k *keeper) lately() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.at) > faultLasts {
		return nil
	}
	return k.fault
}

// full reports that answers may find no room, so that none may be bought: in
// the spool, or in a store that has room for claims perhaps, but had none for
// something larger.
func (k *keeper) full() bool { return k.spool.Full() || errors.Is(k.lately(), store.ErrFull) }

// settle writes s, or spools it. The answer is never given up while the
// process lives; ctx ending does not stop it.
func (k *keeper) settle(ctx context.Context, s store.Settlement) (store.Settled, error) {
	defer k.hand.take(s.Call)()
	ctx, end := k.tracer.Begin(ctx, Span{Name: "settle", Call: s.Call, Asks: len(s.Verdicts)})
	began := time.Now()
	done, err := k.st.Settle(context.WithoutCancel(ctx), s)
	end(err)
	k.meter.Stored("settle", time.Since(began), err)
	k.note(err)
	if keepable(err) {
		k.keep(store.Spooled{Call: &s}, err)
		return store.Settled{}, nil
	}
	return done, err
}

// settleTicket does so for a poll. A poll can be repeated, so one that cannot
// be stored is spooled only for the answers in it; otherwise it is kept in
// memory, as nobody else may take the ticket before it is given back.
func (k *keeper) settleTicket(ctx context.Context, s store.TicketSettlement) (store.Settled, error) {
	ctx, end := k.tracer.Begin(ctx, Span{Name: "settle", Ticket: s.ID, Asks: len(s.Verdicts)})
	done, err := k.st.SettleTicket(context.WithoutCancel(ctx), s)
	end(err)
	k.note(err)
	if !away(err) {
		return done, err
	}
	if s.Hold { // the pass ends here
		s.Hold, s.Due = false, time.Now()
	}
	if len(s.Verdicts) > 0 {
		k.keep(store.Spooled{Ticket: &s}, err)
		return store.Settled{}, errSpooled
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = append(k.held, s)
	return store.Settled{}, err
}

// errSpooled says that a page was spooled: the pass must not go on past it,
// since the store does not know of it yet.
var errSpooled = errors.New("the store took no answer: it is kept in the spool")

// release gives back the tickets of polls that the store could not take.
func (k *keeper) release(ctx context.Context) error {
	k.mu.Lock()
	held := k.held
	k.held = nil
	k.mu.Unlock()
	for i, s := range held {
		if _, err := k.st.SettleTicket(ctx, s); away(err) {
			k.note(err)
			k.mu.Lock()
			k.held = append(k.held, held[i:]...)
			k.mu.Unlock()
			return err
		} else if err != nil {
			k.log.Error().Err(err).Int64("ticket", int64(s.ID)).Msg("a ticket could not be given back: its lease has to run out")
		}
	}
	return nil
}

// away: the store takes nothing now, and may later.
func away(err error) bool { return errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrAway) }

// keepable: what was paid for is kept, also where the store refuses it for a
// reason of its own, as nobody knows whether it will do so for ever.
func keepable(err error) bool {
	return err != nil && !errors.Is(err, store.ErrTicketTaken)
}

func (k *keeper) keep(s store.Spooled, cause error) {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := k.spool.Put(s)
		if err == nil {
			k.log.Warn().Err(cause).Msg("the store took no answer: it is kept in the spool")
			return
		}
		k.log.Error().Err(errors.Join(cause, err)).Msg("neither store nor spool takes an answer: it is kept in memory")
		time.Sleep(wait)
		if err := k.apply(context.Background(), s); err == nil {
			return
		}
	}
}

// apply gives a spooled outcome to the store. One that the store refuses for
// good has been applied before, or is a ticket's second owner.
func (k *keeper) apply(ctx context.Context, s store.Spooled) error {
	var err error
	if s.Call != nil {
		_, err = k.st.Settle(ctx, *s.Call)
	} else {
		_, err = k.st.SettleTicket(ctx, *s.Ticket)
	}
	if errors.Is(err, store.ErrTicketTaken) {
		k.log.Error().Msg("a spooled ticket belongs to another call: its asks stay as they are")
		return nil
	}
	return err
}

// drain gives the store what it could not take before. It does nothing where
// that is under way.
func (k *keeper) drain(ctx context.Context) error {
	if !k.draining.TryLock() {
		return nil
	}
	defer k.draining.Unlock()
	err := k.empty(ctx)
	if away(err) || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, k.release(ctx))
}

// empty empties the spool into the store, and once gives it again what it
// refused for an earlier process.
func (k *keeper) empty(ctx context.Context) error {
	apply := func(s store.Spooled) error { return k.apply(ctx, s) }
	n, err := k.spool.Drain(ctx, apply) // also an empty one: it mends the file after a fault of the disk
	if !k.retried && !away(err) && ctx.Err() == nil {
		again, refused := k.spool.Retry(ctx, apply)
		k.retried = !away(refused) && ctx.Err() == nil
		n, err = n+again, errors.Join(err, refused)
	}
	k.note(err)
	if n > 0 && !away(err) {
		k.well()
	}
	if n > 0 {
		k.log.Info().Int("outcomes", n).Msg("the store has taken what was spooled")
	}
	return err
}
