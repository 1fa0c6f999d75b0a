package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var outboxRules = []rule{
	{"a list that is done is told of, with its counts", outboxDone},
	{"a pause is told of, and the budget that does so once while it holds", outboxPaused},
	{"a gate that closes or opens is told to every tenant", outboxGates},
	{"rows that were settled are told of together", outboxGrouped},
	{"what is settled last is told of after the end", outboxLast},
	{"rows that became unknown are told of", outboxUnknown},
	{"a hook is told of what it wants, of its tenant, from then on", outboxWanted},
	{"a callback is told of the list that names it, with the secret of its tenant", outboxCallback},
	{"a secret that is replaced signs beside the new one for a while", outboxRotated},
	{"a hook that is removed is told nothing more, and only its tenant removes it", outboxRemoved},
}

// tells adds a hook of a tenant that wants these events.
func (w *world) tells(tenant string, kinds ...store.EventKind) store.Hook {
	w.t.Helper()
	h, err := w.s.AddHook(w.ctx, store.NewHook{Tenant: tenant, URL: "https://example.com/" + tenant, Events: kinds, Secret: []byte("secret of " + tenant)}, nil)
	w.must(err, "add hook")
	return h
}

// tellsAll adds a hook of the default tenant that wants all events.
func (w *world) tellsAll() store.Hook {
	w.t.Helper()
	return w.tells(store.DefaultTenant, store.EventKinds()...)
}

// delivered takes what is due, delivers it, and returns it in the order of the
// events.
func (w *world) delivered() []store.OpenDelivery {
	w.t.Helper()
	var all []store.OpenDelivery
	for {
		some := w.takeDue()
		if len(some) == 0 {
			break
		}
		for _, d := range some {
			w.outcome(d, store.DeliveryResult{Delivered: true, Status: 200})
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b store.OpenDelivery) int { return int(a.No - b.No) })
	return all
}

func (w *world) progress() {
	w.t.Helper()
	_, err := w.s.TellProgress(w.ctx)
	w.must(err, "tell progress")
}

// told expects the hooks to be told of these events and no others, in order.
func (w *world) told(want ...store.EventKind) []store.OpenDelivery {
	w.t.Helper()
	all := w.delivered()
	kinds := make([]store.EventKind, len(all))
	for i, d := range all {
		kinds[i] = d.Kind
	}
	equal(w, "events", kinds, want)
	if len(kinds) != len(want) {
		w.t.FailNow()
	}
	return all
}

// data is what an event of a batch says.
func (w *world) data(d store.OpenDelivery) (data struct {
	Batch   string
	State   store.BatchState
	Rows    int
	Counts  map[string]int
	Budget  *string
	Unknown int
},
) {
	w.t.Helper()
	w.must(json.Unmarshal(d.Data, &data), "read event")
	return data
}

func outboxDone(w *world) {
	h := w.tellsAll()
	w.progress()
	b := w.list("A", "B", "C")
	c := w.claim(b)
	w.settle(c, w.found(c.Asks[0].ID), w.found(c.Asks[1].ID))
	w.told()
	w.pass(time.Second)
	w.settleRest(c, w.notFound(0))
	d := w.told(store.EventBatchDone)[0]
	equal(w, "hook, URL, time", []any{d.Hook, d.URL, d.At}, []any{h.ID, h.URL, w.now()})
	got := w.data(d)
	equal(w, "batch", got.Batch, w.batch(b).ID)
	equal(w, "state", got.State, store.BatchDone)
	equal(w, "rows", got.Rows, 3)
	equal(w, "found, not found", []int{got.Counts["found"], got.Counts["not_found"]}, []int{2, 1})
	w.submit(plain(), []store.NewRow{invalid("X")}) // is done at once
	w.told(store.EventBatchDone)
}

func outboxPaused(w *world) {
	w.tellsAll()
	b := w.list("A", "B", "C", "D")
	w.must(w.s.Pause(w.ctx, b, "Canaryova asked for it"), "pause")
	got := w.data(w.told(store.EventBatchPaused)[0])
	equal(w, "state", got.State, store.BatchPaused)
	equal(w, "budget", got.Budget, nil)
	w.must(w.s.Resume(w.ctx, b), "resume")
	w.told()

	d := store.BudgetDefaults{TenantDay: questionsOf(1)}
	ref := w.chunk(b)
	c := w.spends(ref.ID, d, 1)
	w.settle(c, w.found(c.Asks[0].ID))
	w.spent(ref.ID, d, true)
	all := w.told(store.EventBatchPaused, store.EventBudgetReached)
	for _, e := range all {
		equal(w, "budget", *w.data(e).Budget, tenantDay.String())
	}
	other := w.list("E", "F")
	w.spent(w.chunk(other).ID, d, true)
	w.told(store.EventBatchPaused)
	w.must(w.s.Pause(w.ctx, b, "for good"), "pause what a budget holds")
	w.told()
}

