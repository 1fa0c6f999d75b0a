package intake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// inChoice reports whether the column is one of several that a row can fill.
func inChoice(s providers.Spec, c providers.Column) bool {
	return slices.ContainsFunc(s.Choices, func(ch providers.Choice) bool {
		return slices.ContainsFunc(ch.Ways, func(w providers.Way) bool {
			return slices.Contains(w.Needs, c) || slices.Contains(w.May, c)
		})
	})
}

// canFill reports whether the list has all columns of one way at least.
func (l *layout) canFill(c providers.Choice) bool {
	return slices.ContainsFunc(c.Ways, func(w providers.Way) bool {
		return !slices.ContainsFunc(w.Needs, func(col providers.Column) bool { return !l.has(col) })
	})
}

// missingChoice says what the columns could be of which none is there.
func missingChoice(c providers.Choice, names []string) error {
	e := &InputError{Code: CodeMissingColumn, Column: c.Name}
	e.Reason = fmt.Sprintf("there is no column that names the %s (%s); %s", c.Name, ways(c), list(names))
	first := c.Ways[0].Needs[0]
	if slices.ContainsFunc(names, looksLikeData) {
		e.Hint = fmt.Sprintf("put a line with the names of the columns before it, such as %s", first)
	} else {
		e.Hint = fmt.Sprintf("name the right one with --column %s=NAME", first)
	}
	return e
}

// choiceFault says that a row names a thing in none of the ways there are.
func choiceFault(c providers.Choice) *store.Failure {
	return rowFault(c.Name+"_empty", fmt.Sprintf("the %s is missing: it is named by %s", c.Name, ways(c)))
}

// ways writes "plate, or vin, or last_name with first_name and birth".
func ways(c providers.Choice) string {
	all := make([]string, len(c.Ways))
	for i, w := range c.Ways {
		all[i] = string(w.Needs[0])
		for n, col := range w.Needs[1:] {
			all[i] += []string{" with ", " and "}[min(n, 1)] + string(col)
		}
	}
	return strings.Join(all, ", or ")
}
