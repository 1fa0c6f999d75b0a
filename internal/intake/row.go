package intake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Row is a row of a list, ready for the store.
type Row struct {
	// Line is where the row begins in the list, from 1. It differs from the
	// number of the row by header, blank lines and rows over several lines.
	Line int
	// Column is the list's own name of the column that a Problem is about;
	// empty: it is about the row.
	Column string
	store.NewRow
}

// builder makes rows of records.
type builder struct {
	spec   providers.Spec
	layout *layout
	fields []field
	wrong  []*store.Failure   // of the row in hand, by field
	hidden []providers.Column // of the row in hand: there is a value that nobody knows
}

// field is a column of the subject.
type field struct {
	column providers.Column
	needed bool // no row is without it
	used   bool // the provider is sent it, so that it has to be right
	choice bool // it is one of several ways, and sent only where the row takes it
}

func newBuilder(spec providers.Spec, l *layout) *builder {
	b := &builder{spec: spec, layout: l}
	for _, c := range providers.Columns() {
		if l.perRow || l.has(c) {
			b.fields = append(b.fields, field{c, slices.Contains(spec.Needs, c), uses(spec, c), inChoice(spec, c)})
		}
	}
	b.wrong = make([]*store.Failure, len(b.fields))
	return b
}

// build makes a row of rec. The subject of an invalid row holds what was not
// fit to be asked as it was given, for people to recognise it.
func (b *builder) build(rec *record) Row {
	cells := append(rec.cells, b.layout.consts...)
	for i, v := range b.layout.fills {
		if strings.TrimSpace(cells[i]) == "" && !b.says(rec, i) && rec.oddAt(i) != oddFormula {
			cells[i] = v
		}
	}
	row := Row{Line: rec.line, NewRow: store.NewRow{Line: cells, Problem: rec.problem}}
	if row.Problem == nil {
		row.Problem = b.doubt(rec)
	}
	id, _ := b.cell(rec, cells, CallerID)
	row.CallerID = strings.TrimSpace(id)
	row.Subject = b.subject(cells, rec)
	asked := b.asked(&row, rec)
	params := b.params(cells, rec, &row)
	if row.Problem == nil {
		row.Question = store.Question{Subject: asked, Params: params}
		row.Service = b.spec.ServiceOf(asked, params)
	}
	return row
}

// says reports whether an object says by another member what a cell is for.
func (b *builder) says(rec *record, at int) bool {
	return at < len(b.layout.meanings) && slices.ContainsFunc(rec.said, func(s said) bool { return s.column == b.layout.meanings[at] })
}

// doubt returns what an object says twice of what counts, and not the same.
func (b *builder) doubt(rec *record) *store.Failure {
	for i, s := range rec.said {
		for _, first := range rec.said[:i] {
			if first.column == s.column && first.text != s.text && b.layout.counts(s.column) {
				return fault(s.column, "repeated", "could be %s and %s: say which one with --column %s=NAME, or rename the other",
					shown(first.name), shown(s.name), s.column)
			}
		}
	}
	return nil
}

// cell returns what a row holds of a thing, and what is odd about it.
func (b *builder) cell(rec *record, cells []string, c providers.Column) (text string, odd oddity) {
	if b.layout.perRow {
		for i := range rec.said {
			if s := &rec.said[i]; s.column == c {
				return s.text, s.odd
			}
		}
		if len(b.layout.sets) > 0 {
			text = b.layout.sets[c]
		}
		return text, ""
	}
	if i, ok := b.layout.at[c]; ok {
		return cells[i], rec.oddAt(i)
	}
	return "", ""
}

// name returns the list's own name of what a row says of a thing, or could have.
func (b *builder) name(rec *record, c providers.Column) string {
	for _, s := range rec.said {
		if s.column == c {
			return s.name
		}
	}
	if i, ok := b.layout.at[c]; ok {
		return b.layout.names[i]
	}
	return string(c)
}

// subject reads the subject, and in b.wrong what is wrong with each field.
func (b *builder) subject(cells []string, rec *record) providers.Subject {
	n := len(b.fields)
	if b.layout.perRow {
		n = len(rec.said)
	}
	s := make(providers.Subject, n)
	b.hidden = b.hidden[:0]
	for i, f := range b.fields {
		raw, odd := b.cell(rec, cells, f.column)
		v, wrong := value(f.column, raw)
		if f.choice && v == "" && isEmpty(wrong, f.column) {
			wrong, raw = nil, "" // "---" takes no way
		}
		if odd != "" && (odd != oddDate || f.column != providers.Birth) {
			wrong = fault(f.column, odd.code(), "%s", odd)
			if odd == oddFormula {
				b.hidden = append(b.hidden, f.column)
			}
		}
		if wrong != nil || v == "" {
			v = strings.TrimSpace(raw)
		}
		if v != "" {
			s[f.column] = v
		}
		if wrong == nil && v == "" && f.needed {
			wrong = fault(f.column, "empty", "is missing")
		}
		b.wrong[i] = wrong
	}
	return s
}

