package api_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

// TestRowsOfWhomOneWasErasedAreNotTheSame: who keeps a copy by its tag is told
// that there is another one now.
func TestRowsOfWhomOneWasErasedAreNotTheSame(t *testing.T) {
	t.Parallel()
	keys := store.NewKeys()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	w := worldOver(t, st, nil)
	id := w.submitted(t, "plate\nDL01AA1000\nDL01AA1001\n").ID
	w.answer(t, id)
	tag := ""
	ask := func() int {
		rec := w.do(t, "GET", "/v1/batches/"+id+"/results", "", "Accept: text/csv", "If-None-Match: "+tag)
		tag = rec.Header().Get("ETag")
		return rec.Code
	}
	expect := func(when string, want int) {
		t.Helper()
		if got := ask(); got != want {
			t.Errorf("%s: got %d, want %d", when, got, want)
		}
	}
	expect("at first", 200)
	expect("when nothing has changed", 304)
	sealer, err := store.NewSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sealer.PersonKey(store.ByPlate, "DL01AA1000")
	if err != nil {
		t.Fatal(err)
	}
	known := tag
	e := store.Erasure{ID: "e_1", At: time.Now(), By: "user w", Reason: "request 17", Keys: []store.PersonKey{key}}
	if err := st.BeginErasure(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	expect("while somebody is erased", 200)
	tag = known
	if _, err := store.EraseAll(t.Context(), st, e, func([]store.PersonKey, time.Time) error { return nil }, func(int) {}); err != nil {
		t.Fatal(err)
	}
	expect("when somebody was erased", 200)
	expect("afterwards", 304)
}
