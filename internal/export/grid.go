package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// grid writes a table, in whatever form it has, line by line.
type grid interface {
	put(cells []cell) error
	io.Closer
}

// texts are cells of somebody else's words.
func texts(values []string) []cell {
	cells := make([]cell, len(values))
	for i, v := range values {
		cells[i] = cell{v, true}
	}
	return cells
}

// lines writes things one by one: as JSON each, or as lines of a table.
type lines struct {
	array io.WriteCloser // of JSON; nil: there is none
	buf   *bufio.Writer  // of JSON Lines
	json  *json.Encoder  // nil: it is a table
	grid  grid
}

// newLines begins a file of things; names are the columns of its table, title
// the name of its sheet.
func newLines(w io.Writer, o Options, title string, names []string) (l *lines, err error) {
	l = &lines{}
	switch o.Format {
	case CSV:
		l.grid, err = newCSVGrid(w, names, o.Plain)
	case XLSX:
		l.grid, err = newXLSXGrid(w, title, names)
	case JSON:
		l.array = NewArray(w)
		l.json = json.NewEncoder(l.array)
	case JSONL, "":
		l.buf = bufio.NewWriterSize(w, bufferSize)
		l.json = json.NewEncoder(l.buf)
	default:
		err = &FormatError{What: string(o.Format)}
	}
	if l.json != nil {
		l.json.SetEscapeHTML(false)
	}
	return l, err
}

// write writes v as JSON, or its cells as lines of a table.
func (l *lines) write(v any, cells func(put func([]cell) error) error) error {
	var err error
	if l.json != nil {
		err = l.json.Encode(v)
	} else {
		err = cells(l.grid.put)
	}
	if err != nil {
		return fmt.Errorf("write line: %w", err)
	}
	return nil
}

// Close writes what is held back. The stream below stays open.
func (l *lines) Close() error {
	switch {
	case l.array != nil:
		return l.array.Close()
	case l.grid != nil:
		return l.grid.Close()
	}
	if err := l.buf.Flush(); err != nil {
		return fmt.Errorf("write lines: %w", err)
	}
	return nil
}
