package storetest

import (
	"slices"
	"time"

	"github.com/plateq/plateq/store"
)

var offerRules = []rule{
	{"chunks have the size that was asked for", offerSize},
	{"a chunk keeps its size when others are cut later", offerKeepsCuts},
	{"chunks that were rung for already are left out", offerSkip},
	{"no more chunks are offered than wanted", offerLimit},
	{"a chunk's ring changes with each claim", offerRing},
	{"asks that are not ready are not offered, nor claimed", offerReady},
	{"an ask that waits to be repeated holds up no others", offerFresh},
	{"nor does it hold up those of a list that joined", offerFreshJoined},
	{"asks that were not attempted go first", offerFreshFirst},
	{"in a bounded chunk all wait, as its asks are taken in order", offerBoundWaits},
	{"chunks that nobody wants from this batch are not offered", offerOthers},
	{"an ask of another list is offered to the one that joined it", offerJoined},
}

func offerSize(w *world) {
	b := w.list("P1", "P2", "P3", "P4", "P5")
	var sizes []int
	var all []string
	for _, r := range w.offer(b, 2) {
		c := w.take(r.ID)
		sizes = append(sizes, r.N)
		all = append(all, plates(c)...)
		if c.Left > 0 || len(c.Asks) != r.N {
			w.t.Errorf("chunk %d of %d asks gave %d, and left %d", r.ID, r.N, len(c.Asks), c.Left)
		}
	}
	equal(w, "sizes", sizes, []int{2, 2, 1})
	equal(w, "asks", all, []string{"P1", "P2", "P3", "P4", "P5"})
}

func offerKeepsCuts(w *world) {
	b := w.list("P1", "P2", "P3", "P4", "P5")
	refs, err := w.s.Offer(w.ctx, store.OfferRequest{Batch: b, Size: 2, Limit: 1})
	w.must(err, "offer one chunk")
	equal(w, "chunks", len(refs), 1)
	var sizes []int
	for _, r := range w.offer(b, 10) {
		sizes = append(sizes, r.N)
	}
	equal(w, "sizes", sizes, []int{2, 3})
}

func offerSkip(w *world) {
	b := w.list("P1", "P2", "P3")
	all := w.offer(b, 1)
	refs, err := w.s.Offer(w.ctx, store.OfferRequest{
		Batch: b, Size: 1, Limit: 2,
		Skip: func(c store.ChunkRef) bool { return c.ID == all[0].ID },
	})
	w.must(err, "offer chunks")
	equal(w, "chunks", refs, all[1:])
}

func offerLimit(w *world) {
	b := w.list("P1", "P2", "P3")
	refs, err := w.s.Offer(w.ctx, store.OfferRequest{Batch: b, Size: 1, Limit: 2})
	w.must(err, "offer chunks")
	equal(w, "chunks", len(refs), 2)
}

func offerRing(w *world) {
	b := w.list("P1")
	first := w.chunk(b)
	equal(w, "offered twice", w.chunk(b), first)
	w.settleRest(w.take(first.ID), queued(0))
	second := w.chunk(b)
	equal(w, "chunk", second.ID, first.ID)
	if second.Ring == first.Ring {
		w.t.Errorf("ring %d stayed when the chunk was claimed", first.Ring)
	}
}

func offerReady(w *world) {
	b := w.list("P1")
	ref := w.chunk(b)
	c := w.take(ref.ID)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued, Counted: true}, Ready: w.in(time.Minute)})
	w.pass(59 * time.Second)
	equal(w, "offer before", w.offer(b, 10), nil)
	equal(w, "claim before", plates(w.take(ref.ID)), nil)
	w.pass(time.Second)
	equal(w, "claim", plates(w.claim(b)), []string{"P1"})
}

// retry claims n asks of a chunk and has them fail so that they wait a minute.
func (w *world) retry(c store.ChunkID, n int, part store.Part) {
	w.t.Helper()
	w.settleAll(store.Settlement{Call: w.takeMax(c, n).Call, Part: part, Ready: w.in(time.Minute),
		Rest: &store.Verdict{To: store.Queued, Counted: true}})
}

func offerFresh(w *world) {
	b := w.list("P1", "P2", "P3")
	ref := w.chunk(b)
	w.retry(ref.ID, 1, 0)
	equal(w, "asks offered", w.chunk(b).N, 2)
	c := w.claim(b)
	equal(w, "asks", plates(c), []string{"P2", "P3"})
	equal(w, "left", c.Left, 0)
	w.settleRest(c, w.found(0))
	equal(w, "offer before", w.offer(b, 10), nil)
	w.pass(time.Minute)
	equal(w, "the other one", plates(w.claim(b)), []string{"P1"})
}

func offerFreshJoined(w *world) {
	home := w.list("P1", "P2", "P3")
	w.retry(w.chunk(home).ID, 2, 0)
	one, both := w.list("P1"), w.list("P2", "P3")
	w.pause(home)
	equal(w, "offer of one that waits", w.offer(one, 10), nil)
	equal(w, "asks offered", w.chunk(both).N, 1)
	equal(w, "asks", plates(w.claim(both)), []string{"P3"})
	w.pass(time.Minute)
	equal(w, "asks offered in the end", w.chunk(one).N, 1)
}

