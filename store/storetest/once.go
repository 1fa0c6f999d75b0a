package storetest

import (
	"sync"
	"time"

	"github.com/plateq/plateq/store"
)

var onceRules = []rule{
	{"a request that comes again is told the batch that it made", onceRepeated},
	{"a key with something else under it is told apart", onceOther},
	{"the keys of two tenants are not the same", onceTenants},
	{"of requests that come at once one is accepted", onceConcurrent},
	{"a key is forgotten when it is old, and no sooner", onceForgotten},
}

func request(says string) store.Once { return store.Once{Key: "order 7", Print: []byte(says)} }

// repeat expects a request to have come before.
func (w *world) repeat(tenant string, o store.Once, first store.BatchNo, same bool) {
	w.t.Helper()
	e := wantError[*store.RepeatError](w, "look for a request", w.s.Repeated(w.ctx, tenant, o))
	equal(w, "batch of the request", e.Batch.No, first)
	equal(w, "it says the same", e.Same, same)
}

// once commits a list under a request.
func (w *world) once(b store.NewBatch, o store.Once, plates ...string) store.BatchNo {
	w.t.Helper()
	no := w.begin(b)
	w.add(no, rows(plates...))
	got, err := w.s.CommitOnce(w.ctx, no, o)
	w.must(err, "commit batch")
	equal(w, "batch", got.No, no)
	equal(w, "state", got.State, store.BatchRunning)
	return no
}

func onceRepeated(w *world) {
	w.must(w.s.Repeated(w.ctx, store.DefaultTenant, request("a")), "look for a request that never came")
	first := w.once(plain(), request("a"), "P1")
	w.repeat(store.DefaultTenant, request("a"), first, true)
	w.must(w.s.Cancel(w.ctx, first, "wrong file"), "cancel") // whatever has become of it
	w.reopen()
	w.repeat(store.DefaultTenant, request("a"), first, true)
	again := w.begin(plain())
	w.add(again, rows("P1"))
	got, err := w.s.CommitOnce(w.ctx, again, request("a"))
	e := wantError[*store.RepeatError](w, "commit it again", err)
	equal(w, "batches", []store.BatchNo{e.Batch.No, got.No}, []store.BatchNo{first, first})
	w.batchState(again, store.BatchIntake)
	w.must(w.s.AbandonBatch(w.ctx, again), "abandon batch")
}

func onceOther(w *world) {
	first := w.once(plain(), request("a"), "P1")
	w.repeat(store.DefaultTenant, request("b"), first, false)
	w.must(w.s.Repeated(w.ctx, store.DefaultTenant, store.Once{Key: "order 8", Print: []byte("a")}), "look for another key")
}

func onceTenants(w *world) {
	acme := plain()
	acme.Tenant = "acme"
	first := w.once(acme, request("a"), "P1")
	w.must(w.s.Repeated(w.ctx, store.DefaultTenant, request("a")), "look for the key of another tenant")
	second := w.once(plain(), request("b"), "P1")
	w.repeat("acme", request("a"), first, true)
	w.repeat(store.DefaultTenant, request("b"), second, true)
}

func onceConcurrent(w *world) {
	const n = 8
	errs := make([]error, n)
	batches := make([]store.Batch, n)
	var wg sync.WaitGroup
	for i := range n {
		no := w.begin(plain())
		w.add(no, rows("P1"))
		wg.Go(func() { batches[i], errs[i] = w.s.CommitOnce(w.ctx, no, request("a")) })
	}
	wg.Wait()
	accepted := 0
	for i, err := range errs {
		if err == nil {
			accepted++
			continue
		}
		_ = wantError[*store.RepeatError](w, "commit beside others", err)
		equal(w, "batch", batches[i].No, batches[0].No)
	}
	equal(w, "accepted", accepted, 1)
}

func onceForgotten(w *world) {
	forget := func(want int) {
		w.t.Helper()
		n, err := w.s.ForgetOnce(w.ctx)
		w.must(err, "forget keys")
		equal(w, "forgotten", n, want)
	}
	first := w.once(plain(), request("a"), "P1")
	w.pass(store.OnceLife - time.Second)
	forget(0)
	w.repeat(store.DefaultTenant, request("a"), first, true)
	w.pass(2 * time.Second)
	forget(1)
	second := w.once(plain(), request("b"), "P1")
	w.repeat(store.DefaultTenant, request("b"), second, true)
}
