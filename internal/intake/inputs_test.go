package intake_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// india is asked about plates of India.
var india = providers.Spec{
	Name: "attestr", Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate}, Countries: []string{"IN"},
}

// inputs are lists as people have them. What docs/inputs.md says of each is
// what is printed here.
var inputs = []struct {
	what string
	in   func(t *testing.T) string
	o    intake.Options
}{
	{"an empty file", text(""), intake.Options{}},
	{"a header and no row", text("plate,city\n"), intake.Options{}},
	{"UTF-8 with a mark, before a quoted header", text("\xef\xbb\xbf\"plate\"\nDL01AA1000\n"), intake.Options{}},
	{"UTF-16 LE with its mark", text("\xff\xfe" + wide("plate\nDL01AA1000\n", 0)), intake.Options{}},
	{"UTF-16 BE with its mark", text("\xfe\xff" + wide("plate\nDL01AA1000\n", 1)), intake.Options{}},
	{"UTF-16 without a mark", text(wide("plate\nDL01AA1000\n", 0)), intake.Options{}},
	{"UTF-16 without a mark, named by `--encoding utf-16le`", text(wide("plate\nDL01AA1000\n", 0)), intake.Options{Encoding: intake.UTF16LE}},
	{"windows-1251", text("plate;\xe3\xee\xf0\xee\xe4\n\xc0123\xc2\xd177;\xcc\xee\xf1\xea\xe2\xe0\n"), intake.Options{}},
	{"windows-1251, confirmed by `--encoding windows-1251`", text("\xe3\xee\xf1\xed\xee\xec\xe5\xf0\n\xc0123\xc2\xd177\n"), intake.Options{Encoding: intake.Windows1251}},
	{"bytes that are no text, in the middle", text("plate\nDL01AA1000\nDL01\x81AA\n"), intake.Options{}},
	{"a line of 1 GB", text("plate\n" + strings.Repeat("A", 2*intake.MaxLine)), intake.Options{}},
	{"a quote that is never closed", text("plate,note\nDL01AA1000,\"open\nDL01AA1001,x\n"), intake.Options{}},
	{"a quote in the middle of a cell", text("plate,note\nDL01AA1000,5\" wheels\n"), intake.Options{}},
	{"CRLF, and `;` between cells", text("plate;city\r\nDL01AA1000;Pune\r\n"), intake.Options{}},
	{"CR alone, and tabs between cells", text("plate\tcity\rDL01AA1000\tPune\r"), intake.Options{}},
	{"no column of plates", text("car,city\nDL01AA1000,Pune\n"), intake.Options{}},
	{"no header at all", text("DL01AA1000\nDL01AA1001\n"), intake.Options{}},
	{"two columns of plates", text("plate,reg no\nDL01AA1000,DL01AA1001\n"), intake.Options{}},
	{"Cyrillic letters that look like Latin ones", text("plate\nА123ВС77\n"), intake.Options{}},
	{"a Cyrillic letter that does not", text("plate\nЖ123ВС77\n"), intake.Options{}},
	{"zero-width and non-breaking spaces, soft hyphens, wide letters", text("plate\nDL\u200b01\u00a0AA\u00ad１０００\n"), intake.Options{}},
	{"a NUL in a plate", text("plate\nDL01\x00AA1000\n"), intake.Options{}},
	{"the letter O for the digit 0", text("plate\nDLO1AA1000\n"), intake.Options{}},
	{"a plate that begins with `=`", text("plate\n=DL01AA1000\n"), intake.Options{}},
	{"an XLSX file whose sheet holds too much", bomb, intake.Options{}},
	{"an XLSX file with `_x000D_` behind a plate, as Excel writes an end of a line", escapes, intake.Options{}},
	{"an XLSX file with a formula that has no value", formula, intake.Options{}},
	{"an XLSX file in which Excel made a number of `12E05`", exponent, intake.Options{}},
	{"an XLSX file with the number 42 in the format `0000000`", zeros, intake.Options{}},
	{"an XLSX file in which Excel made dates of plates", dates, intake.Options{}},
	{"an XLSX file with two sheets that hold something", twoSheets, intake.Options{}},
	{"an old XLS file, called .csv", text("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), intake.Options{Format: intake.CSV}},
	{"an ODS file", text(zipped("mimetype", "application/vnd.oasis.opendocument.spreadsheet")), intake.Options{}},
	{"a ZIP file, called .csv", text(zipped("list.csv", "plate\nDL01AA1000\n")), intake.Options{Format: intake.CSV}},
	{"a gzip file, called .csv", text(gzipped("plate\nDL01AA1000\n")), intake.Options{Format: intake.CSV}},
	{"a JSON array of which the end is missing", text("[{\"plate\":\"DL01AA1000\"},"), intake.Options{}},
}

func text(s string) func(*testing.T) string { return func(*testing.T) string { return s } }

func bomb(t *testing.T) string {
	parts := workbook{sheets: []sheet{{"Sheet1", "visible", header}}}.parts()
	parts["xl/worksheets/sheet1.xml"] += strings.Repeat(" ", 20<<20)
	return string(pack(t, parts))
}

func escapes(t *testing.T) string {
	return string(workbook{sheets: []sheet{{"Sheet1", "visible", header + `<row r="2"><c r="A2" t="inlineStr"><is><t>DL01AA1000_x000D_</t></is></c></row>`}}}.file(t))
}

func formula(t *testing.T) string {
	return string(workbook{sheets: []sheet{{"Sheet1", "visible", header + `<row r="2"><c r="A2"><f>C2</f></c><c r="B2"><v>1</v></c></row>`}}}.file(t))
}

func exponent(t *testing.T) string {
	return string(inFormat(11, "1200000").file(t))
}

func zeros(t *testing.T) string {
	return string(inFormat("0000000", "42").file(t))
}

func dates(t *testing.T) string {
	return string(workbook{styles: []int{14}, sheets: []sheet{{"Sheet1", "visible", header + `<row r="2"><c r="A2" s="0"><v>45292</v></c></row>`}}}.file(t))
}

func twoSheets(t *testing.T) string {
	return string(workbook{sheets: []sheet{{"North", "visible", header}, {"South", "visible", header}}}.file(t))
}

// TestInputsAreAnsweredAsTheDocumentSays writes the table of docs/inputs.md
// from what lists come to, and holds the document against it.
func TestInputsAreAnsweredAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| a list | the answer |\n|---|---|\n")
	for _, tt := range inputs {
		o := tt.o
		o.Name, o.Spec = "fleet", india
		fmt.Fprintf(&table, "| %s | %s |\n", tt.what, answer(t, tt.in(t), o))
	}
	path := filepath.Join("..", "..", "docs", "inputs.md")
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- answers -->\n", "<!-- /answers -->"
	before, rest, ok := strings.Cut(string(body), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+table.String()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(old, table.String()); d != "" {
		t.Errorf("%s is out of date (-has +is; go test ./internal/intake -run Inputs -update):\n%s", path, d)
	}
}

// answer is what is printed of a list: why it is refused, or how it is read
// and what its row comes to.
func answer(t *testing.T, in string, o intake.Options) string {
	t.Helper()
	r, err := intake.Open(strings.NewReader(in), o)
	said := ""
	for err == nil {
		var row intake.Row
		if row, err = r.Next(t.Context()); err != nil {
			break
		}
		switch {
		case row.Problem != nil:
			said = "the row is `invalid` (" + row.Problem.Code + "): " + row.Problem.Message
		default:
			said = fmt.Sprintf("read as %s; asked about `%s`", r.Shape(), row.Question.Subject[providers.Plate])
		}
	}
	if !errors.Is(err, io.EOF) || errors.Is(err, intake.ErrEmptyList) {
		e, ok := errors.AsType[*intake.InputError](err)
		if !ok {
			t.Fatal(err)
		}
		said = fmt.Sprintf("refused (`%s`): %s", e.Code, err)
	}
	return strings.NewReplacer("|", "\\|", "\u200b", "").Replace(said)
}
