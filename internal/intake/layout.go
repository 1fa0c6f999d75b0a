package intake

import (
	"fmt"
	"maps"
	"slices"

	"github.com/plateq/plateq/providers"
)

// layout says where in a record each thing stands.
type layout struct {
	spec   providers.Spec
	names  []string // of the record's cells and then of the constants
	at     map[providers.Column]int
	named  map[providers.Column]bool // those that the caller named
	batch  providers.Params          // parameters of the whole batch
	fills  map[int]string            // what empty cells are filled with
	consts []string                  // cells that every row gets behind its own
	given  map[string]string         // --set, whole, for the fingerprint

	// Rows that are objects say by the names of their members what these mean,
	// so that at only tells where each thing was found first.
	perRow   bool
	meanings []providers.Column          // of names
	sets     map[providers.Column]string // what a row has that does not say it
}

// newLayout finds the columns of a list among names. perRow: its rows are
// objects.
func newLayout(names []string, o Options, perRow bool) (*layout, error) {
	l := &layout{
		spec: o.Spec, names: unique(names), at: map[providers.Column]int{}, named: map[providers.Column]bool{},
		batch: providers.Params{}, fills: map[int]string{}, given: o.Set,
		perRow: perRow, meanings: make([]providers.Column, len(names)), sets: map[providers.Column]string{},
	}
	if err := l.find(names, o.Columns); err != nil {
		return nil, err
	}
	l.keepApart()
	l.set(o)
	return l, l.complete(names, o)
}

// find fills in at and meanings, by the caller's word first, then by name.
func (l *layout) find(names []string, columns map[providers.Column]string) error {
	for _, c := range slices.Sorted(maps.Keys(columns)) {
		i, err := indexOf(names, columns[c])
		if err != nil {
			return err
		}
		if !known(c) && !isParam(l.spec, string(c)) {
			return &InputError{Code: CodeUnknownSubject, Column: string(c), Reason: fmt.Sprintf("--column: there is nothing called %q", string(c)),
				Hint: "it can be " + join(providers.Columns()) + " or id"}
		}
		l.named[c], l.at[c], l.meanings[i] = true, i, c
	}
	for i, name := range names {
		c := l.meant(name)
		if c == "" || l.meanings[i] != "" {
			continue
		}
		first, twice := l.at[c]
		switch {
		case l.perRow:
		case twice && l.counts(c):
			return &InputError{Code: CodeRepeatedColumn, Column: string(c),
				Reason: fmt.Sprintf("columns %d (%s) and %d (%s) could both be the %s", first+1, shown(names[first]), i+1, shown(name), c),
				Hint:   fmt.Sprintf("say which one with --column %s=NAME, or rename the other", c)}
		case twice:
			continue
		}
		l.meanings[i] = c
		if !twice {
			l.at[c] = i
		}
	}
	return nil
}

// meant returns what a name means that the caller did not name, "" for the
// caller's own.
func (l *layout) meant(name string) providers.Column {
	if c := meant(l.spec, name); !l.named[c] {
		return c
	}
	return ""
}

// means returns what a member means, by its place among the names, or by its
// name where it has none.
func (l *layout) means(at int, name string) providers.Column {
	if at >= 0 {
		return l.meanings[at]
	}
	return l.meant(name)
}

// counts reports whether something depends on the column.
func (l *layout) counts(c providers.Column) bool { return c == CallerID || uses(l.spec, c) }

// keepApart gives a column of the caller's own another name where it is called
// like one that rows come out with: what comes out is what was found, in
// another column.
func (l *layout) keepApart() {
	for _, c := range []providers.Column{CallerID, providers.Plate, providers.VIN} {
		i := slices.Index(l.names, string(c))
		if i < 0 || l.meanings[i] == c {
			continue
		}
		name := l.names[i]
		for slices.Contains(l.names, name) {
			name = "input." + name
		}
		l.names[i] = name
	}
}

// set gives every row what the caller set: parameters of the provider to the
// batch, anything else to a column, where what a row says itself wins.
func (l *layout) set(o Options) {
	for _, p := range o.Spec.Params {
		if p.Default != "" {
			l.batch[p.Name] = p.Default
		}
	}
	for _, k := range slices.Sorted(maps.Keys(o.Set)) {
		v := o.Set[k]
		if isParam(o.Spec, k) {
			l.batch[k] = v
			continue
		}
		c := columnNamed(k)
		i, there := l.at[c]
		if c == "" {
			i = slices.Index(l.names, k)
			there = i >= 0
		} else {
			l.sets[c] = v
		}
		if there {
			l.fills[i] = v
			continue
		}
		if c != "" {
			l.at[c] = len(l.names)
		}
		l.names = append(l.names, k)
		l.consts = append(l.consts, v)
	}
}

// complete says what a provider needs and nobody gives.
func (l *layout) complete(names []string, o Options) error {
	if !o.Items {
		if err := l.completeColumns(names); err != nil {
			return err
		}
	}
	for _, p := range l.spec.Params {
		if p.Required && l.batch[p.Name] == "" && !l.has(providers.Column(p.Name)) {
			return &InputError{Code: CodeMissingParam, Column: p.Name, Reason: fmt.Sprintf("%s needs the parameter %s", l.spec.Name, p.Name),
				Hint: fmt.Sprintf("pass --set %s=VALUE or add a column of that name", p.Name)}
		}
	}
	return nil
}

func (l *layout) completeColumns(names []string) error {
	s := l.spec
	needs := slices.Clone(s.Needs)
	if len(needs)+len(s.Choices) == 0 && !slices.ContainsFunc(s.Uses, l.has) && len(s.Uses) > 0 {
		needs = s.Uses[:1]
	}
	for _, c := range needs {
		if !l.has(c) {
			return missingColumn(c, names)
		}
	}
	for _, c := range s.Choices {
		if !l.canFill(c) {
			return missingChoice(c, names)
		}
	}
	return nil
}

func (l *layout) has(c providers.Column) bool {
	_, ok := l.at[c]
	return ok
}
