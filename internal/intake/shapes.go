package intake

import (
	"regexp"
	"slices"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// shapes are what plates of a country look like in their one form. They only
// warn: diplomats, armies, old and temporary plates have shapes of their own.
// The same plate may fit several countries, so that none is told from it.
var shapes = map[string]struct {
	name string
	fits []*regexp.Regexp
}{
	// State, district, series and number; and the BH series for all of India,
	// which began in 2021. The letters of a series are not judged: sources do
	// not agree on I and O.
	"IN": {"India", []*regexp.Regexp{
		regexp.MustCompile(`^(AN|AP|AR|AS|BR|CG|CH|DD|DL|DN|GA|GJ|HP|HR|JH|JK|KA|KL|LA|LD|MH|ML|MN|MP|MZ|NL|OD|OR|PB|PY|RJ|SK|TG|TN|TR|TS|UA|UK|UP|WB)\d{1,2}[A-Z]{0,3}\d{4}$`),
		regexp.MustCompile(`^(2[1-9]|[3-9]\d)BH\d{4}[A-HJ-NP-Z]{1,2}$`),
	}},
	// GOST R 50577: cars, trailers, motorcycles and police.
	"RU": {"Russia", []*regexp.Regexp{
		regexp.MustCompile(`^[ABEKMHOPCTYX]\d{3}[ABEKMHOPCTYX]{2}\d{2,3}$`),
		regexp.MustCompile(`^([ABEKMHOPCTYX]{2}\d{4}|\d{4}[ABEKMHOPCTYX]{2}|[ABEKMHOPCTYX]\d{4})\d{2,3}$`),
	}},
	// NOM-001-SCT-2-2016, Mexico City, and the plates of federal transport.
	"MX": {"Mexico", []*regexp.Regexp{
		regexp.MustCompile(`^([A-HJ-NPR-Z]{3}\d{3,4}|[A-HJ-NPR-Z]{3}\d{3}[A-HJ-NPR-Z]|[A-HJ-NPR-Z]{2}\d{4,5}|\d{2,3}[A-HJ-NPR-Z]{2}\d[A-HJ-NPR-Z])$`),
	}},
	// SIV since 2009, FNI before.
	"FR": {"France", []*regexp.Regexp{
		regexp.MustCompile(`^[A-HJ-NP-TV-Z]{2}\d{3}[A-HJ-NP-TV-Z]{2}$`), regexp.MustCompile(`^\d{1,4}[A-Z]{1,3}(\d{2}|2[AB]|97\d)$`),
	}},
}

// warn says what is odd about a row that will be asked about all the same. Nil where it knows plates of
// a country whose shapes are not known here.
func warn(spec providers.Spec, asked providers.Subject) *store.Failure {
	plate := asked[providers.Plate]
	if plate == "" || len(spec.Countries) == 0 {
		return nil
	}
	var names []string
	for _, country := range spec.Countries {
		shape, known := shapes[country]
		if !known || slices.ContainsFunc(shape.fits, func(re *regexp.Regexp) bool { return re.MatchString(plate) }) {
			return nil
		}
		names = append(names, shape.name)
	}
	return rowFault("plate_shape", "no usual plate of "+strings.Join(names, " or ")+" looks like this")
}
