package export

import (
	"slices"
	"strconv"
	"time"

	"github.com/plateq/plateq/store"
)

// table lays rows out in columns, for CSV and whatever else has them.
type table struct {
	batch  store.Batch
	extras Extras
	fields *fields // nil: the result is one column
	names  []string
	own    []int // the customer's columns that come back, by place
	cells  []cell
}

// cell is a value of a table. Text is what somebody else wrote; the rest are
// numbers and words of ours.
type cell struct {
	value string
	text  bool
}

// Columns of a table that hold the same as the customer's column of that name.
var sameColumns = []string{"id", "plate", "vin"}

// newTable fixes the columns: ours in the order of the JSON, then those of
// the customer that ours do not hold already, under their own name or, where
// that is taken, with "input." before it. Input adds those that ours hold.
func newTable(b store.Batch, o Options) *table {
	t := &table{batch: b, extras: Extras{Raw: o.Raw}}
	t.names = []string{"batch", "row", "id", "provider", "plate", "vin", "status"}
	if len(o.Results) > 0 {
		t.fields = newFields(o.Results)
	} else {
		t.names = append(t.names, "result")
	}
	for _, f := range o.Results {
		t.names = append(t.names, "result."+f)
	}
	t.names = append(t.names, "error.class", "error.code", "error.message", "attempts", "cached", "answered_at")
	if o.Raw {
		t.names = append(t.names, "raw")
	}
	for i, name := range b.Columns {
		if slices.Contains(sameColumns, name) && !o.Input {
			continue
		}
		t.names = append(t.names, beside(t.names, name))
		t.own = append(t.own, i)
	}
	return t
}

// beside returns what a customer's column is called beside those of a table.
func beside(names []string, name string) string {
	for slices.Contains(names, name) {
		name = "input." + name
	}
	return name
}

// row returns the cells of r, good until the next row.
func (t *table) row(r store.Row) []cell {
	v := FromStore(t.batch, r, t.extras)
	t.cells = append(t.cells[:0],
		cell{v.Batch, false}, cell{strconv.Itoa(v.Number), false}, cell{v.ID, true}, cell{v.Provider, false},
		cell{v.Plate, true}, cell{v.VIN, true}, cell{v.Status, false})
	if t.fields != nil {
		t.cells = t.fields.appendCells(t.cells, v.Result)
	} else {
		t.cells = append(t.cells, cell{string(v.Result), true})
	}
	var e store.Failure
	if v.Error != nil {
		e = *v.Error
	}
	t.cells = append(t.cells, cell{string(e.Class), false}, cell{e.Code, true}, cell{e.Message, true},
		cell{strconv.Itoa(v.Attempts), false}, cell{strconv.FormatBool(v.Cached), false}, cell{timeText(v.AnsweredAt), false})
	if t.extras.Raw {
		t.cells = append(t.cells, cell{string(v.Raw), true})
	}
	for _, i := range t.own {
		t.cells = append(t.cells, cell{at(r.Line, i), true})
	}
	return t.cells
}

func timeText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(timeForm)
}
