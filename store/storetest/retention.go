package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var retentionRules = []rule{
	{"rows are deleted when their time is over, and no sooner", retentionTime},
	{"a list that says nothing is kept as long as the store keeps any", retentionDefault},
	{"what stays of a list names nobody", retentionNamesNobody},
	{"nothing that is sealed is left, and no record of rows and questions", retentionRest},
	{"the time of a list runs from its end", retentionEnd},
	{"the time of a list that is asked again begins anew", retentionAgain},
	{"what is under way is let finish", retentionUnderWay},
	{"a list that a schedule repeats is kept", retentionSchedule},
	{"a list without rows is neither retried nor scheduled", retentionRefuses},
	{"an answer lives as long as a list that has it", retentionKnown},
	{"an ask that another list waits on stays that list's", retentionShared},
	{"rows that were given another ask keep both", retentionRenewed},
	{"an unknown ask is given up when no list has it any more", retentionUnknown},
	{"a ticket is not asked about when nobody wants its answers", retentionTicket},
	{"a question whose answer is gone is asked anew", retentionAsksAnew},
	{"an answer is not given out again once its time is over, swept or not", retentionOver},
	{"an answer is known while the time of a list that has it runs", retentionRuns},
	{"a key goes back to no ask that is gone", retentionKey},
	{"asks of an abandoned list go with those who joined them", retentionAbandoned},
	{"what was asked for a list that is over goes with its home that is abandoned", retentionBeforeHome},
	{"what was cut off is gone on with", retentionCutOff},
}

const day = 24 * time.Hour

// keptFor is a batch that says for how long it is kept.
func keptFor(d time.Duration) store.NewBatch {
	nb := reusing(1000*day, 1000*day)
	nb.Kept = d
	return nb
}

// lapse lets go of lists whose time is over.
func (w *world) lapse() store.Expired {
	w.t.Helper()
	got, err := w.s.Expire(w.ctx)
	w.must(err, "expire lists")
	return got
}

// answeredIn is a done batch that is kept for so long.
func (w *world) answeredIn(nb store.NewBatch, plates ...string) store.BatchNo {
	w.t.Helper()
	b := w.submit(nb, rows(plates...))
	w.settleRest(w.claim(b), w.found(0))
	return b
}

// expired says when the rows of a batch went; it ends the rule if they did not.
func (w *world) expired(b store.BatchNo) store.ExpiredError {
	w.t.Helper()
	return *wantError[*store.ExpiredError](w, "read rows", w.s.Rows(w.ctx, b, store.RowFilter{}, func(store.Row) error { return nil }))
}

// holds is how many rows, asks and answers there are, in books that balance.
func (w *world) holds(rows, asks, answers int) {
	w.t.Helper()
	r, err := w.s.Check(w.ctx)
	w.must(err, "check")
	equal(w, "problems", r.Problems, nil)
	equal(w, "rows, asks and answers", []int{r.Rows, r.Asks, r.Answers}, []int{rows, asks, answers})
}

func retentionTime(w *world) {
	b := w.submit(keptFor(30*day), append(rows("P1", "P1", "P2"), invalid("X")))
	w.pass(time.Hour)
	w.settleRest(w.claim(b), w.found(0))
	ended := w.now()
	got := w.batch(b)
	equal(w, "ended, kept and until when", []any{got.Ended, got.Kept, got.OwnKept, got.Until()}, []any{ended, 30 * day, 30 * day, ended.Add(30 * day)})
	w.pass(30*day - time.Millisecond)
	equal(w, "before its time", w.lapse(), store.Expired{})
	w.holds(4, 2, 2)
	w.pass(time.Millisecond)
	equal(w, "in its time", w.lapse(), store.Expired{Lists: 1, Rows: 4, Asks: 2})
	w.holds(0, 0, 0)
	equal(w, "why there are no rows", w.expired(b), store.ExpiredError{Batch: got.ID, At: w.now(), Kept: 30 * day})
	now := w.batch(b)
	equal(w, "rows, counts and costs", []any{now.Rows, now.Counts, now.Costs}, []any{got.Rows, got.Counts, got.Costs})
	equal(w, "state", now.State, store.BatchDone)
	equal(w, "when they went", now.Expired, w.now())
	equal(w, "calls", w.calls(), 1)
	entries := w.happened(store.HistoryFilter{Batch: b})
	equal(w, "what happened last", entries[len(entries)-1].What, store.EntryExpired)
	equal(w, "once more", w.lapse(), store.Expired{})
}

