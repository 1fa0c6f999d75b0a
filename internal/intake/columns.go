package intake

import (
	"fmt"
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
