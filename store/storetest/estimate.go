package storetest

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/plateq/plateq/store"
)

var estimateRules = []rule{
	{"an estimate is what the intake then does", estimateTrue},
	{"an estimate counts each question once, however its rows are cut", estimateDifferent},
	{"a list that wants fresh answers is estimated so", estimateFresh},
	{"an estimate does not count on answers that are gone", estimateGone},
	{"an estimate for another tenant knows nothing", estimateTenant},
	{"an estimate leaves nothing behind", estimateFree},
	{"an estimate ends with its list", estimateBroken},
}

// estimate estimates a list that comes in pieces.
func (w *world) estimate(nb store.NewBatch, pieces ...[]store.NewRow) store.Estimate {
	w.t.Helper()
	got, err := w.s.Estimate(w.ctx, store.EstimateRequest{
		Tenant: nb.Tenant, Provider: nb.Provider, Reuse: nb.Reuse,
		Next: func(context.Context) ([]store.NewRow, error) {
			if len(pieces) == 0 {
				return nil, io.EOF
			}
			next := pieces[0]
			pieces = pieces[1:]
			return next, nil
		},
	})
	w.must(err, "estimate")
	return got
}

// past is a world in which questions stand in every way: P0 found long ago, P1
// found and P2 not found lately, P3 failed, P4 unknown, P5 waiting to be sent
// and P6 sent.
func (w *world) past() {
	w.t.Helper()
	w.answered("P0", w.found(0))
	w.pass(10 * time.Hour)
	w.answered("P1", w.found(0))
	w.answered("P2", w.notFound(0))
	w.answered("P3", w.failed(0, store.ClassProviderError))
	w.answered("P4", unknown(0))
	w.list("P5")
	w.claim(w.list("P6"))
}

func estimateTrue(w *world) {
	w.past()
	nb := reusing(time.Hour, time.Hour)
	pieces := [][]store.NewRow{
		append(rows("P0", "P1", "P1", "P2", "P3", "N1", "N1"), invalid("X")),
		append(rows("P1", "P0", "P4", "P5", "P6", "P5", "N1", "N2"), invalid("Y"), invalid("Z")),
		rows("P6", "P4", "N2", "N3"),
	}
	got := w.estimate(nb, pieces...)
	b := w.begin(nb)
	var want store.Taken
	for _, p := range pieces {
		taken := w.add(b, p)
		want.Rows, want.Invalid, want.Asks = want.Rows+taken.Rows, want.Invalid+taken.Invalid, want.Asks+taken.Asks
		want.Shared, want.Joined = want.Shared+taken.Shared, want.Joined+taken.Joined
		want.Cached, want.Unknown = want.Cached+taken.Cached, want.Unknown+taken.Unknown
	}
	w.commit(b)
	equal(w, "estimate", got.Taken, want)
	equal(w, "estimate", got, store.Estimate{
		Taken: store.Taken{Rows: 22, Invalid: 3, Asks: 5, Shared: 8, Joined: 4, Cached: 4, Unknown: 2},
		Once:  store.Taken{Rows: 10, Asks: 5, Shared: 2, Joined: 2, Cached: 2, Unknown: 1},
	})
}

func estimateDifferent(w *world) {
	list := rows("A", "B", "A", "C", "B", "A", "D")
	want := store.Estimate{Taken: store.Taken{Rows: 7, Asks: 4, Shared: 3}, Once: store.Taken{Rows: 4, Asks: 4}}
	equal(w, "in one piece", w.estimate(plain(), list), want)
	equal(w, "row by row", w.estimate(plain(), slices.Collect(slices.Chunk(list, 1))...), want)
}

func estimateFresh(w *world) {
	w.past()
	nb := reusing(time.Hour, time.Hour)
	nb.Reuse.Fresh = true
	want := store.Taken{Rows: 4, Asks: 2, Shared: 1, Joined: 1, Unknown: 1}
	equal(w, "estimate", w.estimate(nb, rows("P1", "P2", "P4", "P5")), store.Estimate{Taken: want, Once: want})
}

func estimateGone(w *world) {
	nb := keptFor(day)
	w.answeredIn(nb, "P1", "P2")
	w.pass(time.Hour)
	w.submit(keptFor(9*day), rows("P2"))
	want := store.Taken{Rows: 2, Cached: 2}
	equal(w, "before", w.estimate(nb, rows("P1", "P2")), store.Estimate{Taken: want, Once: want})
	w.pass(day)
	equal(w, "lists that are over", w.lapse().Lists, 1)
	want = store.Taken{Rows: 2, Asks: 1, Cached: 1}
	equal(w, "after", w.estimate(nb, rows("P1", "P2")), store.Estimate{Taken: want, Once: want})
	equal(w, "taken then", w.add(w.begin(nb), rows("P1", "P2")), want)
}

func estimateTenant(w *world) {
	w.past()
	nb := reusing(time.Hour, time.Hour)
	nb.Tenant = "acme"
	want := store.Taken{Rows: 3, Asks: 3}
	equal(w, "estimate", w.estimate(nb, rows("P1", "P4", "P5")), store.Estimate{Taken: want, Once: want})
}

func estimateFree(w *world) {
	w.past()
	before, err := w.s.Check(w.ctx)
	w.must(err, "check")
	w.estimate(plain(), rows("P1", "P5", "N1"))
	after, err := w.s.Check(w.ctx)
	w.must(err, "check")
	equal(w, "what there is after it", after, before)
	b := w.begin(plain())
	equal(w, "taken after it", w.add(b, rows("N1")), store.Taken{Rows: 1, Asks: 1})
	w.commit(b)
}

func estimateBroken(w *world) {
	_, err := w.s.Estimate(w.ctx, store.EstimateRequest{
		Provider: provider, Next: func(context.Context) ([]store.NewRow, error) { return nil, io.ErrUnexpectedEOF },
	})
	equal(w, "the error of a list that breaks off is its own", errors.Is(err, io.ErrUnexpectedEOF), true)
}
