package export

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/plateq/plateq/internal/jsonscan"
)

// listMark stands between what the entries of a list say.
const listMark = " | "

// fields takes the columns of a table out of results, in one pass over each.
//
// A column "a.b" is the member of that name or, where there is none, b inside
// of a. Where a is a list, it is what all entries say of b or, where they do
// not agree, what each says, in their order with listMark between.
type fields struct {
	root  *node
	found []found // by column, of the result in hand
}

// node is where columns are looked for: a result, or a member inside of one.
type node struct {
	columns []int
	whole   map[string][]int // by the member that has all that is left of the name
	inside  map[string]*node // by the member before the first dot of that
}

// found is what was found of a column. One that was found nearer to the root
// is what is meant; depth begins at 1, and 0 is nothing.
type found struct {
	cell  cell
	depth int
}

func newFields(names []string) *fields {
	f := &fields{root: newNode(), found: make([]found, len(names))}
	for column, name := range names {
		f.root.add(column, name)
	}
	return f
}

func newNode() *node { return &node{whole: map[string][]int{}, inside: map[string]*node{}} }

func (n *node) add(column int, name string) {
	n.columns = append(n.columns, column)
	n.whole[name] = append(n.whole[name], column)
	outer, rest, dot := strings.Cut(name, ".")
	if !dot {
		return
	}
	if n.inside[outer] == nil {
		n.inside[outer] = newNode()
	}
	n.inside[outer].add(column, rest)
}

// appendCells appends a cell for each column. A result is valid JSON, as it was
// when it was sealed; what is no object has no fields.
func (f *fields) appendCells(cells []cell, result json.RawMessage) []cell {
	clear(f.found)
	f.root.object(result, 1, f.found)
	for _, c := range f.found {
		cells = append(cells, c.cell)
	}
	return cells
}

func (n *node) object(value []byte, depth int, into []found) {
	for quoted, v := range jsonscan.Members(value) {
		name := quoted[1 : len(quoted)-1]
		for _, column := range n.whole[string(name)] {
			into[column].take(fieldCell(v), depth)
		}
		if kid := n.inside[string(name)]; kid != nil {
			kid.read(v, depth+1, into)
		}
	}
}

// read is object for a value that may be a list.
func (n *node) read(value []byte, depth int, into []found) {
	var entries [][]byte
	for v := range jsonscan.Elements(value) {
		entries = append(entries, v)
	}
	switch len(entries) {
	case 0:
		n.object(value, depth, into)
	case 1:
		n.read(entries[0], depth, into)
	default:
		n.list(entries, depth, into)
	}
}

func (n *node) list(entries [][]byte, depth int, into []found) {
	said := make([][]found, len(entries))
	for i, entry := range entries {
		said[i] = make([]found, len(into))
		n.read(entry, depth, said[i])
	}
	cells := make([]cell, len(entries))
	for _, column := range n.columns {
		there := false
		for i := range said {
			cells[i] = said[i][column].cell
			there = there || said[i][column].depth > 0
		}
		if there {
			into[column].take(join(cells), depth)
		}
	}
}

func (f *found) take(c cell, depth int) {
	if f.depth == 0 || depth <= f.depth {
		f.cell, f.depth = c, depth
	}
}

// join makes one cell of what several entries say.
func join(cells []cell) cell {
	if !slices.ContainsFunc(cells, func(c cell) bool { return c != cells[0] }) {
		return cells[0]
	}
	values := make([]string, len(cells))
	for i, c := range cells {
		values[i] = c.value
	}
	return cell{strings.Join(values, listMark), true}
}

// fieldCell writes strings as their text, null and nothing as nothing, and
// anything else as its JSON.
func fieldCell(v json.RawMessage) cell {
	switch {
	case len(v) == 0 || v[0] == 'n':
		return cell{}
	case v[0] != '"':
		return cell{string(v), false}
	default:
		s, _ := jsonscan.Unquote(v) // it is a part of valid JSON
		return cell{s, true}
	}
}
