package storetest

import (
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var historyRules = []rule{
	{"what happens to a batch is written down in order", historyOfBatch},
	{"a batch that is done and has open rows again is reopened", historyReopened},
	{"a budget that holds a batch and lets it go is named", historyBudget},
	{"a gate that moves is written down, with who moved it", historyOfGate},
	{"what changes nothing is not written down", historyNothing},
	{"the gates of a provider are seen beside a batch, in its time", historyBeside},
	{"history is read page by page", historyPages},
	{"history is forgotten when it is old", historyTidied},
	{"history outlives a restart", historySurvives},
}

// happened returns entries, oldest first, without their numbers.
func (w *world) happened(f store.HistoryFilter) []store.Entry {
	w.t.Helper()
	all, err := w.s.History(w.ctx, f)
	w.must(err, "read history")
	got := make([]store.Entry, len(all))
	for i, e := range all {
		e.No = 0
		got[len(all)-1-i] = e
	}
	return got
}

func kinds(all []store.Entry) []store.EntryKind {
	list := make([]store.EntryKind, len(all))
	for i, e := range all {
		list[i] = e.What
	}
	return list
}

func historyOfBatch(w *world) {
	other := w.list("Q1")
	b := w.list("P1", "P2")
	want := []store.Entry{{At: w.now(), What: store.EntryAccepted, Batch: b}}
	w.pass(time.Minute)
	w.must(w.s.Pause(w.ctx, b, "by request"), "pause")
	want = append(want, store.Entry{At: w.now(), What: store.EntryPaused, Batch: b, Reason: "by request"})
	w.pass(time.Minute)
	w.must(w.s.Resume(w.ctx, b), "resume")
	want = append(want, store.Entry{At: w.now(), What: store.EntryResumed, Batch: b})
	w.pass(time.Minute)
	w.settleRest(w.claim(b), w.found(0))
	want = append(want, store.Entry{At: w.now(), What: store.EntryDone, Batch: b})
	equal(w, "history of the batch", w.happened(store.HistoryFilter{Batch: b}), want)

	w.must(w.s.Cancel(w.ctx, other, "not wanted"), "cancel")
	got := w.happened(store.HistoryFilter{Batch: other})
	equal(w, "kinds", kinds(got), []store.EntryKind{store.EntryAccepted, store.EntryCancelled})
	equal(w, "reason", got[1].Reason, "not wanted")
}

func historyReopened(w *world) {
	b := w.list("P1")
	w.settleRest(w.claim(b), w.failed(0, store.ClassProviderError))
	_, err := w.s.Retry(w.ctx, store.RetryRequest{Batch: b})
	w.must(err, "retry")
	w.settleRest(w.claim(b), w.found(0))
	want := []store.EntryKind{store.EntryAccepted, store.EntryDone, store.EntryReopened, store.EntryDone}
	equal(w, "kinds", kinds(w.happened(store.HistoryFilter{Batch: b})), want)
}

func historyBudget(w *world) {
	b, _ := w.held("A", "B", "C")
	budget := w.ofBatch(b)
	w.bounds(budget, 3)
	w.funded(store.BudgetDefaults{}, b)
	got := w.happened(store.HistoryFilter{Batch: b})
	equal(w, "kinds", kinds(got), []store.EntryKind{store.EntryAccepted, store.EntryPaused, store.EntryResumed})
	equal(w, "budget that held it", got[1].Scope, budget.String())
	equal(w, "why it was held", got[1].Reason != "", true)
	equal(w, "budget that let it go", got[2].Scope, budget.String())
}

func historyOfGate(w *world) {
	closed := w.closing(wide, time.Minute)
	w.shut(closed)
	want := []store.Entry{{
		At: w.now(), What: store.EntryGateClosed, Provider: provider, Scope: wide, Reason: "rate_limited", Code: "4291", Until: closed.Until,
	}}
	w.pass(time.Second)
	w.shut(store.GateClose{Scope: submit, Code: store.ByHand, By: "key a"})
	want = append(want, store.Entry{
		At: w.now(), What: store.EntryGateClosed, Provider: provider, Scope: submit, Reason: store.ByHand, Code: store.ByHand, By: "key a",
	})
	w.pass(time.Second)
	w.setGates(store.GateChanges{Open: []string{submit}, By: "key b"})
	want = append(want, store.Entry{
		At: w.now(), What: store.EntryGateOpened, Provider: provider, Scope: submit, Reason: store.ByHand, Code: store.ByHand, By: "key b",
	})
	w.shut(store.GateClose{Scope: "regnum", Class: providers.OutOfCredit})
	equal(w, "history of the gates", w.happened(store.HistoryFilter{Provider: provider}), want)
}

func historyNothing(w *world) {
	b := w.list("P1")
	w.setGates(store.GateChanges{Open: []string{wide}})
	w.shut(w.closing(wide, time.Minute))
	w.shut(w.closing(wide, time.Minute))
	refuses[*store.StateError](w, "resume what runs", w.s.Resume(w.ctx, b))
	_, err := w.s.Finish(w.ctx)
	w.must(err, "finish")
	got := kinds(w.happened(store.HistoryFilter{Batch: b, Provider: provider}))
	equal(w, "kinds", got, []store.EntryKind{store.EntryAccepted, store.EntryGateClosed})
}

func historyBeside(w *world) {
	begin := w.now()
	move := func() time.Time {
		w.pass(time.Second)
		w.shut(w.closing(wide, time.Minute))
		w.pass(time.Second)
		w.setGates(store.GateChanges{Open: []string{wide}})
		return w.now()
	}
	move()
	w.pass(time.Second)
	b, from := w.list("P1"), w.now()
	last := move()
	w.pass(time.Second)
	to := w.now()
	move()
	f := store.HistoryFilter{Batch: b, Provider: provider, From: from, To: to}
	got := w.happened(f)
	equal(w, "kinds", kinds(got), []store.EntryKind{store.EntryAccepted, store.EntryGateClosed, store.EntryGateOpened})
	equal(w, "the last of them", got[2].At, last)
	f.To = time.Time{}
	equal(w, "with those after it", len(w.happened(f)), 5)
	f.From, f.To = time.Time{}, begin
	equal(w, "before the first of them", kinds(w.happened(f)), []store.EntryKind{store.EntryAccepted})
}

func historyPages(w *world) {
	b := w.list("P1")
	for range 4 {
		w.must(w.s.Pause(w.ctx, b, "by request"), "pause")
		w.must(w.s.Resume(w.ctx, b), "resume")
		w.shut(w.closing(wide, time.Minute))
		w.setGates(store.GateChanges{Open: []string{wide}})
	}
	f := store.HistoryFilter{Batch: b, Provider: provider}
	whole, err := w.s.History(w.ctx, f)
	w.must(err, "read history")
	equal(w, "entries", len(whole), 17)
	var pages []store.Entry
	for f.Limit = 4; ; {
		page, err := w.s.History(w.ctx, f)
		w.must(err, "read page")
		if len(page) > f.Limit {
			w.t.Fatalf("a page has %d entries, want at most %d", len(page), f.Limit)
		}
		if len(page) == 0 {
			break
		}
		pages = append(pages, page...)
		f.Before = page[len(page)-1].No
	}
	equal(w, "entries page by page", pages, whole)
}

func historyTidied(w *world) {
	b := w.list("P1")
	w.pass(store.HistoryLife - time.Hour)
	w.must(w.s.Pause(w.ctx, b, "by request"), "pause")
	n, err := w.s.TidyHistory(w.ctx)
	w.must(err, "tidy history")
	equal(w, "forgotten before its time", n, 0)
	w.pass(2 * time.Hour)
	n, err = w.s.TidyHistory(w.ctx)
	w.must(err, "tidy history")
	equal(w, "forgotten", n, 1)
	equal(w, "kinds", kinds(w.happened(store.HistoryFilter{Batch: b})), []store.EntryKind{store.EntryPaused})
}

func historySurvives(w *world) {
	b := w.list("P1")
	want := w.happened(store.HistoryFilter{Batch: b})
	w.reopen()
	equal(w, "history", w.happened(store.HistoryFilter{Batch: b}), want)
}
