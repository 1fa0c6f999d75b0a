package storetest

import (
	"errors"
	"fmt"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var rowRules = []rule{
	{"rows are read in pages", rowPages},
	{"rows are chosen by state", rowFilter},
	{"rows are chosen by number", rowOnly},
	{"rows come with what they ask, where that is wanted", rowQuestions},
	{"reading stops at the first error and returns it", rowStops},
	{"rows are those of one moment", rowSnapshot},
	{"rows of lists that share are each their own", rowShared},
	{"a long list in small pieces and small chunks comes back whole", rowLong},
}

func numbers(list []store.Row) []int {
	var n []int
	for _, r := range list {
		n = append(n, r.Number)
	}
	return n
}

func rowPages(w *world) {
	b := w.list("P1", "P2", "P3", "P2", "P1")
	equal(w, "first page", numbers(w.read(b, store.RowFilter{Limit: 2})), []int{1, 2})
	equal(w, "second page", numbers(w.read(b, store.RowFilter{Limit: 2, After: 2})), []int{3, 4})
	equal(w, "last page", numbers(w.read(b, store.RowFilter{Limit: 2, After: 4})), []int{5})
	equal(w, "past the end", numbers(w.read(b, store.RowFilter{After: 5})), nil)
	equal(w, "until a row", numbers(w.read(b, store.RowFilter{Until: 3})), []int{1, 2, 3})
	equal(w, "between two", numbers(w.read(b, store.RowFilter{After: 1, Until: 3, Limit: 9})), []int{2, 3})
	equal(w, "until one that is not there", numbers(w.read(b, store.RowFilter{After: 3, Until: 9})), []int{4, 5})
	equal(w, "without bounds", numbers(w.read(b, store.RowFilter{})), []int{1, 2, 3, 4, 5})
}

func rowFilter(w *world) {
	b := w.submit(plain(), append(rows("P1", "P2", "P3", "P1"), invalid("X")))
	c := w.takeMax(w.chunk(b).ID, 2)
	w.settle(c, w.found(w.ask(c, "P1")), unknown(w.ask(c, "P2")))
	of := func(after, limit int, states ...store.State) []int {
		return numbers(w.read(b, store.RowFilter{States: states, After: after, Limit: limit}))
	}
	equal(w, "found", of(0, 0, store.Found), []int{1, 4})
	equal(w, "found, one of them", of(0, 1, store.Found), []int{1})
	equal(w, "found, the next", of(1, 1, store.Found), []int{4})
	equal(w, "found, up to the third row", numbers(w.read(b, store.RowFilter{States: []store.State{store.Found}, Until: 3})), []int{1})
	equal(w, "unknown or invalid", of(0, 0, store.Unknown, store.Invalid), []int{2, 5})
	equal(w, "queued", of(0, 0, store.Queued), []int{3})
	equal(w, "cancelled", of(0, 0, store.Cancelled), nil)
	w.cancel(b)
	equal(w, "cancelled after it", of(0, 0, store.Cancelled), []int{3})
	equal(w, "queued after it", of(0, 0, store.Queued), nil)
}

func rowOnly(w *world) {
	w.list("Q1", "Q2")
	b := w.submit(plain(), append(rows("P1", "P2", "P3", "P1"), invalid("X")))
	w.list("Q3")
	c := w.takeMax(w.chunk(b).ID, 1)
	w.settle(c, w.found(w.ask(c, "P1")))
	equal(w, "some", numbers(w.read(b, store.RowFilter{Only: []int{1, 3, 5}})), []int{1, 3, 5})
	equal(w, "one that is there", numbers(w.read(b, store.RowFilter{Only: []int{0, 4, 6, 1000}})), []int{4})
	equal(w, "found ones", numbers(w.read(b, store.RowFilter{Only: []int{2, 4}, States: []store.State{store.Found}})), []int{4})
	equal(w, "a page of them", numbers(w.read(b, store.RowFilter{Only: []int{1, 2, 3}, Limit: 1, After: 2})), []int{1, 2, 3})
	got := w.read(b, store.RowFilter{Only: []int{4}})[0]
	equal(w, "the row as it is", got, w.row(b, 4))
}

func rowQuestions(w *world) {
	known := w.list("P1")
	w.settle(w.claim(known), w.found(store.NewAskID(known, 0)))
	list := rows("P1", "P2")
	for i := range list {
		list[i].Question.Params = providers.Params{"operator": "311"}
		list[i].Service = "311"
	}
	b := w.submit(plain(), append(list, invalid("X")))
	joined := w.submit(plain(), list[1:])
	for _, got := range [][]store.Row{w.read(b, store.RowFilter{Questions: true}), w.read(b, store.RowFilter{Questions: true, Only: []int{1, 2, 3}})} {
		for i, r := range list {
			equal(w, "question", got[i].Question, r.Question)
			equal(w, "service", got[i].Service, r.Service)
		}
		equal(w, "question of an invalid row", len(got[2].Question.Subject), 0)
	}
	equal(w, "question that is another list's", w.read(joined, store.RowFilter{Questions: true})[0].Question, list[1].Question)
	equal(w, "a question that nobody wants", len(w.row(b, 1).Question.Subject), 0)
}

func rowStops(w *world) {
	b := w.list("P1", "P2", "P3")
	enough := errors.New("enough")
	n := 0
	err := w.s.Rows(w.ctx, b, store.RowFilter{}, func(store.Row) error {
		n++
		if n == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		w.t.Errorf("got error %v, want the reader's own", err)
	}
	equal(w, "rows read", n, 2)
	w.states(b, store.Queued, store.Queued, store.Queued)
}

func rowSnapshot(w *world) {
	b := w.list("P1", "P2", "P3")
	c := w.claim(b)
	var got []store.Row
	err := w.s.Rows(w.ctx, b, store.RowFilter{}, func(r store.Row) error {
		if len(got) == 0 {
			w.settleRest(c, w.found(0))
		}
		got = append(got, r)
		return nil
	})
	w.must(err, "read rows")
	equal(w, "rows as read", names(got), []string{"sending", "sending", "sending"})
	w.states(b, store.Found, store.Found, store.Found)
}

func rowShared(w *world) {
	first := w.list("P1", "P2")
	list := rows("P2", "P1", "P2")
	list[2].CallerID, list[2].Line = "mine", []string{"my line"}
	second := w.submit(plain(), list)
	c := w.claim(first)
	w.settle(c, w.found(w.ask(c, "P1")), w.notFound(w.ask(c, "P2")))
	w.states(second, store.NotFound, store.Found, store.NotFound)
	r := w.row(second, 3)
	equal(w, "id and line", append(r.Line, r.CallerID), []string{"my line", "mine"})
	equal(w, "cached", r.Cached, false)
}

func rowLong(w *world) {
	const n = 300
	b := w.begin(plain())
	for i := range n {
		list := rows(fmt.Sprintf("P%03d", i%200))
		if i%50 == 49 {
			list = []store.NewRow{invalid(fmt.Sprintf("X%d", i))}
		}
		w.add(b, list)
	}
	w.commit(b)
	for _, ref := range w.offer(b, 7) {
		c := w.take(ref.ID)
		var v []store.Verdict
		for i, a := range c.Asks {
			v = append(v, w.verdict(a.ID, []store.State{store.Found, store.NotFound, store.Failed, store.Unknown}[i%4]))
		}
		w.settle(c, v...)
	}
	got := w.read(b, store.RowFilter{})
	equal(w, "rows", len(got), n)
	state := map[string]store.State{}
	for i, r := range got {
		if r.Number != i+1 || r.State.Open() {
			w.t.Fatalf("row %d at place %d is %s", r.Number, i+1, r.State)
		}
		if r.State != store.Invalid {
			first, again := state[r.Line[0]]
			if again && first != r.State {
				w.t.Errorf("rows about %s are %s and %s", r.Line[0], first, r.State)
			}
			state[r.Line[0]] = r.State
		}
	}
	w.batchState(b, store.BatchDone)
}
