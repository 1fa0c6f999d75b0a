package intake

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// xlsxSource reads one sheet of a spreadsheet. The first row that is not blank
// is the header. Values alone are read: no formula is worked out, no link
// followed, no macro run.
type xlsxSource struct {
	book  *book
	file  io.ReadCloser
	xml   *xml.Decoder
	row   int
	names []string
	cells []xlsxCell // of the row in hand
	raw   []byte
	spare int
}

// xlsxCell is a cell that holds something, if only a formula.
type xlsxCell struct {
	column int
	text   string
	odd    oddity
}

// openXLSX opens the sheet that is meant, and returns its name.
func openXLSX(r io.Reader, o Options) (*xlsxSource, string, error) {
	b, err := openBook(r)
	if err != nil {
		return nil, "", err
	}
	s, err := b.choose(o.Sheet)
	if err != nil {
		return nil, "", err
	}
	src, err := b.open(s)
	return src, s.name, err
}

// choose returns the sheet of that name or, without one, the only one that is
// visible and not empty. Which of several is meant nobody can tell.
func (b *book) choose(name string) (sheetEntry, error) {
	var full, all []sheetEntry
	for _, s := range b.sheets {
		if s.name == name {
			return s, nil
		}
		all = append(all, s)
		if s.hidden || name != "" {
			continue
		}
		src, err := b.open(s)
		if err != nil && !errors.Is(err, ErrEmptyList) {
			return s, err
		}
		if err == nil {
			full = append(full, s)
			src.close()
		}
	}
	switch {
	case name != "":
		return sheetEntry{}, &InputError{Code: CodeSheet, Reason: fmt.Sprintf("there is no sheet %.40q; %s", name, sheetList(all)), Hint: "correct --sheet"}
	case len(full) == 0:
		return sheetEntry{}, &InputError{Code: CodeEmptyList, Reason: ErrEmptyList.Error(), Err: ErrEmptyList}
	case len(full) > 1:
		return sheetEntry{}, &InputError{Code: CodeSheet, Reason: "several sheets hold something; " + sheetList(full), Hint: "say which one with --sheet NAME"}
	}
	return full[0], nil
}

func sheetList(sheets []sheetEntry) string {
	const limit = 10
	var names []string
	for _, s := range sheets[:min(len(sheets), limit)] {
		names = append(names, shown(s.name))
	}
	if len(sheets) > limit {
		names = append(names, fmt.Sprintf("and %d more", len(sheets)-limit))
	}
	return "there is " + strings.Join(names, ", ")
}

// open reads the header of a sheet.
func (b *book) open(s sheetEntry) (*xlsxSource, error) {
	file, err := s.file.Open()
	if err != nil {
		return nil, damagedBook(err)
	}
	x := &xlsxSource{book: b, file: file, xml: xml.NewDecoder(file)}
	var rec record
	err = x.next(&rec)
	if errors.Is(err, io.EOF) {
		err = &InputError{Code: CodeEmptyList, Reason: ErrEmptyList.Error(), Err: ErrEmptyList}
	}
	if err != nil {
		x.close()
		return nil, err
	}
	x.names = make([]string, x.cells[len(x.cells)-1].column+1)
	for _, c := range x.cells {
		x.names[c.column] = c.text
	}
	return x, nil
}

func (x *xlsxSource) close() { _ = x.file.Close() } // it was only read

func (x *xlsxSource) columns() []string { return x.names }

// next reads rows until one is not blank. What formulas without a value would
// say nobody knows, so that they alone make no header.
func (x *xlsxSource) next(rec *record) error {
	for {
		if err := x.read(); err != nil {
			return err
		}
		header := x.names == nil
		if len(x.cells) == 0 || header && !slices.ContainsFunc(x.cells, xlsxCell.hasText) {
			continue
		}
		*rec = record{line: x.row, raw: x.raw}
		if !header {
			x.fill(rec)
		}
		return nil
	}
}

// read reads one row into cells.
func (x *xlsxSource) read() error {
	for {
		token, err := x.xml.RawToken()
		if err != nil {
			return damagedBook(noEnd(err))
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "row" {
				return x.readRow(e)
			}
		case xml.EndElement:
			if e.Name.Local == "sheetData" || e.Name.Local == "worksheet" {
				return x.finish()
			}
		}
	}
}

// finish reads the rest of the file: only then its checksum is known to hold.
func (x *xlsxSource) finish() error {
	for {
		switch _, err := x.xml.RawToken(); {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return damagedBook(err)
		}
	}
}

func (x *xlsxSource) readRow(row xml.StartElement) error {
	x.row++
	if n, err := strconv.Atoi(attr(row, "r")); err == nil && n >= x.row {
		x.row = n
	}
	x.cells, x.raw = x.cells[:0], x.raw[:0]
	column := -1
	for {
		token, err := x.xml.RawToken()
		if err != nil {
			return damagedBook(noEnd(err))
		}
		switch e := token.(type) {
		case xml.EndElement:
			if e.Name.Local == "row" {
				return x.order()
			}
		case xml.StartElement:
			if e.Name.Local != "c" {
				continue
			}
			if column++; attr(e, "r") != "" {
				column = columnOf(attr(e, "r"), column)
			}
			if err := x.readCell(e, column); err != nil {
				return err
			}
		}
	}
}

