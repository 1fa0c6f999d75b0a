package intake_test

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// inFormat is a list of one row, with an id and a plate that are the number in
// that format: the number of one of Excel's own, or the code of another.
func inFormat(format any, number string) workbook {
	cell := `<c s="1"><v>` + number + `</v></c>`
	w := inSheet([]string{"id", "plate", "note"}, []string{cell, cell, cell})
	w.styles = []int{0, 164}
	switch f := format.(type) {
	case int:
		w.styles[1] = f
	case string:
		w.formats = fmt.Sprintf(`<numFmt numFmtId="164" formatCode="%s"/>`, html.EscapeString(f))
	}
	return w
}

// TestANumberWithAnExponentIsNoPlate: 12E05 that somebody typed is 1200000 to a
// spreadsheet, which shows it with an exponent.
func TestANumberWithAnExponentIsNoPlate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		format any
		number string
		lost   bool
	}{
		{11, "1200000", true},
		{48, "1200000", true},
		{11, "0", true},
		{"0.00E+00", "1200000", true},
		{"##0.0E-0", "1200000", true},
		{"0e+0", "1200000", true},
		{`[Red]0.00E+00;"E"0`, "1200000", true},
		{`[>1000]0E+00;0`, "1200000", true},
		{0, "1200000", false},
		{1, "1200000", false},
		{"General", "1200000", false},
		{`0"E+"`, "1200000", false},
		{`0\E+0`, "1200000", false},
		{`[$E+]0`, "1200000", false},
		{`0_E+`, "1200000", false},
		{`0*E-`, "1200000", false},
		{`0"E`, "1200000", false},
		{`0 E`, "1200000", false},
	} {
		row := cellsOf(t, inFormat(c.format, c.number))
		want := "plate_type: the plate is a number with a fraction, a sign or an exponent: a spreadsheet may have made one of it (12E45); write the column as text"
		got := fmt.Sprint("asked about ", row.Question.Subject)
		if !c.lost {
			want = "asked about map[plate:" + c.number + "]"
		}
		if row.Problem != nil {
			got = row.Problem.Code + ": " + row.Problem.Message
		}
		if got != want {
			t.Errorf("%v: got %s, want %s", c.format, got, want)
		}
		if row.NewRow.Line[2] != c.number || row.CallerID != c.number {
			t.Errorf("%v: got %q and id %s, want %s in a column of one's own", c.format, row.NewRow.Line[2], row.CallerID, c.number)
		}
	}
}

// TestANumberWithLeadingZerosIsReadWithThem: but only where its format shows
// them for sure, and nothing else.
func TestANumberWithLeadingZerosIsReadWithThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		format       any
		number, want string
	}{
		{"0000000", "42", "0000042"},
		{"0000000", "42.0", "0000042"},
		{"0000000", "0", "0000000"},
		{"0000000", "123456789", "123456789"},
		{"[$-409]0000000", "42", "0000042"},
		{"0000000;@", "42", "0000042"},
		{"0000000;-0000000", "42", "0000042"},
		{"_x0030_0000", "42", "00042"},
		{"0", "42", "42"},
		{1, "42", "42"},
		{"[$-4000439]0000000", "42", "42"}, // in digits of Hindi
		{"[$€-407]0000000", "42", "42"},
		{"[$-F800]0000000", "42", "42"}, // a date as the machine has it
		{"[$-]0000000", "42", "42"},
		{"[$-4090000000", "42", "42"},
		{"[Red]0000000", "42", "42"},
		{"[>100]0000000", "42", "42"},
		{`0000000;[>100]0`, "42", "42"},
		{"0000000;0;0", "0", "0"},
		{"0000000;;;@", "42", "42"},
		{";0000000", "42", "42"},
		{`0000000"E"`, "42", "42"},
		{`"0000000"`, "42", "42"},
		{`\0\0\0\0\0\0\0`, "42", "42"},
		{`000\-0000`, "42", "42"},
		{"#000000", "42", "42"},
		{"0,000000", "42", "42"},
		{"0000000%", "42", "42"},
		{"0000000 ", "42", "42"},
		{"00.00000", "42", "42"},
		{strings.Repeat("0", 256), "42", "42"},
	} {
		row := cellsOf(t, inFormat(c.format, c.number))
		if got := []string{row.CallerID, row.NewRow.Line[2], row.Subject[providers.Plate]}; strings.Join(got, "|") != strings.Repeat(c.want+"|", 2)+c.want {
			t.Errorf("%v of %s: got %q, want %s", c.format, c.number, got, c.want)
		}
	}
	if row := cellsOf(t, inFormat("0000000", "42.5")); row.Problem == nil || row.NewRow.Line[2] != "42.5" {
		t.Errorf("a fraction: got %+v, %q", row.Problem, row.NewRow.Line)
	}
}

// TestADateMayBeFarAway: as one that stands for no end is, or a number that was
// made into a date.
func TestADateMayBeFarAway(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"1": "1899-12-31", "45292.25": "2024-01-01 06:00:00", "45292.999999": "2024-01-02", "106752": "2192-04-09", "1234567": "5280-02-15",
		"2958465": "9999-12-31", "2958465.5": "9999-12-31 12:00:00", "2958466": "2958466", "-1": "-1",
	} {
		row := cellsOf(t, inFormat(14, number))
		if row.Problem == nil || row.Problem.Code != "plate_date" || row.NewRow.Line[2] != want {
			t.Errorf("%s: got %+v, %q, want plate_date, %s", number, row.Problem, row.NewRow.Line[2], want)
		}
	}
}

// TestSumTellsAnExponentFromNone: once the format is put right it is another
// list, as another row of it is asked.
func TestSumTellsAnExponentFromNone(t *testing.T) {
	t.Parallel()
	sum := func(format int) [32]byte {
		r, err := intake.Open(bytes.NewReader(inFormat(format, "1200000").file(t)), intake.Options{Spec: plates})
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, r)
		return r.Sum()
	}
	if sum(11) == sum(1) {
		t.Error("they are the same list")
	}
}
