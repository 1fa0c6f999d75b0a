package intake_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// strict is a spreadsheet as Excel saves it under "Strict Open XML" (ISO/IEC
// 29500 part 1): all has names of another family, but for the package itself.
func strict(t *testing.T, w workbook) []byte {
	t.Helper()
	parts := w.parts()
	names := strings.NewReplacer(
		"http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main",
		"http://schemas.openxmlformats.org/officeDocument/2006/relationships", "http://purl.oclc.org/ooxml/officeDocument/relationships",
		"<workbook ", `<workbook conformance="strict" `,
	)
	for name, text := range parts {
		parts[name] = names.Replace(text)
	}
	return pack(t, parts)
}

func TestAStrictSpreadsheetIsRead(t *testing.T) {
	t.Parallel()
	w := inSheet([]string{"plate", "id", "bought"}, []string{`<c t="s"><v>0</v></c>`, `<c s="1"><v>42</v></c>`, `<c s="0" t="d"><v>2024-02-29</v></c>`})
	w.strings, w.styles, w.formats = []string{`<si><t>DL01AA1000</t></si>`}, []int{14, 164}, `<numFmt numFmtId="164" formatCode="0000000"/>`
	w.sheets = append(w.sheets, sheet{"Hidden", "hidden", header + `<row><c><v>1</v></c></row>`})
	r, got := rows(t, bytes.NewReader(strict(t, w)), intake.Options{Spec: plates})
	if d := cmp.Diff([][]string{{"DL01AA1000", "0000042", "2024-02-29"}}, got); d != "" || r.Shape().Sheet != "S" {
		t.Errorf("of sheet %s (-want +got):\n%s", r.Shape().Sheet, d)
	}
}

// TestDatesOfAStrictSpreadsheet: they are written as ISO 8601 has them, and
// read as those that are numbers.
func TestDatesOfAStrictSpreadsheet(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"2024-02-29":                "2024-02-29",
		"2024-02-29T00:00:00":       "2024-02-29",
		"2024-02-29T00:00:00.000":   "2024-02-29",
		"2024-02-29T00:00:00Z":      "2024-02-29",
		"2024-02-29T12:30":          "2024-02-29 12:30:00",
		"2024-02-29T12:30:15":       "2024-02-29 12:30:15",
		"2024-02-29T12:30:15.6Z":    "2024-02-29 12:30:16",
		"2024-02-29T12:30:15+02:00": "2024-02-29T12:30:15+02:00",
		" 2024-02-29 ":              "2024-02-29",
		"12:30:15":                  "12:30:15",
		"2024-02-30":                "2024-02-30",
		"P1D":                       "P1D",
	} {
		cell := `<c t="d"><v>` + value + `</v></c>`
		row := cellsOf(t, inSheet([]string{"plate", "note"}, []string{cell, cell}))
		if row.Problem == nil || row.Problem.Code != "plate_date" || row.NewRow.Line[1] != want {
			t.Errorf("%s: got %+v, %q, want plate_date, %s", value, row.Problem, row.NewRow.Line[1], want)
		}
	}
	names := []string{"vin", "last_name", "first_name", "birth"}
	w := inSheet(names, []string{"1M8GDM9AXKP042788", "IVANOV", "IVAN", `<c t="d"><v>1980-01-01T00:00:00</v></c>`})
	r, err := intake.Open(bytes.NewReader(w.file(t)), intake.Options{Spec: owners})
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next(t.Context())
	if err != nil || row.Problem != nil || row.Question.Subject[providers.Birth] != "01.01.1980" {
		t.Errorf("got %v, %+v, %v; want a date of birth", row.Subject, row.Problem, err)
	}
}
