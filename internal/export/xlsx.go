package export

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plateq/plateq/store"
)

// Bounds of a sheet (Excel's own) and of a cell, in UTF-16 units.
const (
	sheetRows = 1 << 20
	cellUnits = 32767
)

// xlsxWriter writes rows of a batch as a spreadsheet.
type xlsxWriter struct {
	*xlsxGrid
	table *table
}

func newXLSX(w io.Writer, b store.Batch, o Options) (Writer, error) {
	t := newTable(b, o)
	g, err := newXLSXGrid(w, "results", t.names)
	return &xlsxWriter{g, t}, err
}

// Write is Writer.Write.
func (x *xlsxWriter) Write(r store.Row) error {
	if err := x.put(x.table.row(r)); err != nil {
		return fmt.Errorf("write row %d: %w", r.Number, err)
	}
	return nil
}

// xlsxGrid writes a spreadsheet (ECMA-376) as a stream: nothing of it is held
// in memory or in a file of its own, whatever the number of rows, and a
// download begins with the first one. Text is typed as text, so that no cell
// is ever taken for a formula. More rows than a sheet can have go on in
// another one.
type xlsxGrid struct {
	zip    *zip.Writer
	title  string // of the first sheet
	names  []string
	date   int // the column of answered_at; -1: there is none
	sheets int
	sheet  *bufio.Writer
	rows   int // of the sheet in hand, the header among them
	max    int // of a sheet
	line   []byte
}

func newXLSXGrid(w io.Writer, title string, names []string) (*xlsxGrid, error) {
	x := &xlsxGrid{zip: zip.NewWriter(w), title: title, names: names, date: slices.Index(names, "answered_at"), max: sheetRows}
	if err := x.begin(); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	return x, nil
}

// Close implements io.Closer.
func (x *xlsxGrid) Close() error {
	err := x.end()
	for _, part := range x.parts() {
		if err == nil {
			var w io.Writer
			if w, err = x.zip.Create(part.name); err == nil {
				_, err = io.WriteString(w, xmlHead+part.text)
			}
		}
	}
	if err == nil {
		err = x.zip.Close()
	}
	if err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	nsMain  = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	nsRel   = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	nsPack  = `http://schemas.openxmlformats.org/package/2006/`
	typeOf  = `application/vnd.openxmlformats-officedocument.spreadsheetml.`
)

// begin starts a sheet with its header, which stays in sight.
func (x *xlsxGrid) begin() error {
	x.sheets++
	w, err := x.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", x.sheets))
	if err != nil {
		return err
	}
	x.sheet, x.rows = bufio.NewWriterSize(w, bufferSize), 0
	var head strings.Builder
	head.WriteString(xmlHead + `<worksheet xmlns="` + nsMain + `"><sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i, name := range x.names {
		fmt.Fprintf(&head, `<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, min(max(utf8.RuneCountInString(name)+2, 10), 40))
	}
	if _, err := x.sheet.WriteString(head.String() + `</cols><sheetData>`); err != nil {
		return err
	}
	return x.write(texts(x.names))
}

// end closes the sheet in hand.
func (x *xlsxGrid) end() error {
	tail := fmt.Sprintf(`</sheetData><autoFilter ref="A1:%s%d"/></worksheet>`, letters(len(x.names)), x.rows)
	if _, err := x.sheet.WriteString(tail); err != nil {
		return err
	}
	return x.sheet.Flush()
}

// put writes a line, on another sheet where this one is full.
func (x *xlsxGrid) put(cells []cell) error {
	if x.rows == x.max {
		if err := x.end(); err != nil {
			return err
		}
		if err := x.begin(); err != nil {
			return err
		}
	}
	return x.write(cells)
}

func (x *xlsxGrid) write(cells []cell) error {
	x.rows++
	x.line = append(strconv.AppendInt(append(x.line[:0], `<row r="`...), int64(x.rows), 10), `">`...)
	for i, c := range cells {
		if c.value != "" {
			x.line = appendSheetCell(x.line, c, i == x.date, x.rows == 1)
		} else {
			x.line = append(x.line, `<c/>`...)
		}
	}
	x.line = append(x.line, `</row>`...)
	_, err := x.sheet.Write(x.line)
	return err
}

// Styles of cells, by their place in the styles part.
const (
	styleHeader = "1"
	styleDate   = "2"
)

