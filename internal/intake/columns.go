package intake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/plateq/plateq/providers"
)

// CallerID is the column of the caller's own reference of a row.
const CallerID providers.Column = "id"

// columnNamed returns the column that a name in a list means, "" for the
// caller's own. Case, spaces and punctuation make no difference.
func columnNamed(name string) providers.Column { return named[plainName(name)] }

// meant is columnNamed with the provider's own parameters beside the columns.
func meant(s providers.Spec, name string) providers.Column {
	if c := columnNamed(name); c != "" {
		return c
	}
	plain := plainName(name)
	for _, p := range s.Params {
		if plain == plainName(p.Name) {
			return providers.Column(p.Name)
		}
	}
	return ""
}

// ParseColumns reads values of --column: "NAME" says which column holds the
// plates, "COLUMN=NAME" which one holds something else. The error is an
// *InputError.
func ParseColumns(args []string) (map[providers.Column]string, error) {
	m := make(map[providers.Column]string, len(args))
	for _, arg := range args {
		what, name, ok := strings.Cut(arg, "=")
		if !ok {
			what, name = string(providers.Plate), arg
		}
		if what == "" || name == "" {
			return nil, &InputError{Code: CodeMalformedOption, Reason: fmt.Sprintf("--column %q names no column", arg),
				Hint: "write --column NAME or --column vin=NAME"}
		}
		c := providers.Column(strings.ToLower(what))
		if _, twice := m[c]; twice {
			return nil, &InputError{Code: CodeRepeatedColumn, Column: what, Reason: fmt.Sprintf("--column names the %s twice", what)}
		}
		m[c] = name
	}
	return m, nil
}

// ParseSet reads values of --set, "KEY=VALUE". The error is an *InputError.
func ParseSet(args []string) (map[string]string, error) {
	m := make(map[string]string, len(args))
	for _, arg := range args {
		k, v, ok := strings.Cut(arg, "=")
		if _, twice := m[k]; !ok || k == "" || twice {
			return nil, &InputError{Code: CodeMalformedOption, Reason: "--set is not KEY=VALUE, each key once",
				Hint: "write for instance --set operator=311"}
		}
		m[k] = v
	}
	return m, nil
}

// layout says where in a record each thing stands.
type layout struct {
	names  []string // of the record's cells and then of the constants
	at     map[providers.Column]int
	params map[string]int    // cells that are parameters of the provider
	batch  providers.Params  // parameters of the whole batch
	fills  map[int]string    // what empty cells are filled with
	consts []string          // cells that every row gets behind its own
	given  map[string]string // --set, whole, for the fingerprint
}

// newLayout finds the columns of a list among names.
func newLayout(names []string, o Options) (*layout, error) {
	l := &layout{
		names: unique(names), at: map[providers.Column]int{}, params: map[string]int{},
		batch: providers.Params{}, fills: map[int]string{}, given: o.Set,
	}
	if err := l.find(names, o); err != nil {
		return nil, err
	}
	l.set(o)
	return l, l.complete(names, o.Spec)
}

