package export

import (
	"bytes"
	"encoding/json"
	"strings"
)

// fields takes the columns of a table out of results, in one pass over each.
type fields struct {
	columns []field
	slots   map[string]int // by the name of a member of the result
	values  []json.RawMessage
}

// field is a column: a member of the result or, with a path, what is inside
// of it.
type field struct {
	slot        int // of the member that has the whole name
	outer, path int // of the member before the first dot, and where the rest begins; -1: no dot
	name        string
}

func newFields(names []string) *fields {
	f := &fields{slots: map[string]int{}}
	for _, name := range names {
		c := field{slot: f.slot(name), outer: -1, name: name}
		if outer, _, ok := strings.Cut(name, "."); ok {
			c.outer, c.path = f.slot(outer), len(outer)+1
		}
		f.columns = append(f.columns, c)
	}
	f.values = make([]json.RawMessage, len(f.slots))
	return f
}

func (f *fields) slot(name string) int {
	if _, ok := f.slots[name]; !ok {
		f.slots[name] = len(f.slots)
	}
	return f.slots[name]
}

// appendCells appends a cell for each column. What is no JSON object has no
// fields.
func (f *fields) appendCells(cells []cell, result json.RawMessage) []cell {
	clear(f.values)
	if json.Valid(result) {
		members(result, func(name, value []byte) {
			if i, ok := f.slots[string(name)]; ok {
				f.values[i] = value
			}
		})
	}
	for _, c := range f.columns {
		v := f.values[c.slot]
		if v == nil && c.outer >= 0 {
			v = inside(f.values[c.outer], c.name[c.path:])
		}
		cells = append(cells, fieldCell(v))
	}
	return cells
}

// inside finds a field of a valid value, "a.b" being the field b of a.
func inside(value json.RawMessage, name string) json.RawMessage {
	outer, rest, dot := strings.Cut(name, ".")
	var whole, part json.RawMessage
	members(value, func(n, v []byte) {
		switch string(n) {
		case name:
			whole = v
		case outer:
			part = v
		}
	})
	if whole == nil && dot && part != nil {
		return inside(part, rest)
	}
	return whole
}

// members calls yield for the members of a value that is known to be valid,
// if it is an object. A name is as it is written, without its quotes.
func members(value []byte, yield func(name, value []byte)) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || value[0] != '{' {
		return
	}
	for at := skipSpace(value, 1); value[at] != '}'; {
		end := valueEnd(value, at)
		name := value[at+1 : end-1]
		at = skipSpace(value, skipSpace(value, end)+1) // over the colon
		end = valueEnd(value, at)
		yield(name, value[at:end])
		if at = skipSpace(value, end); value[at] == ',' {
			at = skipSpace(value, at+1)
		}
	}
}

func skipSpace(text []byte, at int) int {
	for text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r' {
		at++
	}
	return at
}

// valueEnd returns where the value inside of an object that begins at at ends.
func valueEnd(text []byte, at int) int {
	depth := 0
	for i := at; ; i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		default:
			if depth == 0 { // a number or a word
				return i + bytes.IndexAny(text[i:], ",}] \t\r\n")
			}
		}
		if depth == 0 {
			return i + 1
		}
	}
}

// fieldCell writes strings as their text, null and nothing as nothing, and
// anything else as its JSON.
func fieldCell(v json.RawMessage) cell {
	switch {
	case len(v) == 0 || v[0] == 'n':
		return cell{}
	case v[0] != '"':
		return cell{string(v), false}
	case bytes.IndexByte(v, '\\') < 0:
		return cell{string(v[1 : len(v)-1]), true}
	}
	var s string
	_ = json.Unmarshal(v, &s) // it is a part of valid JSON
	return cell{s, true}
}
