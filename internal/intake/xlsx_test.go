package intake_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// workbook is a spreadsheet as Excel writes it, part by part.
type workbook struct {
	properties string // of workbookPr
	sheets     []sheet
	strings    []string // <si> elements
	formats    string   // <numFmts>
	styles     []int    // number formats of the cell styles
}

type sheet struct {
	name, state string
	data        string // rows
}

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\r\n"
	mainNS  = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	relNS   = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
)

func (w workbook) parts() map[string]string {
	list, links := "", ""
	parts := map[string]string{}
	for i, s := range w.sheets {
		list += fmt.Sprintf(`<sheet name="%s" sheetId="%d" state="%s" r:id="rId%d"/>`, s.name, i+1, s.state, i+1)
		links += fmt.Sprintf(`<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, i+1, relNS, i+1)
		parts[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = xmlHead + `<worksheet ` + mainNS + `><sheetData>` + s.data + `</sheetData><mergeCells count="1"><mergeCell ref="A1:A2"/></mergeCells></worksheet>`
	}
	links += `<Relationship Id="rId98" Type="` + relNS + `/styles" Target="styles.xml"/><Relationship Id="rId99" Type="` + relNS + `/sharedStrings" Target="/xl/sharedStrings.xml"/>`
	parts["xl/workbook.xml"] = xmlHead + `<workbook ` + mainNS + `><workbookPr ` + w.properties + `/><sheets>` + list + `</sheets></workbook>`
	parts["xl/_rels/workbook.xml.rels"] = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + links + `</Relationships>`
	parts["xl/sharedStrings.xml"] = xmlHead + `<sst ` + mainNS + `>` + strings.Join(w.strings, "") + `</sst>`
	cells := ""
	for _, f := range w.styles {
		cells += fmt.Sprintf(`<xf numFmtId="%d" fontId="0"/>`, f)
	}
	parts["xl/styles.xml"] = xmlHead + `<styleSheet ` + mainNS + `><numFmts>` + w.formats + `</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>` + cells + `</cellXfs></styleSheet>`
	return parts
}

func (w workbook) file(t testing.TB) []byte {
	t.Helper()
	return pack(t, w.parts())
}

func pack(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		part, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const header = `<row r="1" spans="1:3"><c r="A1" t="inlineStr"><is><t>plate</t></is></c><c r="B1" t="inlineStr"><is><t>note</t></is></c></row>`

// cellsOf reads a list of one row.
func cellsOf(t *testing.T, w workbook) intake.Row {
	t.Helper()
	r, err := intake.Open(bytes.NewReader(w.file(t)), intake.Options{Spec: plates})
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestWhatACellOfASheetSays(t *testing.T) {
	t.Parallel()
	book := workbook{
		strings: []string{
			`<si><t>DL01AA1000</t></si>`, `<si><r><t>DL01</t></r><r><rPr><b/></rPr><t xml:space="preserve"> AA</t></r><r><t>1001</t></r></si>`,
			`<si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></si>`,
		},
		formats: `<numFmt numFmtId="164" formatCode="[$-409]d\-mmm\-yy;@"/><numFmt numFmtId="165" formatCode="0.00&quot; days&quot;"/>`,
		styles:  []int{0, 14, 164, 165, 22},
	}
	for name, c := range map[string]struct{ cell, want, problem string }{
		"shared string":                 {`<c r="A2" t="s"><v>0</v></c>`, "DL01AA1000", ""},
		"rich text":                     {`<c r="A2" t="s"><v>1</v></c>`, "DL01 AA1001", ""},
		"text in place":                 {`<c r="A2" t="inlineStr"><is><r><t>DL01AA</t></r><r><t>1002</t></r></is></c>`, "DL01AA1002", ""},
		"formula with a value":          {`<c r="A2" t="str"><f>B2&amp;"1"</f><v>DL01AA1003</v></c>`, "DL01AA1003", ""},
		"formula without a value":       {`<c r="A2"><f>B2</f></c><c r="B2" t="s"><v>0</v></c>`, "", "plate_empty"},
		"whole number":                  {`<c r="A2"><v>1234567</v></c>`, "1234567", ""},
		"whole number with a point":     {`<c r="A2"><v>1234567.0</v></c>`, "1234567", ""},
		"number in a style without day": {`<c r="A2" s="3"><v>1234567</v></c>`, "1234567", ""},
		"12E45":                         {`<c r="A2"><v>1.2000000000000001E+46</v></c>`, "1.2000000000000001E+46", "plate_type"},
		"number with a fraction":        {`<c r="A2"><v>12.5</v></c>`, "12.5", "plate_type"},
		"date":                          {`<c r="A2" s="1"><v>45292</v></c>`, "2024-01-01", "plate_date"},
		"date of a format of its own":   {`<c r="A2" s="2"><v>45292</v></c>`, "2024-01-01", "plate_date"},
		"time of day":                   {`<c r="A2" s="4"><v>45292.5</v></c>`, "2024-01-01 12:00:00", "plate_date"},
		"true":                          {`<c r="A2" t="b"><v>1</v></c>`, "TRUE", "plate_type"},
		"error":                         {`<c r="A2" t="e"><v>#N/A</v></c>`, "#N/A", "plate_type"},
		"beyond the header":             {`<c r="A2" t="s"><v>0</v></c><c r="D2"><v>7</v></c>`, "DL01AA1000", "xlsx_columns"},
		"references left out":           {`<c t="s"><v>0</v></c><c><v>7</v></c>`, "DL01AA1000", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := book
			w.sheets = []sheet{{"Sheet1", "visible", header + `<row r="2">` + c.cell + `</row>`}}
			if c.want == "" { // or the row would be blank
				w.sheets[0].data = strings.Replace(w.sheets[0].data, `r="B2"`, `r="B2" s="0"`, 1)
			}
			row := cellsOf(t, w)
			problem := ""
			if row.Problem != nil {
				problem = row.Problem.Code
			}
			if row.NewRow.Line[0] != c.want || problem != c.problem || row.Line != 2 {
				t.Errorf("got %q, %q in line %d, want %q, %q in line 2", row.NewRow.Line[0], problem, row.Line, c.want, c.problem)
			}
		})
	}
}