// order puts the cells of a row in order, as not everybody writes them so
// (ECMA-376 part 1, 18.3.1.73). Of two in one place nobody knows which is meant.
func (x *xlsxSource) order() error {
	slices.SortStableFunc(x.cells, func(a, b xlsxCell) int { return a.column - b.column })
	for i := 1; i < len(x.cells); i++ {
		if x.cells[i].column == x.cells[i-1].column {
			return damagedBook(fmt.Errorf("row %d has two cells in column %d", x.row, x.cells[i].column+1))
		}
	}
	return nil
}

// readCell adds a cell to the row, unless it holds nothing.
func (x *xlsxSource) readCell(start xml.StartElement, column int) error {
	kind := attr(start, "t")
	value, unknown, err := x.cellValue(kind)
	if err != nil {
		return damagedBook(err)
	}
	cell := xlsxCell{column: column, odd: oddFormula}
	if !unknown {
		if cell.text, cell.odd, err = x.meaning(kind, attr(start, "s"), value); err != nil {
			return damagedBook(err)
		}
		if !cell.hasText() {
			return nil
		}
	}
	x.cells = append(x.cells, cell)
	x.raw = append(strconv.AppendInt(x.raw, int64(column), 10), ':')
	x.raw = append(append(strconv.AppendInt(x.raw, int64(len(cell.text)), 10), ':'), cell.text...)
	if cell.odd != "" {
		x.raw = append(x.raw, cell.odd.code()...)
	}
	if len(x.raw) > MaxLine || column >= maxColumns {
		return tooLong(x.row)
	}
	return nil
}

func (c xlsxCell) hasText() bool { return strings.TrimSpace(c.text) != "" }

// cellValue reads a cell of a kind to its end, and returns what stands in it.
// unknown: that is a formula whose value no program has written. One that has
// come to an empty text is written with it (t="str" and an empty <v>).
func (x *xlsxSource) cellValue(kind string) (text string, unknown bool, err error) {
	var value []byte
	formula, valued := false, false
	for inValue, begins := false, 0; ; {
		token, err := x.xml.RawToken()
		if err != nil {
			return "", false, noEnd(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			inValue, begins = e.Name.Local == "v", len(value)
			switch e.Name.Local {
			case "f":
				formula = true
			case "v":
				valued = kind == "str"
			case "is":
				text, err := richText(x.xml, "is")
				if err != nil {
					return "", false, err
				}
				value, valued = []byte(text), true
			}
		case xml.CharData:
			if inValue {
				value = append(value, e...)
			}
		case xml.EndElement:
			if inValue {
				value = value[:begins+len(unescape(value[begins:]))]
			}
			inValue = false
			if e.Name.Local == "c" {
				return string(value), formula && !valued && len(bytes.TrimSpace(value)) == 0, nil
			}
		}
	}
}

// maxColumns is how many columns a sheet has (ECMA-376).
const maxColumns = 16384

// meaning is what a cell of a kind and style says (ECMA-376 part 1, 18.18.11).
func (x *xlsxSource) meaning(kind, style, value string) (string, oddity, error) {
	switch kind {
	case "s":
		text, err := x.book.strings.at(strings.TrimSpace(value))
		return text, "", err
	case "str", "inlineStr":
		return value, "", nil
	case "b", "e":
		return map[string]string{"0": "FALSE", "1": "TRUE"}[value] + strings.Trim(value, "01"), oddType, nil
	case "d":
		return isoDate(value), oddDate, nil
	}
	if value == "" {
		return "", "", nil
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return value, oddType, nil
	}
	shown, whole := x.book.style(style), n == float64(int64(n)) && n >= 0 && n < 1e15
	switch {
	case shown.date:
		return x.book.date(n), oddDate, nil
	case !whole:
		return value, oddNumber, nil
	}
	digits := strconv.FormatInt(int64(n), 10)
	if shown.exponent {
		return digits, oddNumber, nil
	}
	return strings.Repeat("0", max(shown.zeros-len(digits), 0)) + digits, "", nil
}

// fill gives rec a cell for each column.
func (x *xlsxSource) fill(rec *record) {
	rec.cells = make([]string, len(x.names), len(x.names)+x.spare)
	for _, c := range x.cells {
		if c.column >= len(x.names) {
			if c.odd == oddFormula {
				continue // nothing has been moved here
			}
			rec.problem = rowFault("xlsx_columns", fmt.Sprintf("the row has something in column %d, the header has %d columns", c.column+1, len(x.names)))
			last := len(x.names) - 1 // nothing of what came in gets lost
			rec.cells[last] = strings.TrimPrefix(rec.cells[last]+" "+c.text, " ")
			continue
		}
		rec.cells[c.column] = c.text
		if c.odd != "" {
			rec.odd = append(rec.odd, oddCell{c.column, c.odd})
		}
	}
}

func attr(e xml.StartElement, name string) string {
	i := slices.IndexFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == name && a.Name.Space == "" })
	if i < 0 {
		return ""
	}
	return e.Attr[i].Value
}

// columnOf returns the column of a reference such as "AB12", from 0; other
// where it is none.
func columnOf(ref string, other int) int {
	n := 0
	for i := 0; i < len(ref) && i < 4; i++ {
		c := ref[i]
		if c < 'A' || c > 'Z' {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	if n == 0 {
		return other
	}
	return n - 1
}
