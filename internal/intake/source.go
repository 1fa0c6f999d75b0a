package intake

import "github.com/plateq/plateq/store"

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
	// nothing: no subject is written so.
	odd []int
	// problem makes the row invalid whatever its cells hold.
	problem *store.Failure
}

func rowFault(code, message string) *store.Failure {
	return &store.Failure{Class: store.ClassInvalidInput, Code: code, Message: message}
}