func TestDatesOfOldMacsBeginLater(t *testing.T) {
	t.Parallel()
	row := cellsOf(t, workbook{properties: `date1904="1"`, styles: []int{14}, sheets: []sheet{
		{"S", "visible", header + `<row r="2"><c r="A2" t="inlineStr"><is><t>DL01AA1000</t></is></c><c r="B2" s="0"><v>43830</v></c></row>`},
	}})
	if got := row.NewRow.Line[1]; got != "2024-01-01" {
		t.Errorf("got %s, want 2024-01-01", got)
	}
}

func TestADateOfBirthMayBeADate(t *testing.T) {
	t.Parallel()
	head := ""
	for i, name := range []string{"vin", "last_name", "first_name", "birth"} {
		head += fmt.Sprintf(`<c r="%c1" t="inlineStr"><is><t>%s</t></is></c>`, 'A'+i, name)
	}
	w := workbook{styles: []int{0, 14}, sheets: []sheet{{"S", "visible", `<row r="1">` + head + `</row><row r="2">` +
		`<c r="A2" t="inlineStr"><is><t>1M8GDM9AXKP042788</t></is></c><c r="B2" t="inlineStr"><is><t>IVANOV</t></is></c>` +
		`<c r="C2" t="inlineStr"><is><t>IVAN</t></is></c><c r="D2" s="1"><v>29221</v></c></row>`}}}
	r, err := intake.Open(bytes.NewReader(w.file(t)), intake.Options{Spec: owners})
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next(t.Context())
	if err != nil || row.Problem != nil || !strings.Contains(row.Subject[providers.Birth], "1980") {
		t.Errorf("got %v, %+v, %v; want a date of birth", row.Subject, row.Problem, err)
	}
}

func TestTheSheetThatIsMeant(t *testing.T) {
	t.Parallel()
	list := header + `<row r="2"><c r="A2" t="inlineStr"><is><t>DL01AA1000</t></is></c></row>`
	three := []sheet{{"Cars", "visible", list}, {"Empty", "visible", `<row r="1"><c r="A1"/></row>`}, {"Old", "hidden", list}}
	for name, c := range map[string]struct {
		sheets    []sheet
		o         string
		want, err string
	}{
		"the only one":      {three, "", "Cars", ""},
		"a hidden one":      {three, "Old", "Old", ""},
		"two":               {append(slices.Clone(three), sheet{"More", "visible", list}), "", "", `read f: several sheets hold something; there is "Cars", "More"; say which one with --sheet NAME`},
		"one of two":        {append(slices.Clone(three), sheet{"More", "visible", list}), "More", "More", ""},
		"none of that name": {three, "cars", "", `read f: there is no sheet "cars"; there is "Cars", "Empty", "Old"; correct --sheet`},
		"all are empty":     {three[1:2], "", "", "read f: there is no row in it"},
		"only a header":     {[]sheet{{"S", "visible", header}}, "", "", "read f: there is no row in it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := intake.Open(bytes.NewReader(workbook{sheets: c.sheets}.file(t)), intake.Options{Name: "f", Spec: plates, Sheet: c.o})
			text := ""
			if err != nil {
				text = err.Error()
			} else if r.Shape().Sheet != c.want {
				t.Errorf("sheet %q is read, want %q", r.Shape().Sheet, c.want)
			}
			if text != c.err {
				t.Errorf("got  %s\nwant %s", text, c.err)
			}
		})
	}
}

