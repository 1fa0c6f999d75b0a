package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// poll asks about tickets, several side by side.
func (w *Worker) poll(ctx context.Context, l *line, payload []byte) error {
	var p pollPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("read task: %w", err)
	}
	if l.spec.Parts {
		if err := l.policy.hazards.share(ctx, l.sharing, w.opts.Now()); err != nil {
			l.log.Debug().Err(err).Msg("polls go by what this process knows")
		}
	}
	var g errgroup.Group
	g.SetLimit(max(1, l.limits.Concurrency))
	for _, id := range p.Tickets {
		g.Go(func() error { return w.pass(ctx, l, id) })
	}
	return g.Wait()
}

// pass makes one pass over the records of a ticket.
func (w *Worker) pass(ctx context.Context, l *line, id store.TicketID) error {
	scopes := w.gates.PollScopes(ctx, l.spec)
	if _, closed := w.gates.Closed(ctx, scopes...); closed {
		return nil
	}
	permit, err := w.permit(ctx, l, Polls)
	if err != nil || permit == nil {
		return err
	}
	// Of many bells for one ticket only the first uses its permit up.
	defer permit.Release()
	t, err := w.opts.Store.ClaimTicket(ctx, store.TicketClaim{ID: id, Owner: w.opts.ID, Scopes: scopes, Until: w.lease(l)})
	if _, closed := errors.AsType[*store.GateClosedError](err); closed {
		w.gates.Forget()
		return nil
	}
	w.keeper.note(err)
	if err != nil {
		return fmt.Errorf("claim ticket: %w", err)
	}
	if t.Lease == 0 {
		return nil
	}
	if t.Probe {
		l.limiter.Empty(ctx)
	}
	ctx, end := w.opts.Tracer.Begin(ctx, Span{Name: "poll", List: t.Trace, Provider: l.spec.Name, Ticket: id, Call: t.Call, Asks: len(t.Asks)})
	err = w.pages(ctx, l, t, permit)
	end(err)
	return err
}

// lease is until when a ticket is ours: time to wait for a token, for one
// request, and a margin.
func (w *Worker) lease(l *line) time.Time {
	return w.opts.Now().Add(maxDebt + l.limits.Timeout + callMargin)
}

// giveBack lets go of a ticket before its pass is over, with what is held of it.
func (w *Worker) giveBack(ctx context.Context, t store.OpenTicket, h *held) error {
	if h.since.IsZero() {
		h.add(store.TicketSettlement{ID: t.ID, Lease: t.Lease, Handle: t.Handle, Interval: t.Interval})
	}
	h.what.Hold, h.what.Due = false, w.opts.Now()
	return h.settle(ctx)
}

// pages polls until the pass is over, an error ends it, or no new request may
// start. What a page brings is settled before the next one is waited for, unless
// that comes soon.
func (w *Worker) pages(ctx context.Context, l *line, t store.OpenTicket, permit *Permit) error {
	a := l.policy.agenda(t, w.opts.Providers.Parts(l.spec.Name, t.Handle))
	h := &held{w: w, l: l}
	for {
		began := time.Now()
		sent, part := w.opts.Now(), a.next()
		got, err := w.page(ctx, l, t, part, permit)
		permit.Release()
		j := a.judge(t, sent, part, w.opts.Providers.Parts(l.spec.Name, got.Ticket), got, err)
		if j.more {
			j.settlement.Due = w.lease(l)
		}
		h.add(j.settlement)
		if !j.more {
			return h.settle(ctx)
		}
		t.Handle, t.Asks = j.settlement.Handle, without(t.Asks, j.settlement.Verdicts)
		wait := h.wait(time.Since(began))
		if t.Probe || wait == 0 { // others may wait for the gate
			if err := h.settle(ctx); err != nil {
				return err
			}
		}
		t.Probe = false
		if permit, err = h.permit(ctx, wait); err != nil {
			return err
		}
		if permit == nil {
			return w.giveBack(ctx, t, h)
		}
	}
}

// page makes one request about a ticket: about a part of it, or the next one of
// a whole pass.
func (w *Worker) page(ctx context.Context, l *line, t store.OpenTicket, part int, permit *Permit) (got providers.Progress, err error) {
	permit.Use()
	ctx, cancel := providers.Within(context.WithoutCancel(ctx), l.limits.Timeout)
	defer cancel()
	ctx, end := w.opts.Tracer.Begin(ctx, Span{Name: l.spec.Name + "/" + l.spec.Endpoints.Poll, Kind: Asks, Provider: l.spec.Name, Ticket: t.ID, Asks: len(t.Asks)})
	began := time.Now()
	t.Handle.Named = t.Adopted
	if part == whole {
		got, err = w.opts.Providers.Poll(ctx, l.spec.Name, t.Handle, requests(t.Asks))
	} else {
		got, err = w.opts.Providers.PollPart(ctx, l.spec.Name, t.Handle, part, requests(t.Asks))
	}
	end(err)
	w.counts.request(l.spec.Name, l.spec.Endpoints.Poll, time.Since(began), err)
	if err == nil {
		for _, n := range got.Notices {
			l.log.Warn().Int64("ticket", int64(t.ID)).Str("notice", n.Kind).Int("count", n.Count).Msg("the provider sent something odd")
		}
		return got, nil
	}
	e := asError(l.spec, err)
	if e.Class == providers.RateLimited {
		permit.Exceeded(e.Scope, until(e.Until, w.opts.Now()))
	}
	traced(l.log.Warn(), w.opts.Tracer.ID(ctx)).Int64("ticket", int64(t.ID)).Stringer("class", e.Class).Str("code", e.Code).Msg("poll brought no answer")
	return got, err
}

// without returns asks less those that verdicts name.
func without(asks []store.Ask, verdicts []store.Verdict) []store.Ask {
	if len(verdicts) == 0 {
		return asks
	}
	settled := make(map[store.AskID]bool, len(verdicts))
	for _, v := range verdicts {
		settled[v.Ask] = true
	}
	left := make([]store.Ask, 0, len(asks)-len(settled))
	for _, a := range asks {
		if !settled[a.ID] {
			left = append(left, a)
		}
	}
	return left
}
