package storetest

import (
	"strconv"
	"sync"
	"time"

	"github.com/plateq/plateq/store"
)

var trailRules = []rule{
	{"an act is kept as it was noted, numbered and linked", trailKept},
	{"acts come newest first, chosen and paged", trailChosen},
	{"acts that are noted at once are all linked", trailConcurrent},
	{"a log that was cut off is known by its head", trailHead},
}

// note adds an act to the audit log.
func (w *world) note(a store.Act) store.Act {
	w.t.Helper()
	noted, err := w.s.NoteAct(w.ctx, a)
	w.must(err, "note act")
	return noted
}

func (w *world) acts(f store.ActFilter) []store.Act {
	w.t.Helper()
	acts, err := w.s.Acts(w.ctx, f)
	w.must(err, "read audit log")
	return acts
}

// trail verifies the audit log.
func (w *world) trail(known ...store.ActHead) store.TrailReport {
	w.t.Helper()
	r, err := w.s.VerifyActs(w.ctx, known...)
	w.must(err, "verify audit log")
	return r
}

func (w *world) head() store.ActHead {
	w.t.Helper()
	h, err := w.s.LastAct(w.ctx)
	w.must(err, "read the end of the audit log")
	return h
}

func trailKept(w *world) {
	equal(w, "an empty log", w.trail(), store.TrailReport{})
	equal(w, "its head", w.head(), store.ActHead{})
	a := store.Act{Who: "key abc", Kind: store.ActRowsExported, Tenant: "acme", About: "b_1", Note: "csv"}
	first := w.note(a)
	w.pass(time.Second)
	second := w.note(store.Act{Who: "user root", Kind: store.ActKeyMade, Tenant: store.AllTenants})
	w.reopen()
	a.No, a.At, a.Hash = 1, store.Millis(w.in(-time.Second)), first.Hash
	equal(w, "the log", w.acts(store.ActFilter{}), []store.Act{second, a})
	equal(w, "the number of the second", second.No, 2)
	head := store.ActHead{No: 2, Hash: second.Hash}
	equal(w, "its head", w.head(), head)
	equal(w, "what is found", w.trail(), store.TrailReport{Acts: 2, Head: head})
}

func trailChosen(w *world) {
	who := []string{"key a", "key b"}
	var all []store.Act // newest first
	for i := range 6 {
		a := w.note(store.Act{Who: who[i%2], Kind: store.ActKinds()[i%3], Tenant: []string{"acme", "*"}[i/3], About: strconv.Itoa(i)})
		all = append([]store.Act{a}, all...)
		w.pass(time.Minute)
	}
	for what, c := range map[string]struct {
		f    store.ActFilter
		want []store.Act
	}{
		"a page":       {store.ActFilter{Limit: 2}, all[:2]},
		"the next one": {store.ActFilter{Limit: 2, Before: all[1].No}, all[2:4]},
		"a tenant":     {store.ActFilter{Tenant: "acme"}, all[3:]},
		"somebody":     {store.ActFilter{Who: "key b"}, []store.Act{all[0], all[2], all[4]}},
		"a kind":       {store.ActFilter{Kind: store.ActKinds()[2]}, []store.Act{all[0], all[3]}},
		"a thing":      {store.ActFilter{About: "4"}, all[1:2]},
		"a time":       {store.ActFilter{From: all[4].At, To: all[2].At}, all[3:5]},
	} {
		equal(w, what, w.acts(c.f), c.want)
	}
}

func trailConcurrent(w *world) {
	const n = 24
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			_, err := w.s.NoteAct(w.ctx, store.Act{Who: "key a", Kind: store.ActRowsSeen, Tenant: "acme"})
			if err != nil {
				w.t.Errorf("note act beside others: %v", err)
			}
		})
	}
	wg.Wait()
	equal(w, "what is found", w.trail(), store.TrailReport{Acts: n, Head: w.head()})
}

func trailHead(w *world) {
	first := w.note(store.Act{Who: "key a", Kind: store.ActLogin, Tenant: "acme"})
	known := store.ActHead{No: first.No, Hash: first.Hash}
	last := w.note(store.Act{Who: "key a", Kind: store.ActLogin, Tenant: "acme"})
	equal(w, "what is found", w.trail(known, store.ActHead{}), store.TrailReport{Acts: 2, Head: store.ActHead{No: 2, Hash: last.Hash}})
	equal(w, "the first act that is missing", w.trail(known, store.ActHead{No: 5, Hash: last.Hash}).Broken, 3)
	equal(w, "an act that is another one", w.trail(store.ActHead{No: 1, Hash: last.Hash}).Broken, 1)
}
