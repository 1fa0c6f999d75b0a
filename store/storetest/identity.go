package storetest

import (
	"errors"
	"time"

	"github.com/plateq/plateq/store"
)

var identityRules = []rule{
	{"work that is unfinished is found by its identity", identityUnfinished},
	{"work that was done lately is found by its identity", identityDone},
	{"work that was done long ago is done anew", identityOld},
	{"cancelled work may be submitted again", identityCancelled},
	{"other work and work without identity stand alone", identityOther},
	{"the newest work of an identity is the one found", identityNewest},
	{"a list that is refused for its identity can be abandoned", identityRefusedAbandons},
	{"a simulated store is not opened for real use, nor a real one for simulation", identityMark},
	{"a store is not opened with keys that are not its own", identityKeys},
	{"a store that is kept in a region is opened in no other", identityRegion},
	{"the number of the last call goes on and never back", identityLastCall},
}

// submitAs submits a list under an identity.
func (w *world) submitAs(identity string, since time.Time, plates ...string) (store.BatchNo, store.Batch, error) {
	w.t.Helper()
	b := w.begin(plain())
	w.add(b, rows(plates...))
	got, err := w.s.CommitBatch(w.ctx, b, []byte(identity), since)
	return b, got, err
}

// doneAs submits a list under an identity and answers all of it.
func (w *world) doneAs(identity string, plates ...string) store.BatchNo {
	w.t.Helper()
	b, _, err := w.submitAs(identity, w.in(-time.Hour), plates...)
	w.must(err, "commit batch")
	c := w.claim(b)
	w.settleRest(c, w.found(0))
	w.batchState(b, store.BatchDone)
	return b
}

func (w *world) wantSame(first store.BatchNo, got store.Batch, err error) {
	w.t.Helper()
	e := wantError[*store.IdentityError](w, "commit the same work", err)
	equal(w, "batch in the error", e.Batch.No, first)
	equal(w, "batch returned", got.No, first)
}

func identityUnfinished(w *world) {
	first, _, err := w.submitAs("fleet", w.now(), "DL01AA1000")
	w.must(err, "commit batch")
	w.pass(time.Hour)
	_, got, err := w.submitAs("fleet", w.now(), "DL01AA1000")
	w.wantSame(first, got, err)
	w.must(w.s.Pause(w.ctx, first, "wait"), "pause")
	second, got, err := w.submitAs("fleet", w.now(), "DL01AA1000")
	w.wantSame(first, got, err)
	w.batchState(second, store.BatchIntake)
}

func identityDone(w *world) {
	first := w.doneAs("fleet", "DL01AA1000")
	w.pass(time.Hour)
	_, got, err := w.submitAs("fleet", w.in(-2*time.Hour), "DL01AA1000")
	w.wantSame(first, got, err)
}

func identityOld(w *world) {
	first := w.doneAs("fleet", "DL01AA1000")
	w.pass(3 * time.Hour)
	second, got, err := w.submitAs("fleet", w.in(-2*time.Hour), "DL01AA1000")
	w.must(err, "commit the same work later")
	if got.No != second || second == first {
		w.t.Errorf("got batch %d, want the new one", got.No)
	}
}

func identityCancelled(w *world) {
	first, _, err := w.submitAs("fleet", w.now(), "DL01AA1000")
	w.must(err, "commit batch")
	w.must(w.s.Cancel(w.ctx, first, "wrong file"), "cancel")
	second, _, err := w.submitAs("fleet", w.in(-time.Hour), "DL01AA1000")
	w.must(err, "commit the same work again")
	equal(w, "asks", plates(w.claim(second)), []string{"DL01AA1000"})
}

func identityOther(w *world) {
	_, _, err := w.submitAs("fleet", w.now(), "DL01AA1000")
	w.must(err, "commit batch")
	_, _, err = w.submitAs("other", w.now(), "DL01AA1000")
	w.must(err, "commit other work")
	w.list("DL01AA1000")
	w.list("DL01AA1000")
	if _, err := w.s.FindBatch(w.ctx, []byte("third")); !errors.Is(err, store.ErrNoBatch) {
		w.t.Errorf("find unknown work: got error %v, want ErrNoBatch", err)
	}
}

func identityNewest(w *world) {
	w.doneAs("fleet", "DL01AA1000")
	w.pass(time.Hour)
	second, _, err := w.submitAs("fleet", w.now(), "DL01AA1001")
	w.must(err, "commit the same work later")
	w.begin(plain()) // one that is not committed has no identity yet
	got, err := w.s.FindBatch(w.ctx, []byte("fleet"))
	w.must(err, "find batch")
	equal(w, "found", got.No, second)
}

func identityRefusedAbandons(w *world) {
	first, _, err := w.submitAs("fleet", w.now(), "DL01AA1000")
	w.must(err, "commit batch")
	second, _, err := w.submitAs("fleet", w.now(), "DL01AA1000")
	refuses[*store.IdentityError](w, "commit the same work", err)
	w.must(w.s.AbandonBatch(w.ctx, second), "abandon batch")
	equal(w, "asks", plates(w.claim(first)), []string{"DL01AA1000"})
}

// cannotOpen returns why the store is refused.
func (w *world) cannotOpen(o Options) error {
	w.t.Helper()
	s, err := w.open(o)
	if err == nil {
		w.t.Fatalf("the store was opened: %v", s.Close())
	}
	return err
}

func identityMark(w *world) {
	w.must(w.s.Close(), "close store")
	o := w.opts
	o.Simulated = true
	e := wantError[*store.MarkError](w, "open a real store for simulation", w.cannotOpen(o))
	equal(w, "the store is simulated", e.Simulated, false)
	w.s = w.mustOpen()
}

func identityKeys(w *world) {
	b := w.list("DL01AA1000")
	w.must(w.s.Close(), "close store")
	o := w.opts
	o.Keys = store.NewKeys()
	refuses[*store.KeysError](w, "open with other keys", w.cannotOpen(o))
	o.Keys.Seal = w.opts.Keys.Seal
	refuses[*store.KeysError](w, "open with another index key", w.cannotOpen(o))
	w.s = w.mustOpen()
	w.states(b, store.Queued)
}

func identityRegion(w *world) {
	open := func(region string) {
		w.t.Helper()
		w.must(w.s.Close(), "close store")
		w.opts.Region = region
		w.s = w.mustOpen()
	}
	open("")
	open("in")
	open("in")
	w.must(w.s.Close(), "close store")
	o := w.opts
	for _, region := range []string{"", "de"} {
		o.Region = region
		e := wantError[*store.RegionError](w, "open a store of another region", w.cannotOpen(o))
		equal(w, "error", *e, store.RegionError{Store: "in", Here: region})
	}
	w.s = w.mustOpen()
}

func identityLastCall(w *world) {
	lastCall := func() store.CallID {
		w.t.Helper()
		written, given, err := w.s.LastCall(w.ctx)
		w.must(err, "read last call")
		if given < written {
			w.t.Errorf("call %d is written down, and %d the last number given out", written, given)
		}
		return written
	}
	equal(w, "last call of an empty store", lastCall(), 0)
	b := w.submit(plain(), rows("DL01AA1000", "DL01AA1001"))
	equal(w, "last call of a store that made none", lastCall(), 0)
	c := w.claim(b)
	equal(w, "last call", lastCall(), c.Call)
	w.settleRest(c, w.found(0))
	w.reopen()
	equal(w, "last call after a restart", lastCall(), c.Call)
}
