package export

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"

	"github.com/plateq/plateq/internal/diff"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Change is what changed about one thing between two lists, as it comes out as
// JSON. Names and order of its members are a contract. What is not there is
// null.
type Change struct {
	Change       diff.Kind     `json:"change"`
	Row          *int          `json:"row"`        // in the newer list
	BeforeRow    *int          `json:"before_row"` // in the older one
	ID           *string       `json:"id"`         // the caller's own
	Plate        *string       `json:"plate"`
	VIN          *string       `json:"vin"`
	Status       *string       `json:"status"`
	BeforeStatus *string       `json:"before_status"`
	Fields       []ChangeField `json:"fields"`
	// Input is the line as it was given, in the newer list where it is there.
	Input json.RawMessage `json:"input"`
}

// ChangeField is a field that differs.
type ChangeField struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// Changes writes what changed from one list to another. It is for one
// goroutine, and must be closed.
type Changes struct {
	*lines
	before, after store.Batch
}

// NewChanges returns a Changes to w. A table has a line for every field that
// differs, behind which is the line of the newer list as it was given.
func NewChanges(w io.Writer, before, after store.Batch, o Options) (*Changes, error) {
	names := []string{"change", "row", "before_row", "id", "plate", "vin", "field", "before", "after"}
	for _, name := range after.Columns {
		names = append(names, beside(names, name))
	}
	l, err := newLines(w, o, "changes", names)
	return &Changes{l, before, after}, err
}

// Write writes one change.
func (c *Changes) Write(x diff.Change) error {
	v := c.view(x)
	return c.write(v, func(put func([]cell) error) error {
		fields := v.Fields
		if len(fields) == 0 { // it came or went, with the status that it has or had
			fields = []ChangeField{{Before: quotedText(v.BeforeStatus), After: quotedText(v.Status)}}
		}
		own := c.own(x)
		for _, f := range fields {
			cells := []cell{
				{string(v.Change), false},
				{number(v.Row), false},
				{number(v.BeforeRow), false},
				{text(v.ID), true},
				{text(v.Plate), true},
				{text(v.VIN), true},
				{f.Field, true},
				fieldCell(f.Before),
				fieldCell(f.After),
			}
			if err := put(append(cells, own...)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Changes) view(x diff.Change) Change {
	v := Change{Change: x.Kind, Fields: []ChangeField{}}
	for _, f := range x.Fields {
		v.Fields = append(v.Fields, ChangeField{f.Name, f.Before, f.After})
	}
	batch, row := c.before, x.Before
	if x.Before != nil {
		v.BeforeRow, v.BeforeStatus = &x.Before.Number, new(x.Before.State.String())
	}
	if x.After != nil {
		batch, row = c.after, x.After
		v.Row, v.Status = &x.After.Number, new(x.After.State.String())
	}
	v.ID, v.Plate, v.VIN = given(row.CallerID), given(row.Subject[providers.Plate]), given(row.Subject[providers.VIN])
	v.Input = appendLine(nil, batch.Columns, row.Line)
	return v
}

// own returns the line as it was given, by the columns of the newer list.
func (c *Changes) own(x diff.Change) []cell {
	cells := make([]cell, len(c.after.Columns))
	for i, name := range c.after.Columns {
		value := ""
		if x.After != nil {
			value = at(x.After.Line, i)
		} else if j := slices.Index(c.before.Columns, name); j >= 0 {
			value = at(x.Before.Line, j)
		}
		cells[i] = cell{value, true}
	}
	return cells
}

// given is nil for the empty text.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func quotedText(s *string) json.RawMessage {
	if s == nil {
		return nil
	}
	return appendString(nil, *s)
}