// TestNoRowOfADamagedSpreadsheetIsDropped: what cannot be read to its end is
// refused, wherever it breaks.
func TestNoRowOfADamagedSpreadsheetIsDropped(t *testing.T) {
	t.Parallel()
	list := header + `<row r="2"><c r="A2" t="s"><v>0</v></c></row><row r="3"><c r="A3" t="s"><v>1</v></c></row>`
	book := workbook{strings: []string{`<si><t>DL01AA1000</t></si>`, `<si><t>DL01AA1001</t></si>`}, sheets: []sheet{{"S", "visible", list}, {"T", "hidden", list}}}
	const sheet1 = "xl/worksheets/sheet1.xml"
	for name, spoil := range map[string]func(map[string]string){
		"XML that ends":           func(p map[string]string) { p[sheet1] = p[sheet1][:strings.Index(p[sheet1], `<row r="3"`)+20] },
		"XML that ends in a cell": func(p map[string]string) { p[sheet1] = p[sheet1][:strings.Index(p[sheet1], `<v>1`)+4] },
		"XML that is none":        func(p map[string]string) { p[sheet1] = strings.Replace(p[sheet1], `<row r="3">`, `<row r="3"><<`, 1) },
		"a shared string missing": func(p map[string]string) { p[sheet1] = strings.Replace(p[sheet1], `<v>1<`, `<v>9<`, 1) },
		"shared strings that end": func(p map[string]string) { p["xl/sharedStrings.xml"] = p["xl/sharedStrings.xml"][:200] },
		"no shared strings":       func(p map[string]string) { delete(p, "xl/sharedStrings.xml") },
		"no relations":            func(p map[string]string) { delete(p, "xl/_rels/workbook.xml.rels") },
		"no relation to a sheet": func(p map[string]string) {
			p["xl/workbook.xml"] = strings.Replace(p["xl/workbook.xml"], `r:id="rId2"`, `r:id="rId7"`, 1)
		},
		"no sheet at the end of it": func(p map[string]string) { delete(p, "xl/worksheets/sheet2.xml") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts := book.parts()
			spoil(parts)
			err := readToEnd(t, bytes.NewReader(pack(t, parts)), intake.Options{Spec: plates})
			if e, ok := errors.AsType[*intake.InputError](err); !ok || e.Code != intake.CodePacked {
				t.Errorf("got %v, want a refusal", err)
			}
		})
	}
	whole := book.file(t)
	for _, at := range []int{len(whole) / 3, len(whole) / 2} {
		bad := slices.Clone(whole)
		bad[at] ^= 0xff
		if err := readToEnd(t, bytes.NewReader(bad), intake.Options{Spec: plates}); errors.Is(err, io.EOF) {
			t.Logf("byte %d is of no consequence", at)
		}
	}
}

