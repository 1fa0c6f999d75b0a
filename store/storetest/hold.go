package storetest

import (
	"time"

	"github.com/plateq/plateq/store"
)

var holdRules = []rule{
	{"a list that reaches a budget is paused until there is room", holdUntilRoom},
	{"a list goes on when its budget begins anew, or is taken back", holdUntilAnew},
	{"a list is not paused while what is under way may be free", holdUnderWay},
	{"what turns out to be free lets a list go on", holdUntilFree},
	{"a budget never resumes what a person paused", holdPerson},
	{"a person resumes what a budget holds", holdResumed},
	{"of several lists the oldest go on, as many as there is room for", holdTurns},
	{"a list with nothing left to ask is held no longer", holdNothingLeft},
	{"a list that ends is held by no budget", holdEnds},
}

// funded expects these lists to go on, and no others.
func (w *world) funded(d store.BudgetDefaults, want ...store.BatchNo) {
	w.t.Helper()
	got, err := w.s.ResumeFunded(w.ctx, d, map[string]store.Price{provider: inr})
	w.must(err, "resume")
	equal(w, "lists that go on", got, want)
	for _, b := range want {
		w.batchState(b, store.BatchRunning)
		equal(w, "reason", w.batch(b).Reason, "")
		equal(w, "held by", w.batch(b).HeldBy, store.BudgetScope{})
	}
}

// held submits a list that its budget of one question holds, and returns its
// chunk.
func (w *world) held(plates ...string) (store.BatchNo, store.ChunkID) {
	w.t.Helper()
	b := w.list(plates...)
	ref := w.chunk(b)
	w.bounds(w.ofBatch(b), 1)
	w.settleRest(w.spends(ref.ID, store.BudgetDefaults{}, 1), w.found(0))
	w.spent(ref.ID, store.BudgetDefaults{}, true)
	return b, ref.ID
}

func holdUntilRoom(w *world) {
	b, chunk := w.held("A", "B", "C")
	w.batchState(b, store.BatchPaused)
	equal(w, "held by", w.batch(b).HeldBy, w.ofBatch(b))
	equal(w, "reason", w.batch(b).Reason, "budget batch:"+w.batch(b).ID+": 2.50 of 2.50 INR are used or held")
	w.reopen()
	w.funded(store.BudgetDefaults{})
	w.batchState(b, store.BatchPaused)
	w.bounds(w.ofBatch(b), 2)
	w.funded(store.BudgetDefaults{}, b)
	w.funded(store.BudgetDefaults{})
	w.settleRest(w.spends(chunk, store.BudgetDefaults{}, 1), w.found(0))
	w.bounds(w.ofBatch(b), 4)
	w.settleRest(w.spends(chunk, store.BudgetDefaults{}, 1), w.found(0))
	w.batchState(b, store.BatchDone)
}

func holdUntilAnew(w *world) {
	b := w.list("A", "B", "C", "D")
	chunk := w.chunk(b).ID
	d := store.BudgetDefaults{TenantDay: questionsOf(1)}
	w.settleRest(w.spends(chunk, d, 1), w.found(0))
	w.spent(chunk, d, true)
	w.pass(16 * time.Hour)
	w.funded(d)
	w.pass(time.Hour)
	w.funded(d, b)
	w.settleRest(w.spends(chunk, d, 1), w.found(0))
	w.spent(chunk, d, true)
	w.funded(d)
	w.funded(store.BudgetDefaults{}, b)
	w.spent(chunk, d, true)
	w.bounds(tenantDay, 9)
	w.funded(d, b)
	w.spends(chunk, d, 2)
}

func holdUnderWay(w *world) {
	b := w.list("A", "B", "C")
	chunk := w.chunk(b).ID
	w.bounds(w.ofBatch(b), 2)
	c := w.spends(chunk, store.BudgetDefaults{}, 2)
	w.spent(chunk, store.BudgetDefaults{}, false)
	w.batchState(b, store.BatchRunning)
	w.settle(c, w.found(c.Asks[0].ID))
	w.spent(chunk, store.BudgetDefaults{}, false)
	w.settleRest(c, w.found(0))
	w.spent(chunk, store.BudgetDefaults{}, true)
	w.batchState(b, store.BatchPaused)
}

