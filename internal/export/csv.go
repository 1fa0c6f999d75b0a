package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/plateq/plateq/store"
)

// csvWriter writes RFC 4180 with commas, but with a line feed behind each
// line, as other tools here do.
type csvWriter struct {
	w     *bufio.Writer
	table *table
	plain bool
	line  []byte
}

func newCSV(w io.Writer, b store.Batch, o Options) (Writer, error) {
	t := newTable(b, o)
	c := &csvWriter{w: bufio.NewWriterSize(w, bufferSize), table: t, plain: o.Plain}
	header := make([]cell, len(t.names))
	for i, name := range t.names {
		header[i] = cell{name, true}
	}
	if err := c.put(header); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	return c, nil
}

// Write is Writer.Write.
func (c *csvWriter) Write(r store.Row) error {
	if err := c.put(c.table.row(r)); err != nil {
		return fmt.Errorf("write row %d: %w", r.Number, err)
	}
	return nil
}

func (c *csvWriter) put(cells []cell) error {
	c.line = c.line[:0]
	for i, v := range cells {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		if v.text && !c.plain {
			v.value = defuse(v.value)
		}
		c.line = appendCell(c.line, v.value)
	}
	c.line = append(c.line, '\n')
	_, err := c.w.Write(c.line)
	return err
}

// Close is Writer.Close.
func (c *csvWriter) Close() error {
	if err := c.w.Flush(); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}

// appendCell writes s, in quotes where it could be read as anything else.
func appendCell(b []byte, s string) []byte {
	if !needsQuotes(s) {
		return append(b, s...)
	}
	b = append(b, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			return append(append(b, s...), '"')
		}
		b = append(append(b, s[:i]...), '"', '"')
		s = s[i+1:]
	}
}

func needsQuotes(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case ',', '"', '\r', '\n', ';', '\t':
			return true
		}
	}
	return s != "" && (s[0] == ' ' || s[len(s)-1] == ' ')
}

// defuse keeps a spreadsheet from taking text for a formula: text that begins
// with = + - @, a tab or a line end gets a ' in front, and so it does with the
// wide forms of these. A negative number is none.
func defuse(s string) string {
	if s == "" {
		return s
	}
	switch s[0] {
	case '=', '+', '@', '\t', '\r', '\n':
		return "'" + s
	case '-':
		if !isNumber(s[1:]) {
			return "'" + s
		}
	case 0xEF: // the first byte of the wide forms
		for _, wide := range []string{"＝", "＋", "－", "＠"} {
			if strings.HasPrefix(s, wide) {
				return "'" + s
			}
		}
	}
	return s
}

// isNumber reports whether s is digits, with at most one point among them.
func isNumber(s string) bool {
	whole, part, point := strings.Cut(s, ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && (!point || digits(part))
}