func offerFreshFirst(w *world) {
	b := w.list("P1", "P2", "P3")
	ref := w.chunk(b)
	w.retry(ref.ID, 1, 0)
	w.pass(time.Minute)
	equal(w, "asks offered", w.chunk(b).N, 3)
	equal(w, "first", plates(w.takeMax(ref.ID, 2)), []string{"P2", "P3"})
	equal(w, "last", plates(w.takeMax(ref.ID, 2)), []string{"P1"})
}

func offerBoundWaits(w *world) {
	b := w.list("P1", "P2", "P3")
	ref := w.chunk(b)
	w.retry(ref.ID, 1, 2)
	equal(w, "offer before", w.offer(b, 10), nil)
	equal(w, "claim before", plates(w.take(ref.ID)), nil)
	w.pass(time.Minute)
	equal(w, "asks", plates(w.claim(b)), []string{"P1", "P2"})
}

func offerOthers(w *world) {
	first := w.list("P1", "P2", "P3", "P4")
	second := w.list("P2", "P3", "P5")
	refs := w.offer(first, 1)
	w.take(refs[0].ID)
	w.settleRest(w.take(refs[1].ID), w.found(0))
	equal(w, "offer to the first", w.offer(first, 10), refs[2:])
	w.pause(first)
	var got []string
	for _, r := range w.offer(second, 10) {
		c := w.take(r.ID)
		if len(c.Asks) == 0 {
			w.t.Errorf("chunk %d was offered and gave nothing", r.ID)
		}
		got = append(got, plates(c)...)
	}
	slices.Sort(got)
	equal(w, "asks of the second", got, []string{"P3", "P5"})
}

func offerJoined(w *world) {
	first := w.list("P1", "P2", "P3")
	second := w.list("P2")
	w.must(w.s.Pause(w.ctx, first, "wait"), "pause")
	refs := w.offer(second, 1)
	equal(w, "offered", len(refs) > 0, true)
	var got []string
	for _, r := range refs {
		got = append(got, plates(w.take(r.ID))...)
	}
	equal(w, "asks", got, []string{"P2"})
}

var claimRules = []rule{
	{"an ask is claimed once", claimOnce},
	{"a claim takes no more than its bound, the rest stays", claimMax},
	{"a bounded chunk gives less, one call at a time, until the bound is lifted", claimPart},
	{"of suspects half are taken", claimSuspects},
	{"a claim that takes nothing records no call", claimEmpty},
	{"an answered chunk gives no asks", claimSettled},
	{"asks of a paused list are not taken", claimPaused},
	{"asks of a cancelled list are not taken", claimCancelled},
	{"asks of a list that is taken in are not taken", claimIntake},
	{"asks that another running list wants are taken, whatever their home does", claimWanted},
	{"a paused list's own asks stay when a neighbour is wanted", claimWantedOnly},
	{"a claim says what its list wants kept", claimKeepRaw},
	{"rows show that they are being sent", claimShows},
	{"a claim outlives a restart", claimSurvives},
}

func claimOnce(w *world) {
	b := w.list("P1", "P2")
	ref := w.chunk(b)
	equal(w, "first", plates(w.take(ref.ID)), []string{"P1", "P2"})
	equal(w, "second", plates(w.take(ref.ID)), nil)
	equal(w, "offer", w.offer(b, 10), nil)
}

func claimMax(w *world) {
	b := w.list("P1", "P2", "P3")
	ref := w.chunk(b)
	first := w.takeMax(ref.ID, 2)
	equal(w, "first", len(first.Asks), 2)
	equal(w, "left", first.Left, 1)
	w.states(b, store.Sending, store.Sending, store.Queued)
	second := w.takeMax(ref.ID, 2)
	equal(w, "second", len(second.Asks), 1)
	equal(w, "left", second.Left, 0)
	if first.Call == second.Call {
		w.t.Errorf("two claims have one call, %d", first.Call)
	}
}

func claimPart(w *world) {
	b := w.list("P1", "P2", "P3", "P4")
	ref := w.chunk(b)
	c := w.take(ref.ID)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued}, Part: 2})
	equal(w, "bound of the first claim", c.Part, store.Part(0))
	half := w.take(ref.ID)
	equal(w, "bound of the half", half.Part, store.Part(2))
	equal(w, "asks of the half", len(half.Asks), 2)
	equal(w, "left", half.Left, 2)
	equal(w, "asks beside the half", len(w.take(ref.ID).Asks), 0)
	w.settleAll(store.Settlement{Call: half.Call, Rest: &store.Verdict{To: store.Queued}})
	small := w.takeMax(ref.ID, 1)
	equal(w, "a smaller bound holds too", len(small.Asks), 1)
	equal(w, "bound of the chunk", small.Part, store.Part(2))
	w.settleAll(store.Settlement{Call: small.Call, Rest: &store.Verdict{To: store.Queued}, Part: store.NoBound})
	lifted := w.take(ref.ID)
	equal(w, "asks after the bound was lifted", len(lifted.Asks), 4)
	equal(w, "bound after that", lifted.Part, store.Part(0))
}

