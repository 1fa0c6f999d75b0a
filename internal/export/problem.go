package export

import (
	"encoding/json"
	"io"
	"strconv"
)

// Problem is what is wrong, or odd, about a row of a list that nobody has been
// asked about yet. Names and order of its members are a contract.
type Problem struct {
	Line int `json:"line"` // where the row begins in the list, from 1
	Row  int `json:"row"`  // its number among the rows, from 1
	// Kind is ProblemInvalid or ProblemOdd.
	Kind string `json:"kind"`
	// Column is the list's own name of the column that it is about; empty: it
	// is about the row.
	Column  string          `json:"column"`
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Input   json.RawMessage `json:"input"` // the line as it was given, an object
	// Cells is the line for a table, by the columns of the list.
	Cells []string `json:"-"`
}

// What a Problem means for its row.
const (
	ProblemInvalid = "invalid" // it is never sent, and free
	ProblemOdd     = "odd"     // it is asked about all the same
)

// Problems writes what is wrong with a list. It is for one goroutine, and must
// be closed.
type Problems struct {
	*lines
	columns []string
}

// NewProblems returns a Problems to w, of a list with such columns.
func NewProblems(w io.Writer, o Options, columns []string) (*Problems, error) {
	names := []string{"line", "row", "kind", "column", "code", "message"}
	for _, name := range columns {
		names = append(names, beside(names, name))
	}
	l, err := newLines(w, o, "problems", names)
	return &Problems{l, columns}, err
}

// Write writes one problem, whose Input is made of its Cells.
func (p *Problems) Write(x Problem) error {
	if p.json != nil {
		x.Input = appendLine(nil, p.columns, x.Cells)
	}
	return p.write(x, func(put func([]cell) error) error {
		cells := []cell{
			{strconv.Itoa(x.Line), false},
			{strconv.Itoa(x.Row), false},
			{x.Kind, false},
			{x.Column, true},
			{x.Code, false},
			{x.Message, true},
		}
		for i := range p.columns {
			cells = append(cells, cell{at(x.Cells, i), true})
		}
		return put(cells)
	})
}