func retentionDefault(w *world) {
	said, silent := w.answeredIn(keptFor(2*day), "P1"), w.answeredIn(plain(), "P2")
	w.pass(1000 * day)
	w.lapse()
	w.expired(said)
	w.states(silent, store.Found)
	w.opts.Retention = 90 * day
	w.reopen()
	now := w.batch(silent)
	equal(w, "until when", now.Until(), now.Ended.Add(90*day))
	equal(w, "what it says, and how long it is kept", []any{now.OwnKept, now.Kept}, []any{time.Duration(0), 90 * day})
	equal(w, "by the store's own time", w.lapse().Lists, 1)
	w.opts.Retention = 0
	w.reopen()
	equal(w, "how long it was kept", w.expired(silent).Kept, 90*day)
}

func retentionNamesNobody(w *world) {
	nb := keptFor(day)
	nb.Name, nb.Purpose, nb.Metadata = "plates of Ivanov", "insurance", json.RawMessage(`{"client":"Ivanov"}`)
	nb.Params = providers.Params{"operator": "311"}
	b := w.begin(nb)
	w.add(b, rows("P1"))
	_, err := w.s.CommitBatch(w.ctx, b, []byte("plates of Ivanov"), time.Time{})
	w.must(err, "commit batch")
	w.settleRest(w.claim(b), w.found(0))
	w.pass(day)
	w.lapse()
	got := w.batch(b)
	equal(w, "name, metadata and columns", []any{got.Name, string(got.Metadata), len(got.Columns)}, []any{"", "", 0})
	equal(w, "purpose and parameters", []any{got.Purpose, got.Params}, []any{"insurance", nb.Params})
	if _, err := w.s.FindBatch(w.ctx, []byte("plates of Ivanov")); !errors.Is(err, store.ErrNoBatch) {
		w.t.Errorf("the list is found by what was in it: %v", err)
	}
}

func retentionEnd(w *world) {
	running, paused := w.submit(keptFor(day), rows("P1")), w.submit(keptFor(day), rows("P2"))
	w.pause(paused)
	cancelled := w.submit(keptFor(day), rows("P3"))
	again := w.submit(keptFor(day), rows("P4"))
	w.settleRest(w.claim(again), w.failed(0, store.ClassUnavailable))
	w.pass(40 * day)
	w.cancel(cancelled)
	w.askAgain(store.RetryRequest{Batch: again})
	w.pass(day - time.Millisecond)
	equal(w, "before any end", w.lapse(), store.Expired{})
	w.pass(time.Millisecond)
	equal(w, "a day after it was cancelled", w.lapse(), store.Expired{Lists: 1, Rows: 1, Asks: 1})
	w.expired(cancelled)
	w.states(running, store.Queued)
	w.states(paused, store.Queued)
	w.states(again, store.Queued)
	w.settleRest(w.claim(again), w.found(0))
	w.pass(day)
	w.lapse()
	w.expired(again)
}

func retentionUnderWay(w *world) {
	b := w.submit(keptFor(day), rows("P1", "P2"))
	c := w.takeMax(w.chunk(b).ID, 1)
	w.cancel(b)
	w.pass(9 * day)
	equal(w, "while a call is out", w.lapse(), store.Expired{})
	w.settleRest(c, w.found(0))
	equal(w, "then", w.lapse(), store.Expired{Lists: 1, Rows: 2, Asks: 2})
	w.holds(0, 0, 0)
}

func retentionSchedule(w *world) {
	b := w.answeredIn(keptFor(day), "P1")
	r := store.Schedule{ID: store.NewScheduleID(), Tenant: store.DefaultTenant, List: b, Cron: "0 6 * * *", Zone: "UTC", Paused: true, Created: w.now()}
	w.must(w.s.AddSchedule(w.ctx, r, nil), "add schedule")
	w.pass(100 * day)
	equal(w, "while it is repeated", w.lapse(), store.Expired{})
	w.states(b, store.Found)
	w.must(w.s.RemoveSchedule(w.ctx, r.ID), "remove schedule")
	equal(w, "then", w.lapse(), store.Expired{Lists: 1, Rows: 1, Asks: 1})
}

func retentionRefuses(w *world) {
	b := w.submit(keptFor(day), rows("P1"))
	w.settleRest(w.claim(b), w.failed(0, store.ClassUnavailable))
	w.pass(day)
	w.lapse()
	_, err := w.s.Retry(w.ctx, store.RetryRequest{Batch: b})
	refuses[*store.ExpiredError](w, "retry", err)
	_, err = w.s.Causes(w.ctx, b)
	refuses[*store.ExpiredError](w, "read causes", err)
	err = w.s.AddSchedule(w.ctx, store.Schedule{ID: store.NewScheduleID(), List: b, Cron: "0 6 * * *", Zone: "UTC", Created: w.now()}, nil)
	refuses[*store.ExpiredError](w, "add schedule", err)
	w.batchState(b, store.BatchDone)
}