func claimSuspects(w *world) {
	b := w.list("P1", "P2", "P3", "P4", "P5")
	ref := w.chunk(b)
	c := w.take(ref.ID)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued}, Part: store.Suspects(5)})
	half := w.take(ref.ID)
	equal(w, "bound of the half", half.Part, store.Suspects(5))
	equal(w, "the half", plates(half), []string{"P1", "P2", "P3"})
}

func claimEmpty(w *world) {
	b := w.list("P1")
	ref := w.chunk(b)
	w.take(ref.ID)
	empty := w.take(ref.ID)
	equal(w, "asks", plates(empty), nil)
	equal(w, "calls", w.calls(), 1)
	stale, err := w.s.StaleCalls(w.ctx, 10)
	w.must(err, "list stale calls")
	equal(w, "calls to judge", len(stale), 1)
}

func claimSettled(w *world) {
	b := w.list("P1", "P2", "P3", "P4")
	ref := w.chunk(b)
	c := w.take(ref.ID)
	w.settle(c, w.found(w.ask(c, "P1")), w.notFound(w.ask(c, "P2")),
		w.failed(w.ask(c, "P3"), store.ClassProviderError), unknown(w.ask(c, "P4")))
	equal(w, "asks", plates(w.take(ref.ID)), nil)
	equal(w, "calls", w.calls(), 1)
	w.states(b, store.Found, store.NotFound, store.Failed, store.Unknown)
}

func claimPaused(w *world) {
	b := w.list("P1")
	ref := w.chunk(b)
	w.must(w.s.Pause(w.ctx, b, "wait"), "pause")
	equal(w, "asks", plates(w.take(ref.ID)), nil)
	w.states(b, store.Queued)
}

func claimCancelled(w *world) {
	b := w.list("P1")
	ref := w.chunk(b)
	w.must(w.s.Cancel(w.ctx, b, "wrong file"), "cancel")
	equal(w, "asks", plates(w.take(ref.ID)), nil)
	w.states(b, store.Cancelled)
}

func claimIntake(w *world) {
	b := w.begin(plain())
	w.add(b, rows("P1", "P2"))
	second := w.list("P2")
	var got []string
	for _, r := range w.offer(second, 10) {
		got = append(got, plates(w.take(r.ID))...)
	}
	equal(w, "asks", got, []string{"P2"})
	w.states(b, store.Queued, store.Sending)
}

func claimWanted(w *world) {
	for _, home := range []struct {
		is    string
		leave func(b store.BatchNo) error
	}{
		{"in intake", func(store.BatchNo) error { return nil }},
		{"paused", func(b store.BatchNo) error { w.commit(b); return w.s.Pause(w.ctx, b, "wait") }},
		{"cancelled", func(b store.BatchNo) error { w.commit(b); return w.s.Cancel(w.ctx, b, "wrong file") }},
	} {
		plate := "P " + home.is
		first := w.begin(plain())
		w.add(first, rows(plate))
		second := w.list(plate)
		w.must(home.leave(first), "leave the home "+home.is)
		c := w.claim(second)
		equal(w, "asks of a home "+home.is, plates(c), []string{plate})
		w.settleRest(c, w.found(0))
		w.states(second, store.Found)
	}
}

func claimWantedOnly(w *world) {
	first := w.list("P1", "P2", "P3")
	ref := w.chunk(first)
	w.list("P2")
	w.must(w.s.Pause(w.ctx, first, "wait"), "pause")
	c := w.take(ref.ID)
	equal(w, "asks", plates(c), []string{"P2"})
	w.states(first, store.Queued, store.Sending, store.Queued)
	w.settleRest(c, w.found(0))
	w.must(w.s.Resume(w.ctx, first), "resume")
	equal(w, "asks after resuming", plates(w.claim(first)), []string{"P1", "P3"})
}

func claimKeepRaw(w *world) {
	nb := plain()
	nb.KeepRaw = true
	equal(w, "kept", w.claim(w.submit(nb, rows("P1"))).KeepRaw, true)
	equal(w, "not kept", w.claim(w.list("P2")).KeepRaw, false)
}

func claimShows(w *world) {
	b := w.list("P1", "P2")
	w.takeMax(w.chunk(b).ID, 1)
	w.states(b, store.Sending, store.Queued)
	equal(w, "counts", w.batch(b).Counts[store.Sending], 1)
}

func claimSurvives(w *world) {
	b := w.list("P1", "P2")
	ref := w.chunk(b)
	c := w.takeMax(ref.ID, 1)
	w.reopen()
	w.states(b, store.Sending, store.Queued)
	equal(w, "asks left", plates(w.take(ref.ID)), []string{"P2"})
	w.settleRest(c, w.found(0))
	w.states(b, store.Found, store.Sending)
	w.reopen()
	w.states(b, store.Found, store.Sending)
}
