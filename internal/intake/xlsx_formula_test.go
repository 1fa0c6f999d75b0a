package intake_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// inSheet is a list of rows of cells, the first of which name the columns.
// What begins with < is a cell as it is, in which %s is its place; anything
// else is text.
func inSheet(rows ...[]string) workbook {
	data := ""
	for i, cells := range rows {
		data += fmt.Sprintf(`<row r="%d">`, i+1)
		for j, text := range cells {
			place := fmt.Sprintf(`r="%c%d"`, 'A'+j, i+1)
			switch {
			case strings.HasPrefix(text, "<"):
				data += strings.Replace(text, "<c", "<c "+place, 1)
			case text != "":
				data += `<c ` + place + ` t="inlineStr"><is><t>` + text + `</t></is></c>`
			}
		}
		data += `</row>`
	}
	return workbook{sheets: []sheet{{"S", "visible", data}}}
}

// said is what becomes of each row of a list: its line, and what is asked or
// why it is not.
func said(t *testing.T, w workbook, o intake.Options) (all []string) {
	t.Helper()
	r, err := intake.Open(bytes.NewReader(w.file(t)), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range readAll(t, r) {
		text := fmt.Sprint(row.Line, " ", row.Question.Subject)
		if row.Problem != nil {
			text = fmt.Sprint(row.Line, " ", row.Problem.Code, ": ", row.Problem.Message)
		}
		all = append(all, text)
	}
	return all
}

const (
	unsaved  = "<c><f>C2</f></c>"
	noNumber = `plate_empty: the plate is a formula that has no value: open the list in a spreadsheet program and save it again, or write values instead`
)

// TestARowOfAFormulaWithoutAValueIsKept: a row that somebody filled in is not
// left out because no program has worked it out yet. A formula that came to
// nothing fills in nothing.
func TestARowOfAFormulaWithoutAValueIsKept(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		unsaved:                                  noNumber,
		"<c><f>C2</f><v></v></c>":                noNumber,
		"<c><f>C2</f><v/></c>":                   noNumber,
		`<c s="0"><f t="shared" si="0"/></c>`:    noNumber,
		`<c t="s"><f>C2</f></c>`:                 noNumber,
		`<c t="str"><f>C2</f></c>`:               noNumber,
		`<c t="e"><f>C2</f><v> </v></c>`:         noNumber,
		`<c t="b"><v></v><f>C2</f></c>`:          noNumber,
		`<c t="str"><f>""</f><v></v></c>`:        "",
		`<c t="str"><f>""</f><v> </v></c>`:       "",
		"<c/>":                                   "",
		`<c s="0"><v></v></c>`:                   "",
		`<c t="str"><f>C2</f><v>A2</v></c>`:      "map[plate:A2]",
		`<c><f>C2</f><v>0</v></c>`:               "plate_length: the plate must have 2 to 17 characters and has 1",
		`<c t="e"><f>C2</f><v>#REF!</v></c>`:     "plate_type: the plate is neither text nor a whole number",
		`<c><f ca="1"></f><v>12</v></c>`:         "map[plate:12]",
		`<c t="inlineStr"><f/><is><t/></is></c>`: "",
	} {
		got := said(t, inSheet([]string{"plate", "note"}, []string{cell}, []string{"DL01AA1000"}), intake.Options{Spec: plates})
		all := []string{"3 map[plate:DL01AA1000]"}
		if want != "" {
			all = append([]string{"2 " + want}, all...)
		}
		if d := cmp.Diff(all, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", cell, d)
		}
	}
}

func TestAFormulaWithoutAValueElsewhere(t *testing.T) {
	t.Parallel()
	vehicle := []string{"plate", "vin", "last name", "first name", "patronymic", "birth", "inn"}
	for name, c := range map[string]struct {
		names, cells []string
		o            intake.Options
		want         string
	}{
		"in a column of one's own": {
			[]string{"plate", "note"}, []string{"DL01AA1000", unsaved}, intake.Options{Spec: plates}, "map[plate:DL01AA1000]",
		},
		"in nothing but that": {
			[]string{"plate", "note"}, []string{"", unsaved}, intake.Options{Spec: plates}, "plate_empty: the plate is missing",
		},
		"beyond the header": {
			[]string{"plate"}, []string{"DL01AA1000", unsaved}, intake.Options{Spec: plates}, "map[plate:DL01AA1000]",
		},
		"in a way that another one keeps out": {
			vehicle, []string{"A111AA77", unsaved, "", "", unsaved, "", "7700000000"}, intake.Options{Spec: owners}, "map[inn:7700000000 plate:A111AA77]",
		},
		"in the way that has precedence": {
			vehicle, []string{unsaved, "1M8GDM9AXKP042788", "", "", "", "", "7700000000"}, intake.Options{Spec: owners}, noNumber,
		},
		"in the only way": {
			vehicle, []string{unsaved, "", "", "", "", "", "7700000000"}, intake.Options{Spec: owners}, noNumber,
		},
		"in what is sent along": {
			vehicle, []string{"A111AA77", "", "IVANOV", "IVAN", unsaved, "31.01.2000"}, intake.Options{Spec: owners},
			strings.ReplaceAll(noNumber, "plate", "patronymic"),
		},
		"in a date of birth": {
			vehicle, []string{"A111AA77", "", "IVANOV", "IVAN", "", unsaved}, intake.Options{Spec: owners}, strings.ReplaceAll(noNumber, "plate", "birth"),
		},
		"where all rows get a value": {
			[]string{"plate", "number"}, []string{unsaved, "1"}, intake.Options{Spec: plates, Set: map[string]string{"plate": "DL01AA1000"}}, noNumber,
		},
		"in a parameter that has a value for all": {
			[]string{"plate", "operator"}, []string{"DL01AA1000", unsaved}, intake.Options{Spec: banks}, strings.ReplaceAll(noNumber, "plate", "operator"),
		},
	} {
		if d := cmp.Diff([]string{"2 " + c.want}, said(t, inSheet(c.names, c.cells), c.o)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestNoValueComesFromAFormulaThatHasNone: the line comes back as it went in.
func TestNoValueComesFromAFormulaThatHasNone(t *testing.T) {
	t.Parallel()
	w := inSheet([]string{"plate", "note"}, []string{unsaved, unsaved})
	r, err := intake.Open(bytes.NewReader(w.file(t)), intake.Options{Spec: plates, Set: map[string]string{"plate": "DL01AA1000", "note": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next(t.Context())
	if err != nil || strings.Join(row.NewRow.Line, "|") != "|" || row.Subject[providers.Plate] != "" {
		t.Errorf("got %q, %v, %v", row.NewRow.Line, row.Subject, err)
	}
}

// TestFormulasWithoutValuesNameNoColumns: as nobody knows what they say, they
// make neither a header nor a list.
func TestFormulasWithoutValuesNameNoColumns(t *testing.T) {
	t.Parallel()
	w := inSheet([]string{unsaved}, []string{unsaved, "plate", unsaved}, []string{"x", "DL01AA1000"})
	w.sheets = append(w.sheets, inSheet([]string{unsaved}).sheets[0])
	w.sheets[1].name = "Sums"
	if d := cmp.Diff([]string{"3 map[plate:DL01AA1000]"}, said(t, w, intake.Options{Spec: plates})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
