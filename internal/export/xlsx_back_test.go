package export_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// TestWhatIsWrittenAsXLSXIsReadTheSame: results are handed in again as a list,
// and no text may come to mean another, nor look escaped where it is not.
func TestWhatIsWrittenAsXLSXIsReadTheSame(t *testing.T) {
	t.Parallel()
	texts := []string{
		"two\r\nlines", "end\r", "two_x000D_\nlines", "_x000D_", "_x005F_", "_x005F_x000D_", "__x0041__x0042_", "_x0041_x0042_", "_xD83D__xDE00_",
		"Ж😀", "\x00\x01\x1f", "\uFFFE\uFFFF", "_", "_x", "<&>\"'", "_x0041\r", "_x005F\x00_",
	}
	for i, got := range readBack(t.Context(), t, "no_x0041_te", texts) {
		if got != texts[i] {
			t.Errorf("%q is read as %q", texts[i], got)
		}
	}
}

func TestAnyTextOfASpreadsheetIsReadTheSame(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{"_", "x", "_x", "0041", "005F", "00", "d", "D83D", "_xDE00_", "\x01", "\r", "\n", "\uFFFF", " ", "<", "Ж", "😀"})
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOfN(rapid.Map(rapid.SliceOfN(piece, 1, 8), func(all []string) string { return strings.Join(all, "") }), 1, 20).Draw(rt, "texts")
		for i, got := range readBack(t.Context(), rt, "note", texts) {
			want := texts[i]
			if strings.TrimSpace(want) == "" {
				want = "" // a blank cell is none
			}
			if got != want {
				rt.Fatalf("%q is read as %q", texts[i], got)
			}
		}
	})
}

// readBack writes texts as a column of that name, and returns it as it is read.
func readBack(ctx context.Context, t rapid.TB, name string, texts []string) []string {
	t.Helper()
	rows := make([]store.Row, len(texts))
	for i, s := range texts {
		rows[i] = store.Row{Number: i + 1, State: store.Queued, Line: []string{s}}
	}
	var out strings.Builder
	b := store.Batch{ID: "b_1", Provider: "attestr", Columns: []string{name}}
	if _, err := export.Stream(ctx, &out, shelf{rows: rows}, b, store.RowFilter{}, export.Options{Format: export.XLSX}); err != nil {
		t.Fatal(err)
	}
	spec := providers.Spec{Name: "attestr", Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate}}
	r, err := intake.Open(strings.NewReader(out.String()), intake.Options{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(r.Columns(), name)
	if at < 0 {
		t.Fatalf("there is no column %q in %q", name, r.Columns())
	}
	got := make([]string, len(texts))
	for i := range texts {
		row, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got[i] = row.NewRow.Line[at]
	}
	return got
}