func retentionKnown(w *world) {
	first := w.answeredIn(keptFor(day), "P1", "P2")
	w.pass(time.Hour)
	second := w.submit(keptFor(10*day), rows("P1"))
	w.pass(day)
	equal(w, "after the first list", w.lapse(), store.Expired{Lists: 1, Rows: 2, Asks: 1})
	w.expired(first)
	w.holds(1, 1, 1)
	w.states(second, store.Found)
	equal(w, "the answer", string(w.row(second, 1).Answer.Result), `{"valid":true}`)
	third := w.submit(keptFor(100*day), rows("P1"))
	equal(w, "calls", w.calls(), 1)
	w.pass(10 * day)
	equal(w, "after the second list", w.lapse(), store.Expired{Lists: 1, Rows: 1})
	w.states(third, store.Found)
	w.pass(100 * day)
	equal(w, "after the last list", w.lapse(), store.Expired{Lists: 1, Rows: 1, Asks: 1})
	w.holds(0, 0, 0)
}

func retentionShared(w *world) {
	first := w.submit(keptFor(day), rows("P1", "P2"))
	second := w.submit(keptFor(100*day), rows("P1"))
	c := w.claim(first)
	w.settleRest(c, unknown(0))
	w.pass(2 * day)
	equal(w, "after the first list", w.lapse(), store.Expired{Lists: 1, Rows: 2, Asks: 1, Given: 1})
	w.states(second, store.Unknown)
	equal(w, "counts of the first list", w.batch(first).Counts, store.Counts{store.Unknown: 2})
	equal(w, "late answers", w.settle(c, w.found(w.ask(c, "P1")), w.found(w.ask(c, "P2"))), store.Settled{Applied: 1, Refused: 1, Late: 1})
	w.states(second, store.Found)
	equal(w, "counts of the first list after that", w.batch(first).Counts, store.Counts{store.Unknown: 2})
	w.holds(1, 1, 1)
	w.pass(100 * day)
	equal(w, "after the second list", w.lapse(), store.Expired{Lists: 1, Rows: 1, Asks: 1})
	w.holds(0, 0, 0)
}

func retentionRenewed(w *world) {
	first := w.submit(keptFor(day), rows("P1"))
	second := w.submit(keptFor(50*day), rows("P1"))
	w.settleRest(w.claim(first), w.failed(0, store.ClassUnavailable))
	equal(w, "retried", w.askAgain(store.RetryRequest{Batch: second}).Rows, 1)
	w.settleRest(w.claim(second), w.found(0))
	w.pass(2 * day)
	equal(w, "after the first list", w.lapse(), store.Expired{Lists: 1, Rows: 1})
	w.holds(1, 2, 2)
	w.states(second, store.Found)
	w.pass(50 * day)
	equal(w, "after the second list", w.lapse(), store.Expired{Lists: 1, Rows: 1, Asks: 2})
	w.holds(0, 0, 0)
}

func retentionUnknown(w *world) {
	price := store.Price{Each: 2_000_000, Currency: "INR"}
	b := w.submit(keptFor(day), rows("P1", "P2"))
	r := w.request(w.chunk(b).ID)
	r.Price = price
	c, err := w.s.Claim(w.ctx, r)
	w.must(err, "claim")
	w.settle(c, w.found(w.ask(c, "P1")))
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Unknown}, Class: "ambiguous", Note: []byte("what was seen of P2")})
	costs := w.batch(b).Costs
	w.pass(day)
	equal(w, "given up", w.lapse(), store.Expired{Lists: 1, Rows: 2, Asks: 2, Given: 1})
	w.holds(0, 0, 0)
	equal(w, "unknown calls", w.unknowns(store.UnknownFilter{}), nil)
	decided, err := w.s.Decisions(w.ctx, "", 10)
	w.must(err, "list decisions")
	equal(w, "decision", decided, []store.Decided{{
		At: w.now(), What: "give-up", Call: c.Call, Asks: 1, Decision: store.Decision{By: store.ByPolicy, Reason: store.GivenUpWith},
	}})
	equal(w, "costs", w.batch(b).Costs, costs)
	equal(w, "late answer", w.settle(c, w.found(w.ask(c, "P2"))), store.Settled{Refused: 1})
	equal(w, "counts", w.batch(b).Counts, store.Counts{store.Found: 1, store.Unknown: 1})
}

