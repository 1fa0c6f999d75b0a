package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var resealRules = []rule{
	{"sealing keys can be replaced, though it is cut off in the middle", resealCutOff},
	{"what was sealed anew stays as it is", resealOnce},
	{"a key that was replaced can go, and does not come back to seal", resealGone},
	{"a key that only opens need not be given again", resealOpener},
}

// legible is all that is sealed, as it is read.
func (w *world) legible() []string {
	w.t.Helper()
	var texts []string
	add := func(what string, err error, v any) {
		w.t.Helper()
		w.must(err, "read "+what)
		texts = append(texts, fmt.Sprintf("%s: %+v", what, v))
	}
	batches, err := w.s.Batches(w.ctx, store.BatchFilter{})
	add("batches", err, len(batches))
	for _, b := range batches {
		add("batch", nil, []any{b.Name, b.Columns})
		err := w.s.Rows(w.ctx, b.No, store.RowFilter{Questions: true}, func(r store.Row) error {
			add("row", nil, []any{r.Number, r.CallerID, r.Subject, r.Line, r.Question, failureText(r.Problem)})
			if r.Answer != nil {
				add("answer", nil, []any{string(r.Answer.Result), failureText(r.Answer.Failure)})
			}
			return nil
		})
		add("rows", err, b.Rows)
	}
	orphans, err := w.s.Orphans(w.ctx)
	add("orphans", err, orphans)
	decisions, err := w.s.Decisions(w.ctx, "", 100)
	add("decisions", err, decisions)
	hooks, err := w.s.Hooks(w.ctx, "")
	for i := range hooks {
		add("hook", err, hooks[i].URL)
	}
	return texts
}

func failureText(f *store.Failure) string {
	if f == nil {
		return ""
	}
	return string(f.Class) + " " + f.Code + " " + f.Message
}

// sealedBy opens the store anew with other sealing keys.
func (w *world) sealedBy(keys ...store.SealKey) {
	w.t.Helper()
	w.must(w.s.Close(), "close store")
	w.opts.Keys.Seal = keys
	w.s = w.mustOpen()
}

// resealed seals everything anew.
func (w *world) resealed() (gone []string, changed int) {
	w.t.Helper()
	gone, err := store.ResealAll(w.ctx, w.s, func(_, n int) { changed = n })
	w.must(err, "seal everything anew")
	return gone, changed
}

func resealCutOff(w *world) {
	TellCanaries(w.t, w.s)
	calls, err := w.s.Unknowns(w.ctx, store.UnknownFilter{})
	if err != nil || len(calls) != 1 {
		w.t.Fatalf("unknown calls: %v %v", calls, err)
	}
	_, err = w.s.GiveUp(w.ctx, calls[0].Call, store.Decision{By: "w", Reason: canaryName})
	w.must(err, "give up")
	Hint(w.t, w.s, providers.Hint{Ticket: canaryName + " again"})
	List(w.t, w.s, 1200) // more than one step
	before := w.legible()
	for _, what := range []string{"orphans: [{", "decisions: [{", canaryPhone, "hook: https"} {
		if !slices.ContainsFunc(before, func(text string) bool { return strings.Contains(text, what) }) {
			w.t.Errorf("there is no %q to be sealed", what)
		}
	}
	old := w.opts.Keys.Seal[0]
	fresh := w.opts.Keys.NewSealKeys().Seal[0]
	w.must(w.s.Close(), "close store")
	o := w.opts
	o.Keys.Seal = []store.SealKey{fresh}
	refuses[*store.KeysError](w, "open without the key that seals", w.cannotOpen(o))
	w.s = w.mustOpen()
	w.sealedBy(fresh, old)
	place, changed := store.ResealPlace{}, 0
	for range 3 { // and it is killed
		step, err := w.s.Reseal(w.ctx, place)
		w.must(err, "seal anew")
		place, changed = step.Next, changed+step.Changed
	}
	w.reopen()
	equal(w, "what is readable half-way", w.legible(), before)
	gone, rest := w.resealed()
	if changed == 0 || rest == 0 {
		w.t.Errorf("%d values were sealed anew before it was cut off and %d after", changed, rest)
	}
	equal(w, "keys that are not needed any more", gone, []string{fmt.Sprintf("%x", old.ID)})
	w.sealedBy(fresh)
	equal(w, "what is readable with the new key alone", w.legible(), before)
	w.must(w.s.Close(), "close store")
	o.Keys.Seal = []store.SealKey{old}
	refuses[*store.KeysError](w, "open with the old key alone", w.cannotOpen(o))
	w.s = w.mustOpen()
}

func resealOnce(w *world) {
	List(w.t, w.s, 3)
	_, changed := w.resealed()
	equal(w, "values of the key in use that were sealed anew", changed, 0)
	w.sealedBy(w.opts.Keys.NewSealKeys().Seal...)
	_, first := w.resealed()
	gone, again := w.resealed()
	equal(w, "values that were sealed anew twice", again, 0)
	equal(w, "keys that went twice", len(gone), 0)
	if first < 7 { // a batch, three rows, three questions
		w.t.Errorf("%d values were sealed anew, want 7", first)
	}
}

func resealGone(w *world) {
	List(w.t, w.s, 3)
	before := w.legible()
	old := w.opts.Keys.Seal[0]
	fresh := w.opts.Keys.NewSealKeys().Seal[0]
	w.sealedBy(fresh, old)
	w.resealed()
	w.sealedBy(fresh, old) // a process that is started again before the old key is taken away
	w.must(w.s.HoldsKeys(w.ctx), "look whether the keys are the right ones")
	w.must(w.s.Close(), "close store")
	o := w.opts
	o.Keys.Seal = []store.SealKey{old, fresh}
	e := wantError[*store.ReplacedKeyError](w, "seal with a key that was replaced", w.cannotOpen(o))
	equal(w, "the key that was replaced", e.Key, old.Name())
	w.s = w.mustOpen()
	w.sealedBy(fresh)
	equal(w, "what is readable without the old key", w.legible(), before)
}

func resealOpener(w *world) {
	List(w.t, w.s, 3)
	first := w.opts.Keys.Seal[0]
	w.sealedBy(first, store.NewSealKey())
	List(w.t, w.s, 3)
	w.sealedBy(first)
}