func outboxGates(w *world) {
	w.tellsAll()
	w.tells("acme", store.EventGateClosed)
	c := w.claim(w.list("A"))
	at := w.now()
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued}, Gates: store.GateChanges{
		Close: []store.GateClose{{Scope: provider, Class: providers.OutOfCredit, Code: "4290", Until: w.in(time.Hour), Probe: true}},
	}})
	all := w.told(store.EventGateClosed, store.EventGateClosed)
	equal(w, "hooks", all[0].Hook == all[1].Hook, false)
	equal(w, "event", all[0].Event, all[1].Event)
	var got map[string]any
	w.must(json.Unmarshal(all[0].Data, &got), "read event")
	equal(w, "gate", got, map[string]any{
		"scope": provider, "provider": provider, "reason": providers.OutOfCredit.String(), "code": "4290",
		"since": stamped(at), "until": stamped(at.Add(time.Hour)),
	})
	open := store.GateChanges{Open: []string{provider}}
	_, err := w.s.SetGates(w.ctx, open)
	w.must(err, "open gate")
	w.told(store.EventGateOpened)
	_, err = w.s.SetGates(w.ctx, open)
	w.must(err, "open it again")
	w.told()
}

func stamped(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }

func outboxGrouped(w *world) {
	w.tells(store.DefaultTenant, store.EventRowsSettled)
	b := w.list(many("P", 10)...)
	c := w.claim(b)
	w.settle(c, w.found(c.Asks[0].ID))
	w.progress()
	equal(w, "found", w.data(w.told(store.EventRowsSettled)[0]).Counts["found"], 1)
	for i := 1; i < 9; i++ {
		w.pass(time.Second)
		w.settle(c, w.found(c.Asks[i].ID))
		w.progress()
	}
	w.told()
	w.pass(2 * time.Second)
	w.progress()
	equal(w, "found", w.data(w.told(store.EventRowsSettled)[0]).Counts["found"], 9)
	w.pass(time.Hour)
	w.progress()
	w.told()
}

func outboxLast(w *world) {
	w.tells(store.DefaultTenant, store.EventRowsSettled)
	b := w.list("A", "B")
	c := w.claim(b)
	w.settle(c, w.found(c.Asks[0].ID))
	w.progress()
	w.told(store.EventRowsSettled)
	w.settleRest(c, w.found(0))
	w.reopen()
	w.progress()
	equal(w, "found", w.data(w.told(store.EventRowsSettled)[0]).Counts["found"], 2)

	b = w.list("C", "D")
	w.must(w.s.Cancel(w.ctx, b, "wrong file"), "cancel")
	w.progress()
	equal(w, "cancelled", w.data(w.told(store.EventRowsSettled)[0]).Counts["cancelled"], 2)

	b = w.timedOut("E") // it is done, and an answer comes late
	w.progress()
	w.told(store.EventRowsSettled)
	w.pass(time.Hour)
	o := w.poll("T-1")
	w.settleTicket(o, w.found(o.Asks[0].ID))
	w.batchState(b, store.BatchDone)
	w.progress()
	equal(w, "found late", w.data(w.told(store.EventRowsSettled)[0]).Counts["found"], 1)
	w.progress()
	w.told()
}

func outboxUnknown(w *world) {
	w.tells(store.DefaultTenant, store.EventUnknownFound)
	b := w.list("A", "B", "C")
	c := w.claim(b)
	w.settle(c, unknown(c.Asks[0].ID))
	w.progress()
	equal(w, "unknown", w.data(w.told(store.EventUnknownFound)[0]).Unknown, 1)
	w.pass(time.Minute)
	w.settle(c, w.found(c.Asks[1].ID))
	w.progress()
	w.told()
	w.settleRest(c, unknown(0))
	w.progress()
	equal(w, "unknown", w.data(w.told(store.EventUnknownFound)[0]).Unknown, 2)
}

func outboxWanted(w *world) {
	b := w.list("A")
	w.settleRest(w.claim(b), w.found(0))
	w.progress()
	w.tells(store.DefaultTenant, store.EventBatchPaused, store.EventRowsSettled)
	w.tells("acme", store.EventBatchDone)
	w.progress()
	w.told()
	b = w.list("B")
	w.settleRest(w.claim(b), w.found(0))
	w.progress()
	w.told(store.EventRowsSettled)
	nb := plain()
	nb.Tenant = "acme"
	w.settleRest(w.claim(w.submit(nb, rows("B"))), w.found(0))
	w.progress()
	equal(w, "URL", w.told(store.EventBatchDone)[0].URL, "https://example.com/acme")
	hooks, err := w.s.Hooks(w.ctx, "acme")
	w.must(err, "list hooks")
	equal(w, "hooks of one tenant", len(hooks), 1)
	equal(w, "events", hooks[0].Events, []store.EventKind{store.EventBatchDone})
	hooks, err = w.s.Hooks(w.ctx, "")
	w.must(err, "list hooks")
	equal(w, "hooks of all", len(hooks), 2)
}

