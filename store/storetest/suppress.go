package storetest

import (
	"context"
	"io"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var suppressRules = []rule{
	{"a row about somebody who is suppressed is invalid, and nothing of it is kept", suppressIntake},
	{"a body number of any length that is taken in can be suppressed and erased", suppressBody},
	{"who is being erased is suppressed before anything of theirs is gone", suppressErased},
	{"who is allowed again is taken in again", suppressAllow},
	{"what is said last of somebody counts, in whatever order it comes", suppressLast},
	{"a vehicle found with somebody is suppressed though a clock that is ahead allowed it", suppressFound},
	{"an erasure that is carried out again leaves a vehicle that was allowed since", suppressFoundAgain},
	{"an estimate leaves out who is suppressed", suppressEstimate},
	{"who is suppressed stays so over a restart", suppressSurvives},
}

func suppressIntake(w *world) {
	w.must(w.s.Suppress(w.ctx, []store.PersonKey{w.plate("P2"), w.person(store.ByName, "Ivan Ivanov")}, w.now()), "suppress")
	list := rows("P1", "P2", "P3")
	list[2].Subject = providers.Subject{providers.LastName: "Ivanov", providers.FirstName: "Ivan"}
	b := w.begin(plain())
	equal(w, "taken", w.add(b, list), store.Taken{Rows: 3, Invalid: 2, Asks: 1})
	w.commit(b)
	w.states(b, store.Queued, store.Invalid, store.Invalid)
	for n := 2; n <= 3; n++ {
		r := w.row(b, n)
		equal(w, "a row that is suppressed", r, store.Row{Number: n, State: store.Invalid, Problem: r.Problem})
		if r.Problem == nil || r.Problem.Class != store.ClassSuppressed || r.Problem.Code != store.CodeSuppressed {
			w.t.Errorf("row %d says %v", n, r.Problem)
		}
	}
	equal(w, "asks", plates(w.claim(b)), []string{"P1"})
}

func suppressBody(w *world) {
	const body = "GX100-6012345ABCDEFGHIJKLMNOPQRS" // as long as they are taken in
	list := func() store.BatchNo {
		all := rows("P1", "P2")
		all[0].Subject = providers.Subject{providers.Body: body}
		return w.submit(plain(), all)
	}
	b := list()
	w.settleRest(w.claim(b), w.saying(0, `{"of":"the vehicle"}`))
	w.erase(w.plate(body))
	w.blank(b, 1, store.Found)
	equal(w, "what is left", w.mentions(body), nil)
	w.states(list(), store.Invalid, store.Queued)
}

func suppressErased(w *world) {
	old := w.list("P1")
	e := store.Erasure{ID: "e_1", At: w.now(), By: "user w", Reason: "asked for it", Keys: []store.PersonKey{w.plate("P1")}}
	w.must(w.s.BeginErasure(w.ctx, e), "begin erasure")
	w.states(old, store.Queued)
	w.states(w.list("P1", "P2"), store.Invalid, store.Queued)
}

func suppressAllow(w *world) {
	keys := []store.PersonKey{w.plate("P1"), w.plate("P2")}
	w.must(w.s.Suppress(w.ctx, keys, w.now()), "suppress")
	w.must(w.s.Suppress(w.ctx, keys[:1], w.in(1)), "suppress once more")
	w.pass(time.Second)
	n, err := w.s.Allow(w.ctx, []store.PersonKey{keys[0], w.plate("P3")}, w.now())
	w.must(err, "allow")
	equal(w, "who was allowed", n, 1)
	equal(w, "what was said", w.said(), []store.Suppression{
		{Key: keys[1], At: w.in(-time.Second)}, {Key: keys[0], At: w.now(), Allowed: true},
	})
	w.states(w.list("P1", "P2"), store.Queued, store.Invalid)
}

func (w *world) said() []store.Suppression {
	w.t.Helper()
	all, err := w.s.Suppressions(w.ctx)
	w.must(err, "list who is suppressed")
	return all
}

func suppressLast(w *world) {
	one := []store.PersonKey{w.plate("P1")}
	is := func(what string, at time.Time, allowed bool) {
		w.t.Helper()
		equal(w, what, w.said(), []store.Suppression{{Key: one[0], At: at, Allowed: allowed}})
	}
	allow := func(at time.Time, want int) {
		w.t.Helper()
		n, err := w.s.Allow(w.ctx, one, at)
		w.must(err, "allow")
		equal(w, "who was allowed", n, want)
	}
	first, second, third := w.in(time.Second), w.in(2*time.Second), w.in(3*time.Second)
	w.must(w.s.Suppress(w.ctx, one, second), "suppress")
	allow(first, 0)
	allow(second, 0)
	is("allowed no later", second, false)
	w.must(w.s.Suppress(w.ctx, one, first), "suppress")
	is("suppressed before", second, false)
	allow(third, 1)
	w.must(w.s.Suppress(w.ctx, one, second), "suppress")
	is("allowed later", third, true)
	w.must(w.s.BeginErasure(w.ctx, store.Erasure{ID: "e_1", At: second, Keys: one}), "begin erasure")
	is("erased before it was allowed", third, true)
	w.states(w.list("P1"), store.Queued)
	w.must(w.s.Suppress(w.ctx, one, third), "suppress")
	is("suppressed at the same time", third, false)
	w.states(w.list("P1"), store.Invalid)
}

// allowedLater is a list with somebody in whose line is a vehicle that was
// erased before, and is allowed in an hour.
func (w *world) allowedLater() store.BatchNo {
	w.t.Helper()
	one := []store.PersonKey{w.plate("P1")}
	w.must(w.s.Suppress(w.ctx, one, w.now()), "suppress")
	n, err := w.s.Allow(w.ctx, one, w.in(time.Hour))
	w.must(err, "allow")
	equal(w, "who was allowed", n, 1)
	list := rows("P1")
	list[0].Line = []string{"P1", "Ivan Ivanov"}
	return w.submit(plain(), list)
}

func suppressFound(w *world) {
	b := w.allowedLater()
	e := store.Erasure{ID: "e_1", At: w.now(), Keys: []store.PersonKey{w.person(store.ByName, "Ivan Ivanov")}}
	var told []store.Suppression
	_, err := store.EraseAll(w.ctx, w.s, e, func(keys []store.PersonKey, at time.Time) error {
		for _, k := range keys {
			told = append(told, store.Suppression{Key: k, At: at})
		}
		return nil
	}, func(int) {})
	w.must(err, "erase")
	found := store.Suppression{Key: w.plate("P1"), At: w.in(time.Hour + time.Millisecond)}
	equal(w, "what was told of", told, []store.Suppression{found})
	equal(w, "what was said", w.said(), []store.Suppression{{Key: e.Keys[0], At: e.At}, found})
	w.blank(b, 1, store.Invalid)
	w.states(w.list("P1"), store.Invalid)
}

func suppressFoundAgain(w *world) {
	b := w.allowedLater()
	e := store.Erasure{ID: "e_1", At: w.now(), Keys: []store.PersonKey{w.person(store.ByName, "Ivan Ivanov")}, Again: true}
	_, err := store.EraseAll(w.ctx, w.s, e, func(keys []store.PersonKey, _ time.Time) error {
		w.t.Errorf("it erases %v, who was allowed since", keys)
		return nil
	}, func(int) {})
	w.must(err, "erase")
	w.blank(b, 1, store.Invalid)
	w.states(w.list("P1"), store.Queued)
	equal(w, "what was said", w.said()[1], store.Suppression{Key: w.plate("P1"), At: w.in(time.Hour), Allowed: true})
}

func suppressEstimate(w *world) {
	w.must(w.s.Suppress(w.ctx, []store.PersonKey{w.plate("P2")}, w.now()), "suppress")
	pieces := [][]store.NewRow{rows("P1", "P2"), rows("P2")}
	got, err := w.s.Estimate(w.ctx, store.EstimateRequest{Provider: provider, Next: func(context.Context) ([]store.NewRow, error) {
		if len(pieces) == 0 {
			return nil, io.EOF
		}
		piece := pieces[0]
		pieces = pieces[1:]
		return piece, nil
	}})
	w.must(err, "estimate")
	equal(w, "estimate", got.Taken, store.Taken{Rows: 3, Invalid: 2, Asks: 1})
}

func suppressSurvives(w *world) {
	w.must(w.s.Suppress(w.ctx, []store.PersonKey{w.plate("P1")}, w.now()), "suppress")
	w.reopen()
	w.states(w.list("P1"), store.Invalid)
}
