package storetest

import (
	"strings"
	"time"

	"github.com/plateq/plateq/store"
)

var destroyRules = []rule{
	{"a list whose key was destroyed says so, and nothing else suffers", destroyTold},
	{"what was destroyed is asked anew", destroyAskedAnew},
	{"a new list has no number whose key was destroyed", destroyNumbers},
}

// destroy opens the store anew without the keys of some lists.
func (w *world) destroy(lists ...store.BatchNo) {
	w.t.Helper()
	w.sealedBy(w.opts.Keys.WithoutLists(lists).Seal...)
}

// saidBy returns what the rows of a list say: the customer's line, or why not.
func (w *world) saidBy(no store.BatchNo) string {
	w.t.Helper()
	var said []string
	err := w.s.Rows(w.ctx, no, store.RowFilter{Questions: true}, func(r store.Row) error {
		text := strings.Join(r.Line, " ") + " " + r.State.String()
		if r.Problem != nil {
			text += " " + r.Problem.Code
		}
		if r.Answer != nil {
			text += " answered"
			if r.Answer.Failure != nil {
				text += " " + r.Answer.Failure.Code
			}
		}
		said = append(said, text)
		return nil
	})
	w.must(err, "read rows")
	return strings.Join(said, "; ")
}

func destroyTold(w *world) {
	gone := List(w.t, w.s, 2)
	WorkAll(w.t, w.s, gone, 2, 10)
	open, kept := List(w.t, w.s, 3), otherList(w.t, w.s)
	WorkAll(w.t, w.s, kept, 4, 10)
	before := w.saidBy(kept)
	w.destroy(gone)
	const lost = " found destroyed answered destroyed; " + " found destroyed answered destroyed"
	equal(w, "a list whose key was destroyed", w.saidBy(gone), lost)
	equal(w, "another list", w.saidBy(kept), before)
	if text := w.saidBy(open); !strings.Contains(text, "DL02AB000002 queued") || strings.Count(text, "answered") != strings.Count(text, "answered destroyed") {
		w.t.Errorf("a list that had joined it reads %q", text)
	}
	b, err := w.s.BatchByNo(w.ctx, gone)
	w.must(err, "read batch")
	equal(w, "rows that are still counted", b.Counts[store.Found], 2)
	fresh := w.opts.Keys.NewSealKeys().Seal
	w.sealedBy(fresh...)
	w.resealed()
	w.sealedBy(fresh[0])
	equal(w, "a list whose key was destroyed, after the next rotation", w.saidBy(gone), lost)
	equal(w, "another list, after the next rotation", w.saidBy(kept), before)
}

func destroyAskedAnew(w *world) {
	gone := List(w.t, w.s, 3)
	WorkAll(w.t, w.s, gone, 3, 10)
	w.destroy(gone)
	no, err := w.s.BeginBatch(w.ctx, store.NewBatch{Provider: provider, Reuse: store.Reuse{FreshFor: 100 * 365 * 24 * time.Hour}})
	w.must(err, "begin batch")
	taken, err := w.s.AddRows(w.ctx, no, store.Piece{Rows: Plates(0, 3)})
	w.must(err, "add rows")
	equal(w, "rows on an answer that nobody can read", taken.Cached, 0)
	equal(w, "questions that are asked anew", taken.Asks, 3)
}

func destroyNumbers(w *world) {
	no := List(w.t, w.s, 1)
	w.destroy(no, no+1, no+7) // the store is a copy from before there were the last two
	next := otherList(w.t, w.s)
	if next <= no+7 {
		w.t.Errorf("a new list has number %d, and the key of %d was destroyed", next, no+7)
	}
	if text := w.saidBy(next); strings.Contains(text, "destroyed") {
		w.t.Errorf("a new list reads %q", text)
	}
}
