package intake

import (
	"cmp"
	"slices"

	"github.com/plateq/plateq/store"
)

// Reason is one of the reasons for which rows of a list are invalid.
type Reason struct {
	Code, Message string
	Rows          int
	Lines         []int // where the first of them begin in the list
}

// firstLines is how many rows a Reason points to.
const firstLines = 5

// Reasons are the reasons for which rows are invalid, by their codes.
type Reasons map[string]*Reason

// add notes an invalid row that begins at the line.
func (r Reasons) add(p *store.Failure, line int) {
	one := r[p.Code]
	if one == nil {
		one = &Reason{Code: p.Code, Message: p.Message}
		r[p.Code] = one
	}
	one.Rows++
	if len(one.Lines) < firstLines {
		one.Lines = append(one.Lines, line)
	}
}

// merge adds the reasons of a piece that comes behind these.
func (r Reasons) merge(next Reasons) {
	for code, n := range next {
		one := r[code]
		if one == nil {
			r[code] = n
			continue
		}
		one.Rows += n.Rows
		one.Lines = append(one.Lines, n.Lines[:min(len(n.Lines), firstLines-len(one.Lines))]...)
	}
}

// Sorted lists the reasons, those of most rows first.
func (r Reasons) Sorted() []Reason {
	all := make([]Reason, 0, len(r))
	for _, one := range r {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b Reason) int { return cmp.Or(b.Rows-a.Rows, cmp.Compare(a.Code, b.Code)) })
	return all
}
