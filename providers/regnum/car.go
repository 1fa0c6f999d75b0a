package regnum

import (
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
	const usual = 1 << 10 // bytes, of which the names of one car take half
	b := append(make([]byte, 0, usual), `{"`+memberCars+`":[`...)
	for i, car := range a.cars {
		if i > 0 {
			b = append(b, ',')
		}
		for j, name := range carFields {
			b = append(b, "{,"[min(j, 1)], '"')
			b = append(append(b, name...), `":`...)
			b = appendField(b, car.Get(name), slices.Contains(numberFields, name))
		}
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// appendField writes one field: three of them as numbers where they are, the
// others as text. What is neither text nor number is kept as it came.
func appendField(b []byte, value json.RawMessage, isNumber bool) []byte {
	text, ok := trimmed(value)
	switch {
	case len(value) == 0, ok && isNumber && text == "":
		return append(b, "null"...)
	case !ok:
		return append(b, value...)
	case isNumber && isWhole(text):
		return append(b, text...)
	default:
		return wirejson.AppendText(b, text)
	}
}

// isWhole reports whether text is a number that reads the same in every
// language: whole, without a sign or zeros before it.
func isWhole(text string) bool {
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	return len(text) <= 15 && strings.TrimFunc(text, digit) == "" && (text == "0" || text[0] != '0')
}

// isCar reports whether an entry has a field that the document names, or none
// at all.
func isCar(car wirejson.Object) bool {
	return len(car) == 0 || slices.ContainsFunc(carFields, car.Has)
}

// isBlank reports whether nothing is said of the car.
func isBlank(car wirejson.Object) bool {
	return !slices.ContainsFunc(carFields, func(name string) bool {
		value := car.Get(name)
		text, ok := trimmed(value)
		return text != "" || !ok && len(value) > 0 && !wirejson.IsNull(value)
	})
}