func retentionTicket(w *world) {
	nb := keptFor(3 * day)
	b := w.submit(nb, rows("P1", "P2"))
	w.settleWaiting(w.claim(b), "T-1")
	other := w.submit(keptFor(20*day), rows("P2"))
	w.pass(49 * time.Hour)
	w.expire(w.poll("T-1"))
	w.pass(4 * day)
	equal(w, "after the first list", w.lapse(), store.Expired{Lists: 1, Rows: 2, Asks: 1})
	o := w.poll("T-1")
	equal(w, "asked about", plates(store.Claim{Asks: o.Asks}), []string{"P2"})
	w.settlePoll(store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.in(time.Hour), Interval: time.Hour})
	w.pass(20 * day)
	equal(w, "after the second list", w.lapse(), store.Expired{Lists: 1, Rows: 1, Asks: 1})
	w.pass(day)
	due, err := w.s.DueTickets(w.ctx, provider, 10)
	w.must(err, "list due tickets")
	equal(w, "due tickets", due, nil)
	equal(w, "what a poll that was under way brings", w.settleTicket(o, w.found(o.Asks[0].ID)), store.Settled{Refused: 1})
	w.expired(other)
	w.holds(0, 0, 0)
}

func retentionAsksAnew(w *world) {
	w.answeredIn(keptFor(day), "DL01AA1000")
	w.pass(day)
	w.lapse()
	w.holds(0, 0, 0)
	b, taken := w.taken(keptFor(day))
	equal(w, "taken", taken, store.Taken{Rows: 1, Asks: 1})
	w.settleRest(w.claim(b), w.notFound(0))
	w.states(b, store.NotFound)
	equal(w, "calls", w.calls(), 2)
}

func retentionKey(w *world) {
	w.answeredIn(keptFor(day), "DL01AA1000")
	nb := keptFor(day)
	nb.Reuse = store.Reuse{}
	w.pass(time.Hour)
	fresh := w.begin(nb)
	equal(w, "taken in", w.add(fresh, rows("DL01AA1000")).Asks, 1)
	w.pass(day)
	equal(w, "after the first list", w.lapse(), store.Expired{Lists: 1, Rows: 1, Asks: 1})
	w.must(w.s.AbandonBatch(w.ctx, fresh), "abandon batch")
	w.holds(0, 0, 0)
	_, taken := w.taken(keptFor(day))
	equal(w, "taken", taken, store.Taken{Rows: 1, Asks: 1})
}

func retentionAbandoned(w *world) {
	home := w.begin(plain())
	w.add(home, rows("P1", "P2"))
	b := w.submit(keptFor(day), rows("P1"))
	w.must(w.s.AbandonBatch(w.ctx, home), "abandon batch")
	w.settleRest(w.claim(b), w.found(0))
	w.holds(1, 1, 1)
	w.pass(day)
	equal(w, "after the list that joined", w.lapse(), store.Expired{Lists: 1, Rows: 1, Asks: 1})
	w.holds(0, 0, 0)
}

func retentionCutOff(w *world) {
	first := w.submit(keptFor(day), rows("P1", "P2", "P3"))
	w.settleRest(w.claim(first), w.found(0))
	second := w.submit(keptFor(day), rows("P1", "P2", "P4"))
	c := w.claim(second)
	w.settleRest(c, unknown(0))
	last := w.submit(keptFor(9*day), rows("P3", "P4"))
	w.pass(2 * day)
	cut := 0
	for n := 1; ; n++ {
		_, err := w.s.Expire(endingAfter(w.ctx, n))
		report, checkErr := w.s.Check(w.ctx)
		w.must(checkErr, "check")
		equal(w, "problems", report.Problems, nil)
		if err == nil {
			break
		}
		if cut++; !errors.Is(err, context.Canceled) || n > 10_000 {
			w.t.Fatalf("expire lists, cut off after %d steps: %v", n, err)
		}
	}
	if cut < 5 {
		w.t.Errorf("it was cut off %d times, so that little is shown", cut)
	}
	w.lapse()
	w.holds(2, 2, 1)
	w.states(last, store.Found, store.Unknown)
	w.expired(first)
	w.expired(second)
}

// endingAfter is a context that ends when it has been asked for so often.
func endingAfter(ctx context.Context, n int) context.Context {
	inner, cancel := context.WithCancel(ctx)
	return &ending{Context: inner, cancel: cancel, left: n}
}

type ending struct {
	context.Context //nolint:containedctx // it is one
	cancel          context.CancelFunc
	mu              sync.Mutex
	left            int
}

func (e *ending) count() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left--; e.left <= 0 {
		e.cancel()
	}
}

// Err implements context.Context.
func (e *ending) Err() error {
	e.count()
	return e.Context.Err()
}

// Done implements context.Context.
func (e *ending) Done() <-chan struct{} {
	e.count()
	return e.Context.Done()
}
