package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// send works off the chunk that was rung for.
func (w *Worker) send(ctx context.Context, l *line, payload []byte) error {
	var p sendPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("read task: %w", err)
	}
	return w.work(ctx, l, p.Chunk)
}

// work works a chunk off: one call where the provider takes batches, several
// side by side where it takes single look-ups.
func (w *Worker) work(ctx context.Context, l *line, chunk store.ChunkID) error {
	lanes := 1
	if l.spec.MaxBatch == 1 {
		lanes = max(1, l.limits.Concurrency)
	}
	var g errgroup.Group
	for range lanes {
		g.Go(func() error { return w.lane(ctx, l, chunk) })
	}
	return g.Wait()
}

// lane makes one call after the other until nothing of the chunk is left to
// take now, or a gate is closed.
func (w *Worker) lane(ctx context.Context, l *line, chunk store.ChunkID) error {
	for {
		more, err := w.call(ctx, l, chunk)
		if err != nil || !more {
			return err
		}
	}
}

// call makes at most one paid call and settles it.
func (w *Worker) call(ctx context.Context, l *line, chunk store.ChunkID) (more bool, err error) {
	scopes := []string{l.spec.Name, l.spec.SubmitScope()}
	if _, closed := w.gates.Closed(ctx, scopes...); closed || w.keeper.full() {
		return false, nil
	}
	permit, err := w.permit(ctx, l, Submits)
	if err != nil || permit == nil {
		return false, err
	}
	defer permit.Release()
	// Gates may have closed during the wait, and space run out.
	if _, closed := w.gates.Closed(ctx, scopes...); closed || w.keeper.full() {
		return false, nil
	}
	size := l.spec.MaxBatch
	if w.gates.Circuit(ctx, scopes...) {
		size = 1 // a probe that fails leaves one row unknown, not hundreds
	}
	claim, err := w.opts.Store.Claim(ctx, store.ClaimRequest{
		Chunk: chunk, Owner: w.opts.ID, Scopes: scopes, Max: size,
		Expires: w.opts.Now().Add(l.limits.Timeout + callMargin),
	})
	if _, closed := errors.AsType[*store.GateClosedError](err); closed {
		w.gates.Forget()
		return false, nil
	}
	if _, old := errors.AsType[*store.OldCopyError](err); old {
		return false, nil // said at the start, and by /readyz
	}
	w.keeper.note(err)
	if err != nil {
		return false, fmt.Errorf("claim: %w", err)
	}
	if len(claim.Asks) == 0 {
		return false, nil
	}
	w.opts.Wake(l.spec.Name)
	if slices.ContainsFunc(claim.Probes, func(s string) bool { return slices.Contains(scopes, s) }) {
		l.limiter.Empty(ctx) // if it opens the gate, nobody rushes through; past that of a part others go on
	}
	s := w.ask(ctx, l, claim, permit)
	permit.Release()
	if err := w.settle(ctx, l, s); err != nil {
		return false, err
	}
	for _, g := range s.Gates.Close {
		if g.Class == providers.DailyLimited {
			l.limiter.Shut(ctx, g.Scope, until(g.Until, w.opts.Now()))
		}
	}
	// A part of the service that closes is no end to the others.
	wide := slices.ContainsFunc(s.Gates.Close, func(g store.GateClose) bool { return slices.Contains(scopes, g.Scope) })
	return !claim.Whole && !wide, nil
}

// ask makes the paid request. From here on nothing but the call's own timeout
// ends it: cut in half, nobody would know whether it was paid for.
func (w *Worker) ask(ctx context.Context, l *line, c store.Claim, permit *Permit) store.Settlement {
	began, sent := time.Now(), w.opts.Now()
	permit.Use()
	ctx, cancel := providers.Within(context.WithoutCancel(ctx), l.limits.Timeout)
	defer cancel()
	outs, err := w.opts.Providers.Submit(ctx, l.spec.Name, requests(c.Asks))
	if err != nil {
		// Nothing was attempted: a fault of ours in building the call.
		l.log.Error().Err(err).Int64("call", int64(c.Call)).Msg("call could not be made")
		return store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued, Died: true}, Class: providers.Poison.String()}
	}
	s := l.policy.judge(c, sent, outs)
	w.feedback(permit, outs)
	ev := l.log.Debug()
	if s.Class != "" {
		ev = l.log.Warn().Str("class", s.Class).Str("code", s.Code)
	}
	ev.Int64("call", int64(c.Call)).Int("asks", len(c.Asks)).Dur("took", time.Since(began)).Msg("call made")
	return s
}

// feedback tells the limiter where the provider found too many requests.
func (w *Worker) feedback(permit *Permit, outs []providers.Outcome) {
	for _, o := range outs {
		if e, ok := errors.AsType[*providers.Error](o.Err); ok && e.Class == providers.RateLimited {
			permit.Exceeded(e.Scope, until(e.Until, w.opts.Now()))
			return
		}
	}
}

// until is the time from now to at; 0 where at is not set or has passed.
func until(at, now time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return max(0, at.Sub(now))
}

// settle writes what a call brought. A ticket that belongs to another call
// already proves nothing about this one: its asks are unknown.
func (w *Worker) settle(ctx context.Context, l *line, s store.Settlement) error {
	done, err := w.keeper.settle(ctx, s)
	if errors.Is(err, store.ErrTicketTaken) {
		l.log.Error().Int64("call", int64(s.Call)).Msg("the provider gave one ticket for two calls: the second is kept as unknown")
		done, err = w.keeper.settle(ctx, store.Settlement{Call: s.Call, Class: providers.Ambiguous.String(), Code: "ticket_taken",
			Rest: &store.Verdict{To: store.Unknown, Counted: true}})
	}
	if err != nil {
		return fmt.Errorf("settle call %d: %w", s.Call, err)
	}
	w.resendUnknown(ctx, l, s)
	w.report(l, done)
	return nil
}

// report tells of what a settlement did beyond its rows.
func (w *Worker) report(l *line, d store.Settled) {
	if d.Refused > 0 {
		l.log.Warn().Int("asks", d.Refused).Msg("an outcome came after its asks were settled otherwise: nothing was changed")
	}
	for _, g := range d.Gates {
		w.gates.Forget()
		ev := l.log.Warn().Str("gate", g.Gate.Scope)
		if g.Opened {
			ev.Msg("gate opened")
			continue
		}
		ev.Stringer("class", g.Gate.Class).Str("code", g.Gate.Code).Time("until", g.Gate.Until).Msg("gate closed")
	}
	w.opts.Wake(l.spec.Name)
}