// find fills in at and params, by the caller's word first, then by name.
func (l *layout) find(names []string, o Options) error {
	named := make(map[providers.Column]bool, len(o.Columns))
	for _, c := range slices.Sorted(maps.Keys(o.Columns)) {
		i, err := indexOf(names, o.Columns[c])
		if err != nil {
			return err
		}
		if !known(c) && !isParam(o.Spec, string(c)) {
			return &InputError{Code: CodeUnknownSubject, Column: string(c), Reason: fmt.Sprintf("--column: there is nothing called %q", string(c)),
				Hint: "it can be " + join(providers.Columns()) + " or id"}
		}
		named[c], l.at[c] = true, i
	}
	for i, name := range names {
		c := meant(o.Spec, name)
		if c == "" || named[c] || slices.Contains(slices.Collect(maps.Values(l.at)), i) {
			continue
		}
		first, twice := l.at[c]
		if twice && (c == CallerID || uses(o.Spec, c)) {
			return &InputError{Code: CodeRepeatedColumn, Column: string(c),
				Reason: fmt.Sprintf("columns %d (%s) and %d (%s) could both be the %s", first+1, shown(names[first]), i+1, shown(name), c),
				Hint:   fmt.Sprintf("say which one with --column %s=NAME, or rename the other", c)}
		}
		if !twice {
			l.at[c] = i
		}
	}
	for c, i := range l.at {
		if isParam(o.Spec, string(c)) {
			l.params[string(c)] = i
		}
	}
	return nil
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
func (l *layout) complete(names []string, s providers.Spec) error {
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
	for _, p := range s.Params {
		_, inRow := l.params[p.Name]
		if p.Required && l.batch[p.Name] == "" && !inRow {
			return &InputError{Code: CodeMissingParam, Column: p.Name, Reason: fmt.Sprintf("%s needs the parameter %s", s.Name, p.Name),
				Hint: fmt.Sprintf("pass --set %s=VALUE or add a column of that name", p.Name)}
		}
	}
	return nil
}

func (l *layout) has(c providers.Column) bool {
	_, ok := l.at[c]
	return ok
}

func missingColumn(c providers.Column, names []string) error {
	e := &InputError{Code: CodeMissingColumn, Column: string(c)}
	e.Reason = fmt.Sprintf("there is no column %s; %s", c, list(names))
	switch {
	case slices.ContainsFunc(names, looksLikeData):
		e.Hint = fmt.Sprintf("put a line with the names of the columns before it, such as %s", c)
	case c == providers.Plate:
		e.Hint = "name the right one with --column NAME"
	default:
		e.Hint = fmt.Sprintf("name the right one with --column %s=NAME", c)
	}
	return e
}

// looksLikeData tells a value from the name of a column, so that no error
// shows a plate where a list has no header.
func looksLikeData(name string) bool {
	digits := 0
	for _, r := range name {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits > 1
}

func indexOf(names []string, name string) (int, error) {
	for _, same := range []func(string) bool{
		func(n string) bool { return strings.TrimSpace(n) == strings.TrimSpace(name) },
		func(n string) bool { return plainName(n) == plainName(name) && plainName(n) != "" },
	} {
		i := slices.IndexFunc(names, same)
		if i < 0 {
			continue
		}
		if j := slices.IndexFunc(names[i+1:], same); j >= 0 {
			return 0, &InputError{Code: CodeRepeatedColumn, Column: name,
				Reason: fmt.Sprintf("columns %d and %d are both called %s", i+1, i+j+2, shown(name)), Hint: "rename one of them"}
		}
		return i, nil
	}
	return 0, &InputError{Code: CodeUnknownColumn, Column: name,
		Reason: fmt.Sprintf("there is no column %s; %s", shown(name), list(names)), Hint: "correct --column"}
}

func known(c providers.Column) bool {
	return c == CallerID || slices.Contains(providers.Columns(), c)
}

func uses(s providers.Spec, c providers.Column) bool {
	return slices.Contains(s.Uses, c) || isParam(s, string(c))
}

func isParam(s providers.Spec, name string) bool {
	return slices.ContainsFunc(s.Params, func(p providers.Param) bool { return p.Name == name })
}

// unique gives every column a name of its own: "note" and "note_2", and
// "column_3" to one without.
func unique(names []string) []string {
	taken := make(map[string]bool, len(names))
	out := make([]string, len(names))
	for i, name := range names {
		name = strings.TrimSpace(name)
		if name == "" {
			name = fmt.Sprintf("column_%d", i+1)
		}
		free := name
		for n := 2; taken[free]; n++ {
			free = fmt.Sprintf("%s_%d", name, n)
		}
		taken[free] = true
		out[i] = free
	}
	return out
}

// shown writes a column name for a line of text.
func shown(name string) string {
	const limit = 40
	r := []rune(strings.TrimSpace(name))
	if len(r) > limit {
		r = append(r[:limit], '…')
	}
	return fmt.Sprintf("%q", string(r))
}

// list says which columns there are.
func list(names []string) string {
	const limit = 20
	if slices.ContainsFunc(names, looksLikeData) {
		return "the first line looks like a row"
	}
	parts := make([]string, 0, limit)
	for _, n := range names[:min(len(names), limit)] {
		parts = append(parts, shown(n))
	}
	if len(names) > limit {
		return fmt.Sprintf("there are %s and %d more", strings.Join(parts, ", "), len(names)-limit)
	}
	return "there is " + strings.Join(parts, ", ")
}

func join(cols []providers.Column) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = string(c)
	}
	return strings.Join(parts, ", ")
}