func outboxCallback(w *world) {
	nb := plain()
	nb.Tenant, nb.Callback = "acme", "https://example.com/cb?id=1"
	_, err := w.s.BeginBatch(w.ctx, nb)
	equal(w, "without a secret", errors.Is(err, store.ErrNoCallbackSecret), true)
	equal(w, "batches that are left", len(w.all()), 0)
	w.must(w.s.RotateHook(w.ctx, store.Rotation{Tenant: "acme", ID: store.CallbacksID, Secret: []byte("one")}), "make secret")
	b := w.submit(nb, rows("A"))
	nb.Callback = ""
	w.settleRest(w.claim(w.submit(nb, rows("B"))), w.found(0))
	w.told()
	w.must(w.s.Pause(w.ctx, b, ""), "pause")
	w.must(w.s.Resume(w.ctx, b), "resume")
	w.settleRest(w.claim(b), w.found(0))
	w.progress()
	for _, d := range w.told(store.EventBatchPaused, store.EventBatchDone) {
		equal(w, "URL", d.URL, "https://example.com/cb?id=1")
		equal(w, "secrets", d.Secrets, [][]byte{[]byte("one")})
	}
	nb.Callback = "https://example.com/cb?id=1"
	w.submit(nb, rows("C"))
	hooks, err := w.s.Hooks(w.ctx, "acme")
	w.must(err, "list hooks")
	equal(w, "hooks", len(hooks), 1)
	equal(w, "role", hooks[0].Role, store.HookCallback)
}

// all lists the batches there are.
func (w *world) all() []store.Batch {
	w.t.Helper()
	all, err := w.s.Batches(w.ctx, store.BatchFilter{})
	w.must(err, "list batches")
	return all
}

func outboxRotated(w *world) {
	h := w.tells("acme", store.EventGateClosed)
	secrets := func() [][]byte {
		w.t.Helper()
		w.closeGate(provider)
		w.openGate(provider)
		return w.told(store.EventGateClosed)[0].Secrets
	}
	old := []byte("secret of acme")
	equal(w, "secrets", secrets(), [][]byte{old})
	rotate := func(secret string) {
		w.must(w.s.RotateHook(w.ctx, store.Rotation{Tenant: "acme", ID: h.ID, Secret: []byte(secret), Overlap: time.Hour}), "rotate")
	}
	rotate("two")
	w.reopen()
	equal(w, "secrets", secrets(), [][]byte{[]byte("two"), old})
	w.pass(59 * time.Minute)
	rotate("three")
	equal(w, "secrets", secrets(), [][]byte{[]byte("three"), []byte("two"), old})
	w.pass(time.Minute)
	equal(w, "secrets", secrets(), [][]byte{[]byte("three"), []byte("two")})
	w.pass(time.Hour)
	equal(w, "secrets", secrets(), [][]byte{[]byte("three")})
	err := w.s.RotateHook(w.ctx, store.Rotation{Tenant: store.DefaultTenant, ID: h.ID, Secret: old})
	equal(w, "by another tenant", errors.Is(err, store.ErrNoHook), true)
}

func (w *world) closeGate(scope string) {
	w.t.Helper()
	_, err := w.s.SetGates(w.ctx, store.GateChanges{Close: []store.GateClose{{Scope: scope, Class: providers.OutOfCredit}}})
	w.must(err, "close gate")
}

func (w *world) openGate(scope string) {
	w.t.Helper()
	_, err := w.s.SetGates(w.ctx, store.GateChanges{Open: []string{scope}})
	w.must(err, "open gate")
}

func outboxRemoved(w *world) {
	h := w.tells("acme", store.EventGateClosed)
	w.closeGate(provider)
	equal(w, "by another tenant", errors.Is(w.s.RemoveHook(w.ctx, store.DefaultTenant, h.ID), store.ErrNoHook), true)
	equal(w, "pending", len(w.deliveries(store.DeliveryFilter{})), 1)
	w.must(w.s.RemoveHook(w.ctx, "acme", h.ID), "remove hook")
	equal(w, "again", errors.Is(w.s.RemoveHook(w.ctx, "acme", h.ID), store.ErrNoHook), true)
	w.told()
	equal(w, "deliveries", w.deliveries(store.DeliveryFilter{}), nil)
}
