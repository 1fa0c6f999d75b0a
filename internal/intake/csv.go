package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// separators are what CSV may be separated by, the likeliest first.
const separators = ",;\t"

// csvSource reads CSV as RFC 4180 has it, with any of separators.
//
// Blank lines, and lines of nothing but separators, are no records. A record
// with fewer cells than columns is filled up with empty ones. One with more is
// a record that cannot be asked, unless what is too much is empty: a separator
// in a value has moved its cells. So is one with a quote inside of an unquoted
// cell. Text behind a closing quote, and a quote that never closes, end the
// list: nobody can say where the next record begins.
type csvSource struct {
	lines *lines
	sep   byte
	names []string
	spare int

	buf  []byte // the record as read, lines joined by '\n'
	text []byte // the cells of a quoted record, without their quotes
	ends []int  // where each cell ends in text
}

// openCSV reads the header. known tells whether a name is that of a column
// that matters, and helps to tell the separator.
func openCSV(l *lines, known func(string) bool) (*csvSource, error) {
	c := &csvSource{lines: l}
	line, err := c.firstLine()
	if err != nil {
		return nil, err
	}
	if rest, ok := bytes.CutPrefix(line, []byte("sep=")); ok && len(rest) == 1 && strings.Contains(separators, string(rest)) {
		c.sep = rest[0] // Excel's own way to tell it
		if line, err = c.firstLine(); err != nil {
			return nil, err
		}
	}
	if bytes.IndexByte(line, 0) >= 0 {
		return nil, &InputError{Code: CodeEncoding, Line: l.n, Reason: "it holds NUL bytes and is no text", Hint: saveAsCSV}
	}
	if c.sep == 0 {
		c.sep = tellSeparator(string(line), known)
	}
	var rec record
	if err := c.parse(line, &rec); err != nil {
		return nil, err
	}
	if rec.problem != nil {
		return nil, &InputError{Code: CodeQuotes, Line: rec.line, Reason: "the header has a quote inside of a name", Hint: hintQuotes}
	}
	c.names = rec.cells
	return c, nil
}

func (c *csvSource) firstLine() ([]byte, error) {
	for {
		line, err := c.lines.next()
		if errors.Is(err, io.EOF) {
			return nil, &InputError{Code: CodeEmptyList, Reason: ErrEmptyList.Error(), Err: ErrEmptyList}
		}
		if err != nil || len(bytes.TrimSpace(line)) > 0 {
			return line, err
		}
	}
}

// tellSeparator chooses the separator under which a header names most columns
// that matter, then most columns.
func tellSeparator(header string, known func(string) bool) byte {
	best, bestKnown, bestCells := byte(','), 0, 0
	for _, sep := range []byte(separators) {
		cells := strings.Split(header, string(sep))
		k := 0
		for _, name := range cells {
			if known(strings.Trim(name, `" `)) {
				k++
			}
		}
		if k > bestKnown || k == bestKnown && len(cells) > bestCells {
			best, bestKnown, bestCells = sep, k, len(cells)
		}
	}
	return best
}

func (c *csvSource) columns() []string { return c.names }

func (c *csvSource) next(rec *record) error {
	for {
		line, err := c.lines.next()
		if err != nil {
			return err
		}
		if c.blank(line) {
			continue
		}
		if err := c.parse(line, rec); err != nil {
			return err
		}
		c.fit(rec)
		return nil
	}
}

func (c *csvSource) blank(line []byte) bool {
	for _, b := range line {
		if b != c.sep && b != ' ' && b != '\t' {
			return false
		}
	}
	return true
}

// parse splits the record that begins with line, reading more lines where a
// quote spans them.
func (c *csvSource) parse(line []byte, rec *record) error {
	*rec = record{line: c.lines.n, raw: line}
	if bytes.IndexByte(line, '"') >= 0 {
		return c.parseQuoted(line, rec)
	}
	all := string(line)
	rec.cells = make([]string, 0, len(c.names)+c.spare)
	for {
		i := strings.IndexByte(all, c.sep)
		if i < 0 {
			rec.cells = append(rec.cells, all)
			return nil
		}
		rec.cells = append(rec.cells, all[:i])
		all = all[i+1:]
	}
}

// parseQuoted is parse for records with quotes.
func (c *csvSource) parseQuoted(line []byte, rec *record) error {
	c.buf = append(c.buf[:0], line...)
	c.text, c.ends = c.text[:0], c.ends[:0]
	for at := 0; at <= len(c.buf); {
		var err error
		if at < len(c.buf) && c.buf[at] == '"' {
			at, err = c.quotedCell(at+1, rec)
		} else {
			at = c.plainCell(at, rec)
		}
		if err != nil {
			return err
		}
		c.ends = append(c.ends, len(c.text))
	}
	rec.raw = c.buf
	all, from := string(c.text), 0
	rec.cells = make([]string, 0, max(len(c.ends), len(c.names))+c.spare)
	for _, end := range c.ends {
		rec.cells = append(rec.cells, all[from:end])
		from = end
	}
	return nil
}

// plainCell reads the cell that begins at at and returns where the next one
// does, behind the end of buf for the last one.
func (c *csvSource) plainCell(at int, rec *record) int {
	end := len(c.buf)
	if i := bytes.IndexByte(c.buf[at:], c.sep); i >= 0 {
		end = at + i
	}
	if bytes.IndexByte(c.buf[at:end], '"') >= 0 {
		rec.problem = rowFault("csv_quote", "a quote stands inside of a cell that does not begin with one")
	}
	c.text = append(c.text, c.buf[at:end]...)
	return end + 1
}

// quotedCell is plainCell for one that began with a quote before at.
func (c *csvSource) quotedCell(at int, rec *record) (int, error) {
	for {
		i := bytes.IndexByte(c.buf[at:], '"')
		if i < 0 {
			c.text = append(append(c.text, c.buf[at:]...), '\n')
			at = len(c.buf) + 1
			if err := c.more(rec); err != nil {
				return 0, err
			}
			continue
		}
		c.text = append(c.text, c.buf[at:at+i]...)
		at += i + 1
		switch {
		case at == len(c.buf) || c.buf[at] == c.sep:
			return at + 1, nil
		case c.buf[at] != '"':
			return 0, &InputError{Code: CodeQuotes, Line: c.lines.n,
				Reason: fmt.Sprintf("text stands behind a closing quote (the row begins on line %d)", rec.line), Hint: hintQuotes}
		}
		c.text = append(c.text, '"')
		at++
	}
}

const hintQuotes = `put the whole cell in quotes and write a quote inside of it as ""`

// more adds the next line to the record in buf.
func (c *csvSource) more(rec *record) error {
	line, err := c.lines.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err != nil || len(c.buf)+len(line) >= MaxLine {
		return &InputError{Code: CodeQuotes, Line: rec.line, Reason: "a quote that is opened here is not closed", Hint: hintQuotes}
	}
	c.buf = append(append(c.buf, '\n'), line...)
	return nil
}

// fit gives rec as many cells as there are columns.
func (c *csvSource) fit(rec *record) {
	n := len(c.names)
	if len(rec.cells) > n {
		rest := rec.cells[n:]
		if slices.ContainsFunc(rest, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			rec.problem = rowFault("csv_columns", fmt.Sprintf("the row has %d cells, the header has %d", len(rec.cells), n))
			// Nothing of what came in gets lost: the last cell holds the rest.
			rec.cells[n-1] = strings.Join(rec.cells[n-1:], string(c.sep))
		}
		rec.cells = rec.cells[:n]
	}
	for len(rec.cells) < n {
		rec.cells = append(rec.cells, "")
	}
}
