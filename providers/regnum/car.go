package regnum

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/plateq/plateq/providers/internal/wirejson"
)

// carFields are the fields of a car, as the document names and orders them.
var carFields = []string{
	"ktype", "shortNameCar", "modID", "manID", "manufCar", "modelCar", "typeCar",
	"typeFromYearCar", "typeToYearCar", // YYYYMM
	"bodyCar", "ccmCar", "kwCar", "hpCar", "listEngines", "valvesEngine", "cylindersEngine",
	"typeEngine", "descEngine", "brakeSystem", "brakeType", "catalystSystem", "fuelSuply",
	"fuelSystem", "transmissionType", "driveType", "widthCar", "heightCar", "lengthCar",
	"doorsCar", "co2RatingCar", "colour", "colourCode", "tyresCar",
	"dateOfFirstRegistration", "dateOfLastRegistration", // YYYYMMDD
	"vin",
}

// numberFields are those that the document writes as numbers.
var numberFields = []string{"ktype", "modID", "manID"}

// resultNames are the fields of a result, as a Spec names them.
func resultNames() []string {
	names := make([]string, len(carFields))
	for i, f := range carFields {
		names[i] = memberCars + "." + f
	}
	return names
}

// result is {"datacar": [...]}: every car with all documented fields in the
// document's order, alike whether they came in JSON or in XML, as numbers or
// as text. A field that the service left out is null.
func (a answer) result() json.RawMessage {
	var b bytes.Buffer
	b.WriteString(`{"` + memberCars + `":[`)
	for i, car := range a.cars {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, name := range carFields {
			b.WriteByte("{,"[min(j, 1)])
			b.WriteString(`"` + name + `":`)
			b.Write(fieldValue(car, name))
		}
		b.WriteByte('}')
	}
	b.WriteString("]}")
	return b.Bytes()
}

// fieldValue writes one field: three of them as numbers where they are, the
// others as text. What is neither text nor number is kept as it came.
func fieldValue(car wirejson.Object, name string) json.RawMessage {
	text, ok := word(car, name)
	isNumber := slices.Contains(numberFields, name)
	switch {
	case len(car[name]) == 0:
		return json.RawMessage("null")
	case !ok:
		return car[name]
	case isNumber && text == "":
		return json.RawMessage("null")
	case isNumber && isWhole(text):
		return json.RawMessage(text)
	default:
		return quoted(text)
	}
}

// isWhole reports whether text is a number that reads the same in every
// language: whole, without a sign or zeros before it.
func isWhole(text string) bool {
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	return len(text) <= 15 && strings.TrimFunc(text, digit) == "" && (text == "0" || text[0] != '0')
}

// quoted writes text as a JSON string, with <, > and & as they are.
func quoted(text string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // text can always be written
	return bytes.TrimSpace(b.Bytes())
}

// isCar reports whether an entry has a field that the document names, or none
// at all.
func isCar(car wirejson.Object) bool {
	return len(car) == 0 || slices.ContainsFunc(carFields, func(name string) bool { return len(car[name]) > 0 })
}

// isBlank reports whether nothing is said of the car.
func isBlank(car wirejson.Object) bool {
	return !slices.ContainsFunc(carFields, func(name string) bool {
		text, ok := word(car, name)
		return text != "" || !ok && len(car[name]) > 0 && !wirejson.IsNull(car[name])
	})
}
