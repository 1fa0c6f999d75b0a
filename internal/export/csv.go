package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/plateq/plateq/store"
)

// csvWriter writes rows of a batch as CSV.
type csvWriter struct {
	*csvGrid
	table *table
}

func newCSV(w io.Writer, b store.Batch, o Options) (Writer, error) {
	t := newTable(b, o)
	g, err := newCSVGrid(w, t.names, o.Plain)
	return &csvWriter{g, t}, err
}

// Write is Writer.Write.
func (c *csvWriter) Write(r store.Row) error {
	if err := c.put(c.table.row(r)); err != nil {
		return fmt.Errorf("write row %d: %w", r.Number, err)
	}
	return nil
}

// csvGrid writes RFC 4180 with commas, but with a line feed behind each line,
// as other tools here do.
type csvGrid struct {
	w     *bufio.Writer
	plain bool
	line  []byte
}

func newCSVGrid(w io.Writer, names []string, plain bool) (*csvGrid, error) {
	g := &csvGrid{w: bufio.NewWriterSize(w, bufferSize), plain: plain}
	if err := g.put(texts(names)); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	return g, nil
}

func (g *csvGrid) put(cells []cell) error {
	g.line = g.line[:0]
	for i, v := range cells {
		if i > 0 {
			g.line = append(g.line, ',')
		}
		if v.text && !g.plain {
			v.value = defuse(v.value)
		}
		g.line = appendCell(g.line, v.value)
	}
	g.line = append(g.line, '\n')
	_, err := g.w.Write(g.line)
	return err
}

// Close implements io.Closer.
func (g *csvGrid) Close() error {
	if err := g.w.Flush(); err != nil {
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
