package spectrumdata

import (
	"errors"
	"strings"

	"github.com/plateq/plateq/providers"
)

// paramForce is the parameter that asks for a new report.
const paramForce = "force"

// vehicleChoice names a vehicle by what the report types there are take, in
// the order in which the document names it.
func vehicleChoice(cfg Config) providers.Choice {
	c := providers.Choice{Name: "vehicle"}
	if cfg.ReportTypeGRZ != "" {
		c.Ways = append(c.Ways, one(providers.Plate))
	}
	if cfg.ReportTypeVIN != "" {
		c.Ways = append(c.Ways, one(providers.VIN), one(providers.Body))
	}
	return c
}

// ownerChoice names the person or company, in the order in which SpectrumData
// picks one of several. A patronymic may be missing only where there is none.
func ownerChoice() providers.Choice {
	return providers.Choice{Name: "owner", Ways: []providers.Way{
		one(providers.FIOBirthHash),
		one(providers.PassportHash),
		{
			Needs: []providers.Column{providers.LastName, providers.FirstName, providers.Birth},
			May:   []providers.Column{providers.Patronymic},
		},
		one(providers.Passport),
		one(providers.INN),
	}}
}

func one(c providers.Column) providers.Way {
	return providers.Way{Needs: []providers.Column{c}}
}

// question is what a report is about.
type question struct {
	kind  string // uid of the report type
	data  subject
	force bool
}

// question writes r as SpectrumData wants it. The error is InvalidInput, and
// nothing was sent.
func (p *Provider) question(r providers.Request) (question, error) {
	s, unfilled := p.spec.Asked(r.Subject)
	if len(unfilled) > 0 {
		return question{}, p.unfit(opMake, "no_"+unfilled[0].Name, errors.New("the request does not name the "+unfilled[0].Name))
	}
	force, ok := forced(r.Params[paramForce])
	if !ok {
		return question{}, p.unfit(opMake, "bad_force", errors.New("the parameter force is neither true nor false"))
	}
	grz, ok := cyrillic(s[providers.Plate])
	if !ok {
		return question{}, p.unfit(opMake, "plate_letters", errors.New("the plate holds a letter that no Russian plate has"))
	}
	q := question{kind: p.cfg.reportType(s), force: force, data: subject{
		FIOBirthHash: s[providers.FIOBirthHash],
		PassportHash: s[providers.PassportHash],
		LastName:     s[providers.LastName],
		FirstName:    s[providers.FirstName],
		Patronymic:   s[providers.Patronymic],
		Birth:        s[providers.Birth],
		Passport:     s[providers.Passport],
		INN:          s[providers.INN],
		VIN:          s[providers.VIN],
		Body:         s[providers.Body],
		GRZ:          grz,
	}}
	return q, nil
}

// reportType is the type of the report on a subject.
func (c Config) reportType(s providers.Subject) string {
	if s[providers.Plate] != "" {
		return c.ReportTypeGRZ
	}
	return c.ReportTypeVIN
}

func forced(s string) (force, ok bool) {
	switch s {
	case "", "false":
		return false, true
	case "true":
		return true, true
	default:
		return false, false
	}
}

// letters are those of Russian plates, by the Latin ones that look the same.
var letters = map[rune]rune{
	'A': 'А', 'B': 'В', 'E': 'Е', 'K': 'К', 'M': 'М', 'H': 'Н',
	'O': 'О', 'P': 'Р', 'C': 'С', 'T': 'Т', 'Y': 'У', 'X': 'Х',
}

// cyrillic writes a canonical plate as it is written in Russia. False: it has
// a letter that is not written there.
func cyrillic(plate string) (string, bool) {
	ok := true
	s := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		c, known := letters[r]
		ok = ok && known
		return c
	}, plate)
	return s, ok
}
