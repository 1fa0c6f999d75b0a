package spectrumdata

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/plateq/plateq/providers"
)

// disowned gives back the requests of a ticket that a person named and that is
// not theirs, as far as that can be told: a report answers one request, and it
// may say what it is about. Nobody is told what that is.
func (p *Provider) disowned(t providers.Ticket, found []report, open []providers.Request) (got providers.Progress, ok bool) {
	r, there := ours(t.ID, found)
	if !t.Named || !there || len(open) == 0 {
		return got, false
	}
	q, err := p.question(open[0])
	if len(open) == 1 && (err != nil || !r.another(q.data)) {
		return got, false
	}
	return providers.Progress{
		Ticket:  providers.Ticket{ID: t.ID, Number: t.Number},
		Notices: []providers.Notice{{Kind: "foreign_subject", Count: 1}},
		Outcomes: toAll(open, providers.Outcome{Err: &providers.Error{Provider: Name, Op: opReport, Class: providers.Missing,
			Code: "foreign_subject", Err: errors.New("the report that was named is about something else")}}),
	}, true
}

// another reports whether a report says that it is about another vehicle or
// person. The document of this report shows none that says it; reports of other
// types do in query, as its type and body or as the data that were sent:
// https://github.com/avtocod/b2b-api-php/tree/master/tests/stubs. What is not
// there, masked or in a form that is not known tells nothing.
func (r report) another(sent subject) bool {
	query, ok := inner(r.fields, "query")
	if !ok {
		return false
	}
	said, ok := inner(query, "data")
	if !ok {
		said = nil
	}
	for name, want := range sent.fields() {
		if want == "" {
			continue
		}
		if text, _ := said.Text(name); differs(name, text, want) {
			return true
		}
		if kind, _ := query.Text("type"); strings.EqualFold(kind, name) {
			if text, _ := query.Text("body"); differs(name, text, want) {
				return true
			}
		}
	}
	return false
}

// fields are the data of a subject by their names.
func (s subject) fields() map[string]string {
	return map[string]string{
		"fio_birth_hash": s.FIOBirthHash, "passport_hash": s.PassportHash, "last_name": s.LastName, "first_name": s.FirstName,
		"patronymic": s.Patronymic, "birth": s.Birth, "passport": s.Passport, "inn": s.INN, "vin": s.VIN, "body": s.Body, "grz": s.GRZ,
	}
}

// differs reports whether two values of a field are surely two.
func differs(name, said, sent string) bool {
	if strings.Contains(said, "*") {
		return false
	}
	if _, err := time.Parse("02.01.2006", said); name == "birth" && err != nil {
		return false
	}
	said = plain(said)
	return said != "" && said != plain(sent)
}

// plain is a value as it can be compared: in upper case, letters and digits
// alone, those of Russian plates in Cyrillic.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		r = unicode.ToUpper(r)
		if c, known := letters[r]; known {
			return c
		}
		switch {
		case r == 'Ё':
			return 'Е'
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return r
		}
		return -1
	}, s)
}
