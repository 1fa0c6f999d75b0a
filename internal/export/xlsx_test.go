package export_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/store"
)

// opened opens a spreadsheet with a library that is not ours.
func opened(t *testing.T, text string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestXLSXSaysWhatCSVSays: cell by cell, but for what CSV has to defuse.
func TestXLSXSaysWhatCSVSays(t *testing.T) {
	t.Parallel()
	o := export.Options{Format: export.XLSX, Results: []string{"valid", "status", "contact", "owner.city"}, Extras: export.Extras{Input: true}}
	f := opened(t, stream(t, fleet, fleetRows(), o))
	got, err := f.GetRows("results", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{}
	for i, r := range fleetRows() {
		row := export.FromStore(fleet, r, export.Extras{})
		want = append(want, []string{"b_1", fmt.Sprint(i + 1), row.ID, "attestr", row.Plate, row.VIN, row.Status})
	}
	for i := range want {
		line := append(got[i+1], make([]string, 20)...)[:7]
		if d := cmp.Diff(want[i], line); d != "" {
			t.Errorf("row %d (-want +got):\n%s", i+1, d)
		}
	}
	for cell, want := range map[string]struct {
		kind  excelize.CellType
		value string
	}{
		"B2": {excelize.CellTypeUnset, "1"}, // a number
		"H2": {excelize.CellTypeBool, "TRUE"},
		"J2": {excelize.CellTypeInlineString, "9433952003"},
		"N5": {excelize.CellTypeInlineString, `=no "such" thing`}, // text, not a formula, and as it was
		"Q2": {excelize.CellTypeUnset, "2026-11-21 10:00:00"},
	} {
		kind, err := f.GetCellType("results", cell)
		if err != nil {
			t.Fatal(err)
		}
		value, err := f.GetCellValue("results", cell)
		if err != nil || kind != want.kind || value != want.value {
			t.Errorf("%s: got type %d, %q, %v, want %d, %q", cell, kind, value, err, want.kind, want.value)
		}
	}
	if panes, err := f.GetPanes("results"); err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("panes %+v, %v: want a header that stays in sight", panes, err)
	}
}

func TestXLSXHoldsAnyText(t *testing.T) {
	t.Parallel()
	b := store.Batch{ID: "b_1", Provider: "attestr", Columns: []string{"note"}}
	texts := []string{
		"a\nb", "tab\there", "<&>\"'", " spaces ", "\x00\x01\x1f", "_x0041_", "_x41_", "=1+1", "+7", "007", "123456789012345678", "Ж😀", "\xff", "\uFFFE",
	}
	var in []store.Row
	for i, s := range texts {
		in = append(in, store.Row{Number: i + 1, State: store.Queued, Line: []string{s}})
	}
	got, err := opened(t, stream(t, b, in, export.Options{Format: export.XLSX})).GetRows("results", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range texts {
		line := got[i+1]
		if have := line[len(line)-1]; have != strings.ToValidUTF8(want, "\uFFFD") {
			t.Errorf("%q came out as %q", want, have)
		}
	}
}

func TestXLSXSaysWhatItCuts(t *testing.T) {
	t.Parallel()
	b := store.Batch{ID: "b_1", Columns: []string{"note"}}
	for s, whole := range map[string]bool{strings.Repeat("x", 32767): true, strings.Repeat("ж", 32767): true, strings.Repeat("x", 32768): false, strings.Repeat("😀", 16384): false} {
		out := stream(t, b, []store.Row{{Number: 1, Line: []string{s}}}, export.Options{Format: export.XLSX})
		got, err := opened(t, out).GetRows("results")
		if err != nil {
			t.Fatal(err)
		}
		cell := got[1][len(got[1])-1]
		if whole && cell != s || !whole && (!strings.HasSuffix(cell, "(cut: a cell holds no more)") || len(cell) < 32000) {
			t.Errorf("%d bytes came out as %d, ending in %q", len(s), len(cell), cell[len(cell)-20:])
		}
	}
}

func TestAnArrayHoldsWhatJSONLinesHold(t *testing.T) {
	t.Parallel()
	for _, rows := range [][]store.Row{nil, fleetRows()} {
		var array []json.RawMessage
		if err := json.Unmarshal([]byte(stream(t, fleet, rows, export.Options{Format: export.JSON})), &array); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(stream(t, fleet, rows, export.Options{}), "\n")
		if len(array) != len(lines)-1 {
			t.Fatalf("%d entries, want %d", len(array), len(lines)-1)
		}
		for i, entry := range array {
			if string(entry) != lines[i] {
				t.Errorf("entry %d: got %s, want %s", i, entry, lines[i])
			}
		}
	}
}
