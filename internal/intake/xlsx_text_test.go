package intake_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// plateCell is a plate in place, behind which a row has its note.
const plateCell = `<c r="A2" t="inlineStr"><is><t>DL01AA1000</t></is></c>`

func TestEscapesOfASheetAreRead(t *testing.T) {
	t.Parallel()
	book := workbook{strings: []string{
		`<si><t>one_x000D_&#10;two</t></si>`, `<si><r><t>one_x00</t></r><r><t>0D_</t></r><r><t xml:space="preserve"> _x0041_</t></r></si>`,
		`<si><t>a_x0<!-- -->042_<![CDATA[_x0043_]]></t><rPh sb="0" eb="1"><t>_x0044_</t></rPh></si>`,
	}}
	for name, c := range map[string]struct{ cell, want string }{
		"in place":                       {`t="inlineStr"><is><t>one_x000D_&#10;two</t></is>`, "one\r\ntwo"},
		"in place, in v":                 {`t="inlineStr"><v>one_x000A_two</v>`, "one\ntwo"},
		"shared":                         {`t="s"><v>0</v>`, "one\r\ntwo"},
		"each run by itself":             {`t="s"><v>1</v>`, "one_x000D_ A"},
		"a text in pieces":               {`t="s"><v>2</v>`, "aBC"},
		"what a formula says":            {`t="str"><f>A2&amp;"_x0041_"</f><v>_x0041_b_x0009_c</v>`, "Ab\tc"},
		"lower case":                     {`t="str"><v>_x00e9_t_x00E9_</v>`, "été"},
		"an underscore that is escaped":  {`t="str"><v>_x005F_x000D_</v>`, "_x000D_"},
		"two of them":                    {`t="str"><v>_x005F_x005F_x005F_x000D_</v>`, "_x005F_x000D_"},
		"one of two that share a sign":   {`t="str"><v>_x0041_x0042_</v>`, "Ax0042_"},
		"a surrogate pair":               {`t="str"><v>_xD83D__xDE00_</v>`, "😀"},
		"half of a pair":                 {`t="str"><v>a_xD83D_b</v>`, "a\uFFFDb"},
		"the halves the wrong way":       {`t="str"><v>_xDE00__xD83D_</v>`, "\uFFFD\uFFFD"},
		"half of a pair before a letter": {`t="str"><v>_xD83D__x0041_</v>`, "\uFFFDA"},
		"what XML cannot hold":           {`t="str"><v>a_x0000__x0001__xFFFE_</v>`, "a\x00\x01\uFFFE"},
		"too few digits":                 {`t="str"><v>_x041_ _x004</v>`, "_x041_ _x004"},
		"other signs, or an X":           {`t="str"><v>_x00G1_ _X0041_ _x+041_ _x0041-</v>`, "_x00G1_ _X0041_ _x+041_ _x0041-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := book
			w.sheets = []sheet{{"S", "visible", header + `<row r="2">` + plateCell + `<c r="B2" ` + c.cell + `</c></row>`}}
			if got := cellsOf(t, w).NewRow.Line[1]; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestAPlateIsAskedWithoutItsEscapes: a line end behind it is a blank like any
// other, and what is no part of a plate is not asked as its digits.
func TestAPlateIsAskedWithoutItsEscapes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"DL01AA1000_x000D_":          "DL01AA1000",
		"_x0044_L01_x00A0_AA1000":    "DL01AA1000",
		"DL01_x000D_&#10;AA1000":     "plate_characters",
		"DL01AA_xD83D_1000":          "plate_characters",
		"DL01AA_x0000_1000":          "plate_characters",
		"DL01_x005F_x0041_AA":        "DL01X0041AA",
		"_x000D__x000A__x0020_":      "plate_empty",
		"_x0044__x004C_01_x000d_ _x": "plate_characters",
	} {
		data := header + `<row r="2"><c r="A2" t="inlineStr"><is><t>` + text + `</t></is></c><c r="B2"><v>1</v></c></row>`
		row := cellsOf(t, workbook{sheets: []sheet{{"S", "visible", data}}})
		got := row.Question.Subject[providers.Plate]
		if row.Problem != nil {
			got = row.Problem.Code
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestNamesInASpreadsheetMayHoldEscapes(t *testing.T) {
	t.Parallel()
	data := `<row r="1"><c r="A1" t="inlineStr"><is><t>Reg_x000D_&#10;no</t></is></c><c r="B1" t="inlineStr"><is><t>note_x000D_</t></is></c></row>` +
		`<row r="2">` + plateCell + `<c r="B2"><v>1</v></c></row>`
	w := workbook{sheets: []sheet{{"S", "visible", `<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>`}, {"a_x0041_&amp;", "visible", data}}}
	r, err := intake.Open(bytes.NewReader(w.file(t)), intake.Options{Spec: plates, Sheet: "aA&"})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Columns(), "|"); got != "Reg\r\nno|note" || r.Found()[providers.Plate] != "Reg\r\nno" {
		t.Errorf("got columns %q, and plates in %q", got, r.Found()[providers.Plate])
	}
}

// TestSumTellsCellsApart: what a cell holds cannot look like another cell.
func TestSumTellsCellsApart(t *testing.T) {
	t.Parallel()
	sum := func(cells string) [32]byte {
		w := workbook{sheets: []sheet{{"S", "visible", header + `<row r="2">` + cells + `</row>`}}}
		r, err := intake.Open(bytes.NewReader(w.file(t)), intake.Options{Spec: plates})
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, r)
		return r.Sum()
	}
	two := sum(plateCell + `<c r="B2" t="str"><v>x</v></c>`)
	if two == sum(`<c r="A2" t="str"><v>DL01AA10001_x0000_x</v></c>`) {
		t.Error("a cell of which the text looks like two makes the same list")
	}
}
