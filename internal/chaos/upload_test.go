//go:build chaos

package chaos_test

import (
	"bytes"
	"io"
	"time"

	"github.com/plateq/plateq/client"
)

// killedMidUpload kills the server again and again while it takes a list in,
// and hands the list in once more under the same key.
func killedMidUpload(t *trial) {
	w := t.build(ground{rows: max(*rowsFlag, lasting(20_000, 1_000_000)), batch: 500, least: time.Millisecond, most: 50 * time.Millisecond})
	text := csvOf(w.list)
	o := client.SubmitOptions{Provider: "attestr", Format: client.CSV, Key: "the same"}
	for _, share := range []float64{0.3, 0.6, 0.9} {
		at := int(share * float64(len(text)))
		half := io.MultiReader(bytes.NewReader(text[:at]), killing{w}, bytes.NewReader(text[at:]))
		if b, err := w.api.Submit(t.Context(), o, half); err == nil {
			t.Errorf("a list was accepted of which the server had seen %.0f %%: %s", share*100, b.ID)
		}
		w.open()
		for b, err := range w.api.Batches(t.Context(), client.BatchesOptions{}) {
			if err != nil || b.Rows > 0 {
				t.Errorf("part of a list is there: %d rows, %v", b.Rows, err)
			}
		}
	}
	began := time.Now()
	b, err := w.api.Submit(t.Context(), o, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.more("taken in again in %.1f s", time.Since(began).Seconds())
	w.id, w.lists = b.ID, []handed{{b.ID, w.list}}
	if again, err := w.api.Submit(t.Context(), o, bytes.NewReader(text)); err != nil || again.ID != b.ID {
		t.Errorf("handed in once more: %s, %v; want the same list", again.ID, err)
	}
	w.mended = time.Now()
	w.worker()
	w.scheduler = w.spawn("scheduler")
	w.account()
	w.nothingUnknown()
}

// killing is a reader at whose turn the server is killed.
type killing struct{ w *world }

func (k killing) Read([]byte) (int, error) {
	k.w.serve.kill()
	return 0, io.EOF
}
