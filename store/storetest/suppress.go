package storetest

import (
	"context"
	"io"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var suppressRules = []rule{
	{"a row about somebody who is suppressed is invalid, and nothing of it is kept", suppressIntake},
	{"who is being erased is suppressed before anything of theirs is gone", suppressErased},
	{"who is allowed again is taken in again", suppressAllow},
	{"an estimate leaves out who is suppressed", suppressEstimate},
	{"who is suppressed stays so over a restart", suppressSurvives},
}

func suppressIntake(w *world) {
	w.must(w.s.Suppress(w.ctx, []store.PersonKey{w.plate("P2"), w.person(store.ByName, "Ivan Ivanov")}), "suppress")
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

func suppressErased(w *world) {
	old := w.list("P1")
	e := store.Erasure{ID: "e_1", At: w.now(), By: "user w", Reason: "asked for it", Keys: []store.PersonKey{w.plate("P1")}}
	w.must(w.s.BeginErasure(w.ctx, e), "begin erasure")
	w.states(old, store.Queued)
	w.states(w.list("P1", "P2"), store.Invalid, store.Queued)
}

func suppressAllow(w *world) {
	keys := []store.PersonKey{w.plate("P1"), w.plate("P2")}
	w.must(w.s.Suppress(w.ctx, keys), "suppress")
	w.must(w.s.Suppress(w.ctx, keys[:1]), "suppress once more")
	n, err := w.s.Allow(w.ctx, []store.PersonKey{keys[0], w.plate("P3")})
	w.must(err, "allow")
	equal(w, "who was allowed", n, 1)
	left, err := w.s.Suppressed(w.ctx)
	w.must(err, "list who is suppressed")
	equal(w, "who is left", left, keys[1:])
	w.states(w.list("P1", "P2"), store.Queued, store.Invalid)
}

func suppressEstimate(w *world) {
	w.must(w.s.Suppress(w.ctx, []store.PersonKey{w.plate("P2")}), "suppress")
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
	w.must(w.s.Suppress(w.ctx, []store.PersonKey{w.plate("P1")}), "suppress")
	w.reopen()
	w.states(w.list("P1"), store.Invalid)
}
