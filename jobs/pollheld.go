package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/plateq/plateq/store"
)

const (
	// maxHeld bounds the answers that wait for those of further pages.
	maxHeld = 1000
	// heldFor is how long they do. They are free to be read again.
	heldFor = time.Second
)

// held is what pages of one pass have brought and the store was not told yet.
// Pages that follow each other quickly are settled together, as answers of
// look-ups are: each settlement costs as much as some hundred answers. Should
// the process end before, they are read again, free of charge.
type held struct {
	w     *Worker
	l     *line
	what  store.TicketSettlement
	since time.Time // when the first of it came; zero: there is nothing
}

// add takes what a page brought. It came after what is held: a gate that it
// closes is not opened by a page before it. Nothing that is held closes a gate,
// since a page that does so is the last of its pass.
func (h *held) add(s store.TicketSettlement) {
	if h.since.IsZero() {
		h.what, h.since = s, time.Now()
		return
	}
	s.Polls += h.what.Polls
	s.Verdicts = slices.Concat(h.what.Verdicts, s.Verdicts)
	s.Names = slices.Concat(h.what.Names, s.Names)
	s.Readings = slices.Concat(h.what.Readings, s.Readings)
	for _, scope := range h.what.Gates.Open {
		if !slices.Contains(s.Gates.Open, scope) && !s.Gates.Closes(scope) {
			s.Gates.Open = append(s.Gates.Open, scope)
		}
	}
	h.what = s
}

// wait is how long it may wait for a further page, where one takes so long;
// 0: it is to be settled now.
func (h *held) wait(page time.Duration) time.Duration {
	if len(h.what.Verdicts) >= maxHeld {
		return 0
	}
	return max(0, heldFor-time.Since(h.since)-page)
}

// settle writes down what is held, if there is anything.
func (h *held) settle(ctx context.Context) error {
	if h.since.IsZero() {
		return nil
	}
	s := h.what
	h.what, h.since = store.TicketSettlement{}, time.Time{}
	done, err := h.w.keeper.settleTicket(ctx, s)
	if err != nil {
		return fmt.Errorf("settle ticket: %w", err)
	}
	h.w.report(h.l, done)
	return nil
}

// permit waits for the permit of the next page, and settles what is held when
// it has waited for long enough. No permit: no request may start any more. The
// error is that of the settlement: the pass must not go on past it.
func (h *held) permit(ctx context.Context, wait time.Duration) (*Permit, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	came := make(chan *Permit, 1)
	go func() {
		permit, err := h.w.permit(ctx, h.l, Polls)
		if err != nil {
			permit = nil
		}
		came <- permit
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case permit := <-came:
		return permit, nil
	case <-timer.C:
	}
	err := h.settle(ctx)
	if err != nil {
		stop()
	}
	permit := <-came
	if err != nil && permit != nil {
		permit.Release()
		permit = nil
	}
	return permit, err
}
