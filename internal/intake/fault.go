package intake

import (
	"context"
	"errors"
	"io"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Fault is what is wrong, or odd, about one row of a list.
type Fault struct {
	// Line is where the row begins in the list, Row its number among the rows.
	// Both count from 1.
	Line, Row int
	// Odd: the row is asked about all the same. Otherwise it is invalid.
	Odd bool
	// Column is the list's own name of the column that it is about; empty: it
	// is about the row.
	Column string
	store.Failure
	// Cells is the line as it was given, by the columns of the list.
	Cells []string
}

// Faults reads a list through and tells of every row that is invalid or odd,
// in their order. An error of tell ends it.
func Faults(ctx context.Context, r *Reader, tell func(Fault) error) error {
	plate := r.Found()[providers.Plate]
	for n := 1; ; n++ {
		row, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		f := Fault{Line: row.Line, Row: n, Column: row.Column, Cells: row.NewRow.Line}
		problem := row.Problem
		if problem == nil {
			problem = warn(r.spec, row.Question.Subject)
			f.Odd, f.Column = true, plate
		}
		if problem == nil {
			continue
		}
		f.Failure = *problem
		if err := tell(f); err != nil {
			return err
		}
	}
}
