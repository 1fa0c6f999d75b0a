package storetest

import (
	"time"

	"github.com/plateq/plateq/store"
)

var seriesRules = []rule{
	{"counts of a minute and of an hour add up", seriesAddUp},
	{"counts are chosen by provider and time", seriesChosen},
	{"counts that are written at once all count", seriesTogether},
	{"counts are forgotten after the life of their span", seriesTidied},
	{"a settlement says what moved and what that cost", seriesMoved},
}

func (w *world) counted(all ...store.Count) {
	w.t.Helper()
	w.must(w.s.AddCounts(w.ctx, all), "add counts")
}

func (w *world) series(f store.SeriesFilter, want ...store.Count) {
	w.t.Helper()
	got, err := w.s.Series(w.ctx, f)
	w.must(err, "read series")
	equal(w, "series", got, want)
}

func seriesAddUp(w *world) {
	at := w.now()
	minute, hour := at.Truncate(time.Minute), at.Truncate(time.Hour)
	next := minute.Add(time.Minute)
	w.counted()
	w.counted(store.Count{Provider: provider, At: at, Measure: store.MeasureFound, N: 2}, store.Count{Provider: provider, At: at.Add(time.Second), Measure: store.MeasureFound, N: 1},
		store.Count{Provider: provider, At: at, Measure: store.MeasureFailed})
	w.counted(store.Count{Provider: provider, At: next, Measure: store.MeasureFound, N: 4}, store.Count{Provider: provider, At: at, Measure: store.MeasureRequests, N: 5},
		store.Count{Provider: provider, At: at, Measure: store.MeasureFound, N: 8})
	w.series(store.SeriesFilter{Span: store.Minutes, From: at},
		store.Count{Provider: provider, At: minute, Measure: store.MeasureFound, N: 11},
		store.Count{Provider: provider, At: minute, Measure: store.MeasureRequests, N: 5},
		store.Count{Provider: provider, At: next, Measure: store.MeasureFound, N: 4})
	w.reopen()
	w.series(store.SeriesFilter{Span: store.Hours, From: at},
		store.Count{Provider: provider, At: hour, Measure: store.MeasureFound, N: 15},
		store.Count{Provider: provider, At: hour, Measure: store.MeasureRequests, N: 5})
}

func seriesChosen(w *world) {
	at := w.now().Truncate(time.Minute)
	early := store.Count{Provider: provider, At: at.Add(-time.Minute), Measure: store.MeasureFound, N: 1}
	late := store.Count{Provider: provider, At: at, Measure: store.MeasureFound, N: 2}
	other := store.Count{Provider: "regnum", At: at, Measure: store.MeasureFound, N: 3}
	w.counted(other, late, early)
	w.series(store.SeriesFilter{Span: store.Minutes, From: early.At}, early, late, other)
	w.series(store.SeriesFilter{Span: store.Minutes, From: at.Add(time.Second)}, late, other)
	w.series(store.SeriesFilter{Span: store.Minutes, From: at, Provider: "regnum"}, other)
}

func seriesTogether(w *world) {
	at := w.now().Truncate(time.Minute)
	together(crowd, func(i int) {
		one := []store.Count{
			{Provider: provider, At: at, Measure: store.MeasureFound, N: 1}, {Provider: "regnum", At: at, Measure: store.MeasureRequests, N: 2},
		}
		if i%2 == 0 {
			one[0], one[1] = one[1], one[0]
		}
		w.ok(w.s.AddCounts(w.ctx, one), "add counts")
	})
	w.series(store.SeriesFilter{Span: store.Minutes, From: at},
		store.Count{Provider: provider, At: at, Measure: store.MeasureFound, N: crowd},
		store.Count{Provider: "regnum", At: at, Measure: store.MeasureRequests, N: 2 * crowd})
}

func seriesTidied(w *world) {
	at := w.now()
	w.counted(store.Count{Provider: provider, At: at, Measure: store.MeasureFound, N: 1})
	w.pass(store.Minutes.Life() + time.Minute)
	n, err := w.s.TidyHistory(w.ctx)
	w.must(err, "tidy history")
	equal(w, "forgotten", n, 1)
	w.series(store.SeriesFilter{Span: store.Minutes, From: at})
	w.series(store.SeriesFilter{Span: store.Hours, From: at}, store.Count{Provider: provider, At: at.Truncate(time.Hour), Measure: store.MeasureFound, N: 1})
	w.pass(store.Hours.Life())
	_, err = w.s.TidyHistory(w.ctx)
	w.must(err, "tidy history")
	w.series(store.SeriesFilter{Span: store.Hours, From: at})
}

func seriesMoved(w *world) {
	b := w.list("P1", "P2", "P3", "P4")
	c := w.spends(w.chunk(b).ID, store.BudgetDefaults{}, 4)
	got := w.settle(c, w.found(w.ask(c, "P1")), w.found(w.ask(c, "P2")), w.notFound(w.ask(c, "P3")))
	equal(w, "moved", got.Moved, store.Counts{store.Found: 2, store.NotFound: 1})
	equal(w, "cost", got.Billed.Spent, inr.Of(3))
	got = w.settle(c, w.found(w.ask(c, "P1")))
	equal(w, "moved again", got.Moved, nil)
	equal(w, "cost again", got.Billed.None(), true)

	w.waiting("T-1", "Q1")
	o := w.poll("T-1")
	polled, err := w.s.SettleTicket(w.ctx, store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: w.now(), Verdicts: []store.Verdict{w.found(o.Asks[0].ID)}})
	w.must(err, "settle ticket")
	equal(w, "moved by a poll", polled.Moved, store.Counts{store.Found: 1})
}