func holdUntilFree(w *world) {
	b := w.list("A", "B", "C")
	chunk := w.chunk(b).ID
	w.bounds(providerDay, 2)
	c := w.spends(chunk, store.BudgetDefaults{}, 2)
	w.settleRest(c, unknown(0))
	w.spent(chunk, store.BudgetDefaults{}, true)
	w.funded(store.BudgetDefaults{})
	w.settle(c, w.found(c.Asks[0].ID))
	w.funded(store.BudgetDefaults{})
	w.settle(c, free(w.notFound(c.Asks[1].ID)))
	w.funded(store.BudgetDefaults{}, b)
	w.spends(chunk, store.BudgetDefaults{}, 1)
}

func holdPerson(w *world) {
	b, chunk := w.held("A", "B", "C")
	w.must(w.s.Pause(w.ctx, b, "on my word"), "pause what a budget holds")
	w.bounds(w.ofBatch(b), 3)
	w.funded(store.BudgetDefaults{})
	equal(w, "reason", w.batch(b).Reason, "on my word")
	refuses[*store.StateError](w, "pause it again", w.s.Pause(w.ctx, b, "once more"))
	w.must(w.s.Resume(w.ctx, b), "resume")
	w.bounds(w.ofBatch(b), 1)
	_, err := w.spend(chunk, store.BudgetDefaults{})
	refused := wantError[*store.BudgetError](w, "claim", err)
	w.must(w.s.Pause(w.ctx, b, "before the budget"), "pause")
	paused, err := w.s.PauseUnfunded(w.ctx, refused, store.BudgetDefaults{})
	w.must(err, "pause by budget")
	equal(w, "paused by the budget", paused, false)
	equal(w, "reason", w.batch(b).Reason, "before the budget")
	w.must(w.s.UnsetBudget(w.ctx, w.ofBatch(b)), "unset budget")
	w.funded(store.BudgetDefaults{})
	w.batchState(b, store.BatchPaused)
}

func holdResumed(w *world) {
	b, chunk := w.held("A", "B")
	w.must(w.s.Resume(w.ctx, b), "resume")
	w.batchState(b, store.BatchRunning)
	equal(w, "held by", w.batch(b).HeldBy, store.BudgetScope{})
	w.spent(chunk, store.BudgetDefaults{}, true)
	equal(w, "held again by", w.batch(b).HeldBy, w.ofBatch(b))
}

func holdTurns(w *world) {
	d := store.BudgetDefaults{TenantDay: questionsOf(0)}
	var lists []store.BatchNo
	for _, p := range []string{"A", "B", "C"} {
		b := w.list(many(p, 3)...)
		lists = append(lists, b)
		w.spent(w.chunk(b).ID, d, true)
	}
	w.funded(d)
	w.bounds(tenantDay, 3)
	w.funded(d, lists[0])
	w.spends(w.chunk(lists[0]).ID, d, 3)
	w.bounds(tenantDay, 7)
	w.funded(d, lists[1], lists[2])
}

func holdNothingLeft(w *world) {
	b := w.list("A", "B")
	chunk := w.chunk(b).ID
	w.bounds(w.ofBatch(b), 0)
	w.spent(chunk, store.BudgetDefaults{}, true)
	w.list("A", "B")
	w.settleRest(w.spends(chunk, store.BudgetDefaults{}, 2), w.found(0))
	w.funded(store.BudgetDefaults{}, b)
	done, err := w.s.Finish(w.ctx)
	w.must(err, "finish")
	equal(w, "done", done, []store.BatchNo{b})
}

func holdEnds(w *world) {
	b, _ := w.held("A", "B")
	w.must(w.s.Cancel(w.ctx, b, "enough"), "cancel")
	w.bounds(w.ofBatch(b), 9)
	w.funded(store.BudgetDefaults{})
	w.batchState(b, store.BatchCancelled)
	equal(w, "held by", w.batch(b).HeldBy, store.BudgetScope{})
}