// asked returns the part of the subject that the provider is sent; the
// subject itself where that is all of it, as rows only ever read it. The
// first thing wrong with it is the problem.
func (b *builder) asked(row *Row, rec *record) providers.Subject {
	s, problem := row.Subject, &row.Problem
	asked, unfilled := s, []providers.Choice(nil)
	if len(b.spec.Choices) > 0 || !b.sendsAll(s) {
		asked, unfilled = b.spec.Asked(b.filled(s))
	}
	for i, f := range b.fields {
		sent := f.used && (!f.choice || asked[f.column] != "")
		if sent && *problem == nil && b.wrong[i] != nil {
			*problem, row.Column = b.wrong[i], b.name(rec, f.column)
		}
	}
	switch {
	case *problem != nil:
	case len(unfilled) > 0:
		*problem = choiceFault(unfilled[0])
	case len(asked) == 0:
		*problem = rowFault("subject_empty", "the row holds nothing that could be asked about")
	}
	return asked
}

// filled is s with something in place of each value that nobody knows, so that
// the row takes the way that it was meant to take. Such a column is wrong: if it
// takes part in that way the row is not asked.
func (b *builder) filled(s providers.Subject) providers.Subject {
	if len(b.hidden) == 0 {
		return s
	}
	s = maps.Clone(s)
	for _, c := range b.hidden {
		s[c] = string(oddFormula)
	}
	return s
}

// sendsAll reports whether the provider is sent all columns of s.
func (b *builder) sendsAll(s providers.Subject) bool {
	n := 0
	for _, c := range b.spec.Uses {
		if s[c] != "" {
			n++
		}
	}
	return n == len(s)
}

// value writes what stands in a column in its one form. Nothing is in order.
func value(c providers.Column, raw string) (string, *store.Failure) {
	if raw == "" {
		return "", nil
	}
	switch form, plain := forms[c]; {
	case plain && strings.TrimSpace(raw) == "":
		return "", nil
	case plain:
		return form.canonical(raw)
	case c == providers.Birth:
		return birth(raw)
	case c == providers.FIOBirthHash, c == providers.PassportHash:
		return digest(c, raw)
	default:
		return text(c, raw)
	}
}

var forms = map[providers.Column]identifier{
	providers.Plate: plateForm, providers.VIN: vinForm, providers.Body: bodyForm,
	providers.Passport: passportForm, providers.INN: innForm,
}

// params returns the parameters of the question: those of the batch, and over
// them what the row says itself. The first thing wrong with these is the
// problem, where there is none before.
func (b *builder) params(cells []string, rec *record, row *Row) providers.Params {
	p, own := b.layout.batch, false
	for _, want := range b.spec.Params {
		c := providers.Column(want.Name)
		v, odd := b.cell(rec, cells, c)
		v = strings.TrimSpace(v)
		var wrong *store.Failure
		switch {
		case odd == oddFormula:
			wrong = fault(c, odd.code(), "%s", odd)
		case unfit(v) != "":
			wrong = fault(c, "characters", "%s", unfit(v))
		case v != "":
			if !own {
				p, own = maps.Clone(p), true
			}
			p[want.Name] = v
		case want.Required && p[want.Name] == "":
			wrong = fault(c, "empty", "is missing")
		}
		if wrong != nil && row.Problem == nil {
			row.Problem, row.Column = wrong, b.name(rec, c)
		}
	}
	return p
}

// fitParams says which parameter of the whole list could not be sent as it was
// meant. A row cannot be blamed for it.
func (l *layout) fitParams() error {
	for _, name := range slices.Sorted(maps.Keys(l.batch)) {
		if wrong := unfit(l.batch[name]); wrong != "" {
			return &InputError{Code: CodeMalformedOption, Column: name, Reason: fmt.Sprintf("the parameter %s %s", name, wrong),
				Hint: fmt.Sprintf("correct --set %s=VALUE", name)}
		}
	}
	return nil
}

// unfit says why a value cannot be a parameter; "": it can. Providers are sent
// it as it is, some in a URL.
func unfit(v string) string {
	switch {
	case !utf8.ValidString(v):
		return "is no UTF-8"
	case strings.ContainsFunc(v, unicode.IsControl):
		return "holds a control character"
	}
	return ""
}
