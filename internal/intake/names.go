package intake

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/plateq/plateq/providers"
)

// otherNames are further names under which columns are found: what lists in
// English, Hindi, French, Spanish and Russian call them. Names that could mean
// two things ("number", "name", "номер") are not among them.
var otherNames = map[providers.Column][]string{
	providers.Plate: {
		"reg", "regnum", "grz", "canumber", "registration", "vehicle_number",
		"license plate", "licence plate", "number plate", "plate number", "plate no", "reg no", "reg number", "registration no",
		"registration number", "vehicle no", "vehicle reg no", "vehicle registration", "vehicle registration number", "regn no", "vrn", "rc number", "rc no",
		"gaadi number", "gadi number", "gadi no", "vahan number", "गाड़ी नंबर", "वाहन संख्या", "वाहन नंबर",
		"immatriculation", "plaque", "plaque d'immatriculation", "numéro d'immatriculation", "n° d'immatriculation", "n° immatriculation",
		"placa", "placas", "matrícula", "patente", "número de placa", "número de placas", "no. de placa", "número de matrícula",
		"госномер", "гос. номер", "гос номер", "грз", "регистрационный знак", "гос. рег. знак", "государственный номер",
		"государственный регистрационный знак", "номер авто", "номер автомобиля", "номерной знак", "рег. знак", "регистрационный номер",
	},
	providers.VIN: {
		"vin code", "vin number", "vin no", "chassis", "chassis no", "chassis number", "niv", "numéro vin", "n° vin", "numéro de châssis", "n° de châssis",
		"número de chasis", "chasis", "número de serie", "вин", "vin код", "вин код", "vin номер", "идентификационный номер",
	},
	providers.Body:       {"body no", "body number", "frame no", "frame number", "кузов", "номер кузова", "№ кузова"},
	providers.LastName:   {"surname", "family name", "nom", "nom de famille", "apellido", "apellidos", "фамилия"},
	providers.FirstName:  {"given name", "forename", "prénom", "nombre", "nombres", "имя"},
	providers.Patronymic: {"отчество"},
	providers.Birth:      {"date of birth", "birth date", "birthday", "dob", "date de naissance", "né le", "fecha de nacimiento", "дата рождения"},
	providers.Passport:   {"паспорт", "серия и номер паспорта", "паспортные данные"},
	providers.INN:        {"инн"},
}

// named finds a column by each of its plain names.
var named = plainNames()

func plainNames() map[string]providers.Column {
	m := map[string]providers.Column{plainName(string(CallerID)): CallerID}
	for _, c := range providers.Columns() {
		m[plainName(string(c))] = c
	}
	for c, names := range otherNames {
		for _, n := range names {
			m[plainName(n)] = c
		}
	}
	return m
}

// Personal reports whether a column of that name, as lists write it, says
// something of a vehicle or a person. What the caller's own columns say nobody
// knows.
func Personal(name string) bool {
	c := columnNamed(name)
	return c != "" && c != CallerID && c != providers.OperatorParam
}

// plainName leaves of a name what does not depend on how it was typed: letters
// without their accents in lower case, and digits.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mc, r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKD.String(name))
}
