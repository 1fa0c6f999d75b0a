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
	{"a schedule, its run, a hook and an API key are made once", onceMade},
	{"a key is one thing's, whatever its kind", onceShared},
	{"work that is done piece by piece is told when it was first asked for", onceBegun},
	{"a key is forgotten when it is old, and no sooner", onceForgotten},
}

func request(says string) store.Once { return requestOf(store.DefaultTenant, says) }

func requestOf(tenant, says string) store.Once {
	return store.Once{Tenant: tenant, Key: "order 7", Print: []byte(says)}
}

// repeat expects a request to have come before.
func (w *world) repeat(o store.Once, first store.BatchNo, same bool) {
	w.t.Helper()
	e := wantError[*store.RepeatError](w, "look for a request", w.s.Repeated(w.ctx, o))
	equal(w, "batch of the request", e.Batch.No, first)
	equal(w, "what it made", e.Made, e.Batch.ID)
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
	w.must(w.s.Repeated(w.ctx, request("a")), "look for a request that never came")
	first := w.once(plain(), request("a"), "P1")
	w.repeat(request("a"), first, true)
	w.must(w.s.Cancel(w.ctx, first, "wrong file"), "cancel") // whatever has become of it
	w.reopen()
	w.repeat(request("a"), first, true)
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
	w.repeat(request("b"), first, false)
	w.must(w.s.Repeated(w.ctx, store.Once{Tenant: store.DefaultTenant, Key: "order 8", Print: []byte("a")}), "look for another key")
}

func onceTenants(w *world) {
	acme := plain()
	acme.Tenant = "acme"
	first := w.once(acme, requestOf("acme", "a"), "P1")
	w.must(w.s.Repeated(w.ctx, request("a")), "look for the key of another tenant")
	second := w.once(plain(), request("b"), "P1")
	w.repeat(requestOf("acme", "a"), first, true)
	w.repeat(request("b"), second, true)
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

// makers make what is no batch, under a request that may come again.
func (w *world) makers() map[string]func(o *store.Once) error {
	list := w.schedule(store.DefaultTenant)
	return map[string]func(o *store.Once) error{
		"schedule": func(o *store.Once) error {
			again := list
			again.ID = store.NewScheduleID()
			return w.s.AddSchedule(w.ctx, again, o)
		},
		"run": func(o *store.Once) error { return w.s.RunSchedule(w.ctx, list.ID, o) },
		"hook": func(o *store.Once) error {
			_, err := w.s.AddHook(w.ctx, store.NewHook{URL: "https://example.com", Events: store.EventKinds(), Secret: []byte("secret")}, o)
			return err
		},
		"key": func(o *store.Once) error {
			k, _ := store.MakeAPIKey(store.APIKey{Name: "a key", Tenant: store.DefaultTenant, Scopes: store.Scopes(), Created: w.now()})
			return w.s.AddAPIKey(w.ctx, k, o)
		},
	}
}

// onceMade makes each of what is no batch twice at once, and once more later.
func onceMade(w *world) {
	for what, maker := range w.makers() {
		o := store.Once{Tenant: store.DefaultTenant, Key: what, Print: []byte("a")}
		errs := [2]error{}
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = maker(&o) })
		}
		wg.Wait()
		if errs[0] != nil {
			errs[0], errs[1] = errs[1], errs[0]
		}
		w.must(errs[0], "make "+what)
		first := wantError[*store.RepeatError](w, "make "+what+" beside that", errs[1])
		equal(w, what+": it says the same", first.Same, true)
		w.reopen()
		again := wantError[*store.RepeatError](w, "make "+what+" again", maker(&o))
		equal(w, what+": what was made", again.Made, first.Made)
		o.Print = []byte("b")
		other := wantError[*store.RepeatError](w, "make another "+what, maker(&o))
		equal(w, what+": it says the same", other.Same, false)
		equal(w, what+": its batch", other.Batch.No, 0)
	}
	schedules, err := w.s.Schedules(w.ctx, "")
	w.must(err, "list schedules")
	hooks, err := w.s.Hooks(w.ctx, "")
	w.must(err, "list hooks")
	keys, err := w.s.APIKeys(w.ctx, "")
	w.must(err, "list keys")
	equal(w, "schedules with that of the list, hooks, keys", []int{len(schedules), len(hooks), len(keys)}, []int{2, 1, 1})
}

// onceShared commits a list under the key of a hook.
func onceShared(w *world) {
	o := request("a")
	w.must(w.makers()["hook"](&o), "add hook")
	no := w.begin(plain())
	w.add(no, rows("P1"))
	_, err := w.s.CommitOnce(w.ctx, no, request("b"))
	e := wantError[*store.RepeatError](w, "commit under the key of a hook", err)
	equal(w, "it says the same", e.Same, false)
	w.batchState(no, store.BatchIntake)
	w.must(w.s.AbandonBatch(w.ctx, no), "abandon batch")
}

func onceBegun(w *world) {
	began := w.now()
	at, err := w.s.BeginOnce(w.ctx, request("a"), "b-1")
	w.must(err, "begin")
	equal(w, "first", at.Equal(began), true)
	w.pass(time.Minute)
	w.reopen()
	_, err = w.s.BeginOnce(w.ctx, request("a"), "b-1")
	e := wantError[*store.RepeatError](w, "begin again", err)
	equal(w, "when, what and whether it is the same", []any{e.At.Equal(began), e.Made, e.Same}, []any{true, "b-1", true})
	_, err = w.s.BeginOnce(w.ctx, request("b"), "b-1")
	equal(w, "something else", wantError[*store.RepeatError](w, "begin something else", err).Same, false)
	_, err = w.s.BeginOnce(w.ctx, requestOf("acme", "a"), "b-1")
	w.must(err, "begin for another tenant")
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
	w.repeat(request("a"), first, true)
	w.pass(2 * time.Second)
	forget(1)
	second := w.once(plain(), request("b"), "P1")
	w.repeat(request("b"), second, true)
}