// TestSpreadsheetsThatSwellAreRefused: by what they say of themselves, and by
// what they turn out to be.
func TestSpreadsheetsThatSwellAreRefused(t *testing.T) {
	t.Parallel()
	book := workbook{sheets: []sheet{{"S", "visible", header + `<row r="2"><c r="A2"><v>1234567</v></c></row>`}}}
	many := book.parts()
	for i := range 1000 {
		many[fmt.Sprintf("xl/media/%d.png", i)] = ""
	}
	bomb := book.parts()
	bomb["xl/worksheets/sheet1.xml"] += strings.Repeat(" ", 20<<20)
	for name, file := range map[string][]byte{"too many files": pack(t, many), "too much in a file": pack(t, bomb), "a size that lies": lying(t, book.parts())} {
		err := readToEnd(t, bytes.NewReader(file), intake.Options{Spec: plates})
		if e, ok := errors.AsType[*intake.InputError](err); !ok || e.Code != intake.CodePacked {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
}

// lying packs a sheet that says it is small, and is not.
func lying(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	const sheet1 = "xl/worksheets/sheet1.xml"
	body := parts[sheet1] + strings.Repeat(" ", 1<<20)
	delete(parts, sheet1)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	w, err := z.CreateRaw(&zip.FileHeader{Name: sheet1, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(body)),
		CompressedSize64: uint64(len(body)), UncompressedSize64: 600})
	if err == nil {
		_, err = io.WriteString(w, body)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWhatALibraryWritesIsRead holds the reader against another's writer.
func TestWhatALibraryWritesIsRead(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	want := [][]any{{"plate", "city", "seats", "bought"}}
	for i := range 50 {
		want = append(want, []any{fmt.Sprintf("DL01AA%04d", i), "Πάτρα & <b> \"x\"", i, ""})
	}
	for i, row := range want {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	r, got := rows(t, &b, intake.Options{Spec: plates})
	if d := cmp.Diff([]string{"plate", "city", "seats", "bought"}, r.Columns()); d != "" {
		t.Error(d)
	}
	for i, row := range got {
		for j, cell := range row {
			if cell != fmt.Sprint(want[i+1][j]) {
				t.Errorf("row %d: got %q, want %v", i+1, row, want[i+1])
				break
			}
		}
	}
	if len(got) != 50 {
		t.Errorf("got %d rows, want 50", len(got))
	}
}

func TestCellsMayComeInAnyOrder(t *testing.T) {
	t.Parallel()
	cell := func(ref, text string) string {
		return `<c r="` + ref + `" t="inlineStr"><is><t>` + text + `</t></is></c>`
	}
	for name, tc := range map[string]struct {
		data, want string
	}{
		"the header": {`<row>` + cell("C1", "depot") + cell("A1", "plate") + `</row><row>` + cell("C2", "north") + cell("A2", "DL01AA1000") + `</row>`, "DL01AA1000 north"},
		"twice in a place": {`<row>` + cell("A1", "plate") + cell("B1", "depot") + `</row><row>` + cell("B2", "north") + cell("A2", "DL01AA1000") +
			cell("B2", "south") + `</row>`, "the spreadsheet is damaged"},
	} {
		w := workbook{sheets: []sheet{{"S", "visible", tc.data}}}
		r, err := intake.Open(bytes.NewReader(w.file(t)), intake.Options{Spec: plates})
		var row intake.Row
		if err == nil {
			row, err = r.Next(t.Context())
		}
		got := fmt.Sprint(err)
		if err == nil {
			got = strings.Join(strings.Fields(strings.Join(row.NewRow.Line, " ")), " ")
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func FuzzXLSX(f *testing.F) {
	book := workbook{strings: []string{`<si><t>DL01AA1000</t></si>`}, styles: []int{14, 11, 164}, formats: `<numFmt numFmtId="164" formatCode="0000000;@"/>`}
	for _, data := range []string{
		header + `<row r="2"><c r="A2" t="s"><v>0</v></c></row>`, header + `<row><c><v>1</v></c><c s="0"><v>1e9</v></c></row>`,
		header + `<row><c s="1"><v>1200000</v></c><c s="2"><v>42</v></c></row>`,
		header + `<row><c><f>B2</f></c><c t="str"><f>B2</f><v></v></c></row><row><c/><c/><c><f/></c></row>`,
		header + `<row><c t="d"><v>2024-02-29T12:30:15.6Z</v></c><c t="d"><v>-9</v></c></row>`,
		header + `<row><c t="str"><v>_xD83D__xDE00__x005F_x000D_</v></c><c t="inlineStr"><is><t>_xDE00__xD83D__x0000_</t></is></c></row>`,
		`<row r="99999999"><c r="ZZZZ9" t="s"><v>-1</v></c></row>`, `</sheetData>`, header + `<row r="1"><c r="A2" t="inlineStr"><is>`,
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		w := book
		w.sheets = []sheet{{"S", "visible", data}}
		r, err := intake.Open(bytes.NewReader(w.file(t)), intake.Options{Spec: plates})
		for n := 0; err == nil; n++ {
			var row intake.Row
			if row, err = r.Next(t.Context()); n > len(data) {
				t.Fatalf("%q has more rows than bytes", data)
			}
			if cells := strings.Join(row.NewRow.Line, "|"); !utf8.ValidString(cells) {
				t.Fatalf("%q became %q", data, cells)
			}
		}
	})
}
