package export

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/plateq/plateq/store"
)

func TestMoreRowsThanASheetHasGoOnInAnother(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, err := newXLSX(&out, store.Batch{ID: "b"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.(*xlsxWriter).max = 10 // of a million
	const rows = 25
	for i := range rows {
		if err := w.Write(store.Row{Number: i + 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	next := 1
	for _, sheet := range []string{"results", "results 2", "results 3"} {
		lines, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		if lines[0][1] != "row" || len(lines) > 10 {
			t.Errorf("%s has %d lines below %q, want a header and 10 at most", sheet, len(lines), lines[0])
		}
		for _, line := range lines[1:] {
			if line[1] != fmt.Sprint(next) {
				t.Errorf("%s: got row %s, want %d", sheet, line[1], next)
			}
			next++
		}
	}
	if next != rows+1 {
		t.Errorf("%d rows came out, want %d", next-1, rows)
	}
}
