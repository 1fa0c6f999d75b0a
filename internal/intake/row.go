package intake

import (
	"maps"
	"strings"

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
	wrong  []*store.Failure // of the row in hand, by field
	needs  map[providers.Column]bool
}

// field is a column of the subject and where it stands.
type field struct {
	column providers.Column
	at     int
	used   bool // the provider is sent it, so that it has to be right
	choice bool // it is one of several ways, and sent only where the row takes it
}

func newBuilder(spec providers.Spec, l *layout) *builder {
	b := &builder{spec: spec, layout: l, needs: map[providers.Column]bool{}}
	for _, c := range spec.Needs {
		b.needs[c] = true
	}
	for _, c := range providers.Columns() {
		if i, ok := l.at[c]; ok {
			b.fields = append(b.fields, field{c, i, uses(spec, c), inChoice(spec, c)})
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
		if strings.TrimSpace(cells[i]) == "" {
			cells[i] = v
		}
	}
	row := Row{Line: rec.line, NewRow: store.NewRow{Line: cells, Problem: rec.problem}}
	row.CallerID = b.callerID(cells)
	row.Subject = b.subject(cells, rec)
	asked := b.asked(&row)
	params := b.params(cells, &row.Problem)
	if row.Problem == nil {
		row.Question = store.Question{Subject: asked, Params: params}
		row.Service = b.spec.ServiceOf(asked, params)
	}
	return row
}

func (b *builder) callerID(cells []string) string {
	if i, ok := b.layout.at[CallerID]; ok {
		return strings.TrimSpace(cells[i])
	}
	return ""
}

// subject reads the subject, and in b.wrong what is wrong with each field.
func (b *builder) subject(cells []string, rec *record) providers.Subject {
	s := make(providers.Subject, len(b.fields))
	for i, f := range b.fields {
		raw := cells[f.at]
		v, wrong := value(f.column, raw)
		if odd := rec.oddAt(f.at); odd != "" && (odd != oddDate || f.column != providers.Birth) {
			wrong = fault(f.column, odd.code(), "%s", odd)
		}
		if f.choice && v == "" && isEmpty(wrong, f.column) {
			wrong, raw = nil, "" // "---" takes no way
		}
		if wrong != nil || v == "" {
			v = strings.TrimSpace(raw)
		}
		if v != "" {
			s[f.column] = v
		}
		if wrong == nil && v == "" && b.needs[f.column] {
			wrong = fault(f.column, "empty", "is missing")
		}
		b.wrong[i] = wrong
	}
	return s
}

// asked returns the part of the subject that the provider is sent; the
// subject itself where that is all of it, as rows only ever read it. The
// first thing wrong with it is the problem.
func (b *builder) asked(row *Row) providers.Subject {
	s, problem := row.Subject, &row.Problem
	asked, unfilled := s, []providers.Choice(nil)
	if len(b.spec.Choices) > 0 || !b.sendsAll(s) {
		asked, unfilled = b.spec.Asked(s)
	}
	for i, f := range b.fields {
		sent := f.used && (!f.choice || asked[f.column] != "")
		if sent && *problem == nil && b.wrong[i] != nil {
			*problem, row.Column = b.wrong[i], b.layout.names[f.at]
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
// them what the row says itself.
func (b *builder) params(cells []string, problem **store.Failure) providers.Params {
	p, own := b.layout.batch, false
	for name, i := range b.layout.params {
		v := strings.TrimSpace(cells[i])
		if v == "" {
			continue
		}
		if !own {
			p, own = maps.Clone(p), true
		}
		p[name] = v
	}
	for _, want := range b.spec.Params {
		if want.Required && p[want.Name] == "" && *problem == nil {
			*problem = fault(providers.Column(want.Name), "empty", "is missing")
		}
	}
	return p
}
