package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// send works off the chunk that was rung for.
func (w *Worker) send(ctx context.Context, l *line, payload []byte) error {
	var p sendPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("read task: %w", err)
	}
	return w.work(ctx, l, p.Chunk, p.N)
}

// work works a chunk off. n is how many asks there are, if it is known.
func (w *Worker) work(ctx context.Context, l *line, chunk store.ChunkID, n int) error {
	if l.spec.MaxBatch == 1 {
		return w.lookUp(ctx, l, chunk, n)
	}
	return w.lane(ctx, l, chunk)
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
	if w.shut(ctx, l) {
		return false, nil
	}
	permit, err := w.permit(ctx, l, Submits)
	if err != nil || permit == nil {
		return false, err
	}
	defer permit.Release()
	// Gates may have closed during the wait, and space run out.
	if w.shut(ctx, l) {
		return false, nil
	}
	c, err := w.claim(ctx, l, chunk, l.spec.MaxBatch)
	if err != nil || len(c.Asks) == 0 {
		return false, err
	}
	s := w.ask(ctx, l, c, permit)
	// The slot is held until it is settled: a process that dies then leaves no
	// more calls unknown than may be in flight.
	if err := w.settle(ctx, l, s); err != nil {
		return false, err
	}
	for _, g := range s.Gates.Close {
		if g.Class == providers.DailyLimited {
			l.limiter.Shut(ctx, g.Scope, until(g.Until, w.opts.Now()))
		}
	}
	// A part of the service that closes is no end to the others.
	return c.Left > 0 && !l.closes(s), nil
}

// shut reports that no paid call may start: a gate is closed, or what it
// brings may find no room.
func (w *Worker) shut(ctx context.Context, l *line) bool {
	_, closed := w.gates.Closed(ctx, l.spec.Name, l.spec.SubmitScope())
	return closed || w.keeper.full()
}

// claim records a call of up to size asks of a chunk. A claim without asks is
// none: nothing is left to take, a gate is closed, or a budget has no room.
func (w *Worker) claim(ctx context.Context, l *line, chunk store.ChunkID, size int) (c claim, err error) {
	ctx, end := w.opts.Tracer.Begin(ctx, Span{Name: "claim", Provider: l.spec.Name, Chunk: chunk})
	defer func() {
		w.opts.Tracer.Note(ctx, Span{Call: c.Call, Asks: len(c.Asks)})
		end(err)
	}()
	scopes := []string{l.spec.Name, l.spec.SubmitScope()}
	if w.gates.Circuit(ctx, scopes...) {
		size = 1 // a probe that fails leaves one row unknown, not hundreds
	}
	began, begun := time.Now(), w.opts.Now()
	got, err := w.opts.Store.Claim(ctx, store.ClaimRequest{
		Chunk: chunk, Owner: w.opts.ID, Scopes: scopes, Max: size, Lookups: l.spec.MaxBatch == 1,
		Expires: begun.Add(l.limits.Timeout + callMargin), Price: l.limits.Price, Budgets: w.opts.Budgets,
	})
	took := time.Since(began)
	if _, closed := errors.AsType[*store.GateClosedError](err); closed {
		w.gates.Forget()
		return claim{}, nil
	}
	if _, old := errors.AsType[*store.OldCopyError](err); old {
		return claim{}, nil // said at the start, and by /readyz
	}
	if refused, ok := errors.AsType[*store.BudgetError](err); ok {
		return claim{}, w.reach(ctx, l, refused)
	}
	w.keeper.note(err)
	w.opts.Meter.Stored("claim", took, err)
	if err != nil {
		return claim{}, fmt.Errorf("claim: %w", err)
	}
	if len(got.Asks) == 0 {
		return claim{}, nil
	}
	w.opts.Wake(l.spec.Name)
	if slices.ContainsFunc(got.Probes, func(s string) bool { return slices.Contains(scopes, s) }) {
		l.limiter.Empty(ctx) // if it opens the gate, nobody rushes through; past that of a part others go on
	}
	return claim{Claim: got, begun: begun}, nil
}

// closes reports that a settlement closes a gate that everyone has to pass.
func (l *line) closes(s store.Settlement) bool {
	return slices.ContainsFunc(s.Gates.Close, func(g store.GateClose) bool {
		return g.Scope == l.spec.Name || g.Scope == l.spec.SubmitScope()
	})
}

// lookUpOne makes one of the requests that a record stands for. It reports
// whether a gate is to be closed over it that others of the record would pass:
// nobody waits until it is.
func (w *Worker) lookUpOne(ctx context.Context, l *line, s shot, permit *Permit) (closes bool) {
	got := w.ask(ctx, l, s.one(s.ask), permit)
	if got.Rest != nil { // nothing was attempted
		v := *got.Rest
		v.Ask = s.ask.ID
		got.Verdicts, got.Rest = []store.Verdict{v}, nil
	}
	for i := range got.Verdicts {
		got.Verdicts[i].Alone = true
	}
	s.came(got)
	return l.closes(got) || len(got.Gates.Close) > 0 && !s.claim.Probe
}

// ask makes the paid request, unless the claim has grown old. From here on
// nothing but the call's own timeout ends it: cut in half, nobody would know
// whether it was paid for.
func (w *Worker) ask(ctx context.Context, l *line, c claim, permit *Permit) store.Settlement {
	began, sent := time.Now(), w.opts.Now()
	left := c.youth(sent)
	if left <= 0 {
		return w.late(l, c)
	}
	permit.Use()
	ctx, cancel := providers.Within(context.WithoutCancel(ctx), l.limits.Timeout)
	defer cancel()
	ctx, end := w.opts.Tracer.Begin(ctx, Span{Name: l.spec.SubmitScope(), Kind: Asks, Provider: l.spec.Name, Call: c.Call, Asks: len(c.Asks)})
	outs, err := w.opts.Providers.Submit(providers.Soon(ctx, began, left), l.spec.Name, requests(c.Asks))
	end(errors.Join(err, firstError(outs)))
	if err != nil {
		// Nothing was attempted: a fault of ours in building the call.
		l.log.Error().Err(err).Int64("call", int64(c.Call)).Msg("call could not be made")
		return store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued, Died: true}, Class: providers.Poison.String()}
	}
	if notBegun(outs) {
		return w.late(l, c)
	}
	took := time.Since(began)
	w.counts.request(l.spec.Name, l.spec.Endpoints.Submit, took, firstError(outs))
	s := l.policy.judge(c.Claim, sent, outs)
	w.feedback(permit, outs)
	ev := l.log.Debug()
	if s.Class != "" {
		ev = l.log.Warn().Str("class", s.Class).Str("code", s.Code)
	}
	traced(ev, w.opts.Tracer.ID(ctx)).Int64("call", int64(c.Call)).Int("asks", len(c.Asks)).Dur("took", took).Msg("call made")
	return s
}

// late gives a claim back that has grown old before anything of it was sent.
func (w *Worker) late(l *line, c claim) store.Settlement {
	l.log.Warn().Int64("call", int64(c.Call)).Int("asks", len(c.Asks)).Msg("call not made: too much time is gone since it was claimed, others may judge it soon")
	return c.unsent()
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
	w.counts.settled(l.spec.Name, d)
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