func appendSheetCell(b []byte, c cell, date, header bool) []byte {
	switch {
	case header:
		b = append(b, `<c s="`+styleHeader+`" t="inlineStr">`...)
	case date:
		if at, err := time.Parse(timeForm, c.value); err == nil {
			b = append(b, `<c s="`+styleDate+`"><v>`...)
			return append(strconv.AppendFloat(b, days(at), 'f', 9, 64), `</v></c>`...)
		}
		b = append(b, `<c t="inlineStr">`...)
	case !c.text && isExact(c.value):
		return append(append(append(b, `<c><v>`...), c.value...), `</v></c>`...)
	case !c.text && c.value == "true":
		return append(b, `<c t="b"><v>1</v></c>`...)
	case !c.text && c.value == "false":
		return append(b, `<c t="b"><v>0</v></c>`...)
	default:
		b = append(b, `<c t="inlineStr">`...)
	}
	b = append(b, `<is><t xml:space="preserve">`...)
	return append(appendSheetText(b, c.value), `</t></is></c>`...)
}

// days is a time as Excel counts it, in UTC.
func days(at time.Time) float64 {
	return at.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24
}

// isExact reports whether a number comes out of Excel as it went in: a number
// has 15 digits there, and none in front that are zero.
func isExact(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return isNumber(s) && len(s) <= 15 && (s[0] != '0' || s == "0" || strings.HasPrefix(s, "0."))
}

// appendSheetText writes text of a cell. What XML cannot hold is written as
// Excel does, _x0001_, and so is text that looks like it.
func appendSheetText(b []byte, s string) []byte {
	s = cutCell(s)
	for i, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case notInXML(r):
			b = fmt.Appendf(b, "_x%04X_", r)
		case r == '_' && looksEscaped(s[i:]):
			b = append(b, "_x005F_"...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// notInXML reports whether XML cannot hold r, or would change it.
func notInXML(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF
}

// looksEscaped reports whether s begins like _x0001_ once it is written: the
// underscore at its end may be that of the escape of what comes next.
func looksEscaped(s string) bool {
	if len(s) < 7 || s[1] != 'x' || strings.Trim(s[2:6], "0123456789abcdefABCDEF") != "" {
		return false
	}
	next, _ := utf8.DecodeRuneInString(s[6:])
	return next == '_' || notInXML(next)
}

const cutMark = " … (cut: a cell holds no more)"

// cutCell cuts text that is too long for a cell, and says so in the cell. The
// other formats have all of it.
func cutCell(s string) string {
	if len(s) <= cellUnits {
		return s
	}
	units, cut := 0, -1
	for i, r := range s {
		n := 1
		if r > 0xFFFF {
			n = 2
		}
		if units += n; cut < 0 && units > cellUnits-len(cutMark) {
			cut = i
		}
	}
	if units <= cellUnits {
		return s
	}
	return s[:cut] + cutMark
}

type bookPart struct{ name, text string }

// parts are those that tell of the sheets.
func (x *xlsxGrid) parts() []bookPart {
	var types, list, links strings.Builder
	for i := 1; i <= x.sheets; i++ {
		name := x.title
		if i > 1 {
			name += " " + strconv.Itoa(i)
		}
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, i, typeOf)
		fmt.Fprintf(&list, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, name, i, i)
		fmt.Fprintf(&links, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, i, nsRel, i)
	}
	return []bookPart{
		{"[Content_Types].xml", `<Types xmlns="` + nsPack + `content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + typeOf + `sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="` + typeOf + `styles+xml"/>` + types.String() + `</Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + nsPack + `relationships">` +
			`<Relationship Id="rId1" Type="` + nsRel + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="` + nsMain + `" xmlns:r="` + nsRel + `"><sheets>` + list.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + nsPack + `relationships">` + links.String() +
			`<Relationship Id="rIdS" Type="` + nsRel + `/styles" Target="styles.xml"/></Relationships>`},
		{"xl/styles.xml", `<styleSheet xmlns="` + nsMain + `"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts>` +
			`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
			`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
			`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
			`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
			`<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
			`<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>` +
			`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>`},
	}
}

// letters is the name of the n-th column, from 1.
func letters(n int) string {
	name := ""
	for ; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}
