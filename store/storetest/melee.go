package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/plateq/plateq/store"
)

// melee is work of every kind on the same few lists at once.
type melee struct {
	w       *world
	batches []store.BatchNo
	tickets atomic.Int64
}

// togetherAll lets everyone do everything for a while and then, alone, brings
// all lists to their end. The books are looked at on the way and at the end.
func togetherAll(w *world) {
	m := &melee{w: w}
	for i := range 3 {
		list := append(many(fmt.Sprintf("own%d-", i), 40), many("shared", 40)...)
		m.batches = append(m.batches, w.list(list...))
	}
	acts := []func(i int){m.claimAndSettle, m.claimAndSettle, m.poll, m.read, m.pauseAndResume, m.submit}
	together(4*len(acts), func(i int) {
		for round := range 4 {
			acts[i%len(acts)](i + round)
		}
	})
	m.end()
	for _, b := range m.batches {
		w.batchState(b, store.BatchDone)
		equal(w, "open rows", w.batch(b).Counts.Open(), 0)
	}
}

func (m *melee) batch(i int) store.BatchNo { return m.batches[i%len(m.batches)] }

// claimAndSettle works one chunk and brings verdicts of every kind.
func (m *melee) claimAndSettle(i int) {
	w := m.w
	refs, err := w.s.Offer(w.ctx, store.OfferRequest{Batch: m.batch(i), Size: 9, Limit: 3})
	if !w.ok(err, "offer") || len(refs) == 0 {
		return
	}
	c, err := w.s.Claim(w.ctx, w.request(refs[i%len(refs)].ID))
	if !w.ok(err, "claim") || len(c.Asks) == 0 {
		return
	}
	s := store.Settlement{Call: c.Call, Tickets: []store.NewTicket{newTicket(fmt.Sprint("T-", m.tickets.Add(1)), w.now())}}
	for k, a := range c.Asks {
		s.Verdicts = append(s.Verdicts, w.verdict(a.ID, outcomes()[(i+k)%len(outcomes())]))
	}
	got, err := w.s.Settle(w.ctx, s)
	if w.ok(err, "settle") && got.Applied != len(c.Asks) {
		w.t.Errorf("%d of %d verdicts were applied", got.Applied, len(c.Asks))
	}
}

// poll answers what waits.
func (m *melee) poll(int) {
	w := m.w
	refs, err := w.s.DueTickets(w.ctx, provider, 5)
	w.ok(err, "list due tickets")
	for _, ref := range refs {
		o, err := w.s.ClaimTicket(w.ctx, store.TicketClaim{ID: ref.ID, Owner: worker, Scopes: []string{provider}, Until: w.in(lease)})
		if !w.ok(err, "claim ticket") || o.Lease == 0 {
			continue
		}
		s := store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.in(lease), Close: true}
		for _, a := range o.Asks {
			s.Verdicts = append(s.Verdicts, w.found(a.ID))
		}
		_, err = w.s.SettleTicket(w.ctx, s)
		w.ok(err, "settle ticket")
	}
}

// read expects the rows and the counts to add up in the middle of it all.
func (m *melee) read(i int) {
	w := m.w
	n := 0
	err := w.s.Rows(w.ctx, m.batch(i), store.RowFilter{}, func(r store.Row) error {
		n++
		if r.Number != n {
			return fmt.Errorf("row %d came at place %d", r.Number, n)
		}
		return nil
	})
	w.ok(err, "read rows")
	b, err := w.s.BatchByNo(w.ctx, m.batch(i))
	if w.ok(err, "read batch") && (b.Rows != n || b.Counts.Total() != n) {
		w.t.Errorf("%d rows were read of %d, and %d counted", n, b.Rows, b.Counts.Total())
	}
	report, err := w.s.Check(w.ctx)
	if w.ok(err, "check") && len(report.Problems) > 0 {
		w.t.Errorf("check found: %v", report.Problems)
	}
}

// pauseAndResume stops and starts a list, unless another was first or it is done.
func (m *melee) pauseAndResume(i int) {
	for _, err := range []error{m.w.s.Pause(m.w.ctx, m.batch(i), "wait"), m.w.s.Resume(m.w.ctx, m.batch(i))} {
		if state := (*store.StateError)(nil); !errors.As(err, &state) {
			m.w.ok(err, "pause and resume")
		}
	}
}

// submit takes in another list that shares, and cancels it at times.
func (m *melee) submit(i int) {
	w := m.w
	b, err := w.s.BeginBatch(w.ctx, reusing(lease, lease))
	if !w.ok(err, "begin batch") {
		return
	}
	_, err = w.s.AddRows(w.ctx, b, store.Piece{Rows: rows(append(many("shared", 20), fmt.Sprint("late", i))...)})
	w.ok(err, "add rows")
	if i%3 == 0 {
		w.ok(w.s.AbandonBatch(w.ctx, b), "abandon batch")
		return
	}
	got, err := w.s.CommitBatch(w.ctx, b, nil, w.now())
	if w.ok(err, "commit batch") && i%3 == 1 && !got.State.Finished() {
		err := w.s.Cancel(w.ctx, b, "wrong file")
		if state := (*store.StateError)(nil); !errors.As(err, &state) {
			w.ok(err, "cancel")
		}
	}
}

// end answers all that is left.
func (m *melee) end() {
	w := m.w
	for _, b := range m.batches {
		if w.batch(b).State == store.BatchPaused {
			w.must(w.s.Resume(w.ctx, b), "resume")
		}
	}
	for _, b := range m.batches {
		for _, ref := range w.offer(b, 100) {
			if c := w.take(ref.ID); len(c.Asks) > 0 {
				w.settleRest(c, w.found(0))
			}
		}
	}
	w.pass(2 * lease)
	for _, ref := range w.due() {
		o := w.takeTicket(ref.ID)
		var v []store.Verdict
		for _, a := range o.Asks {
			v = append(v, w.found(a.ID))
		}
		w.settleTicket(o, v...)
	}
	_, err := w.s.Finish(w.ctx)
	w.must(err, "finish")
}
