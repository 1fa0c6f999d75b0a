package intake

import (
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// source reads records of one format. A format is added by another source and
// its place in openSource.
type source interface {
	// columns are the names of the cells, as the list gives them.
	columns() []string
	// next fills rec with the next record, or returns io.EOF or why the list
	// cannot be read further. The cells are the caller's to keep.
	next(rec *record) error
}

// record is what a source reads for one row.
type record struct {
	line  int      // where it begins, from 1
	raw   []byte   // what it was read from, good until the next record
	cells []string // as many as there are columns, with room for spare more
	// odd are cells that hold something else than text, a whole number or
	// nothing: no subject is written so, or nobody knows how.
	odd []oddCell
	// said is what the row says by members of its own, where it is an object:
	// good until the next record.
	said []said
	// problem makes the row invalid whatever its cells hold.
	problem *store.Failure
}

// said is a member that means something: its value as a cell, and what is odd
// about that, if anything is.
type said struct {
	column     providers.Column
	name, text string
	odd        oddity
}

// oddAt returns what is odd about a cell, if anything is.
func (r *record) oddAt(at int) oddity {
	for _, o := range r.odd {
		if o.at == at {
			return o.what
		}
	}
	return ""
}

// oddCell is a cell and what it holds instead.
type oddCell struct {
	at   int
	what oddity
}

// oddity says what a cell holds that is neither text nor a whole number.
type oddity string

const (
	oddType    oddity = "is neither text nor a whole number"
	oddFormula oddity = "is a formula that has no value: open the list in a spreadsheet program and save it again, or write values instead"
	oddNumber  oddity = "is a number with a fraction, a sign or an exponent: a spreadsheet may have made one of it (12E45); write the column as text"
	oddDate    oddity = "is a date: a spreadsheet may have made one of it; write the column as text"
)

// code is what the oddity is called in codes of problems.
func (o oddity) code() string {
	switch o {
	case oddDate:
		return "date"
	case oddFormula:
		return "empty"
	default:
		return "type"
	}
}

func rowFault(code, message string) *store.Failure {
	return &store.Failure{Class: store.ClassInvalidInput, Code: code, Message: message}
}
