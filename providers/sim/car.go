package sim

import (
	"fmt"
	"strings"
)

// Car is a car as REGNUM describes it. Everything in it is made up.
type Car struct {
	KType        int    `json:"ktype" xml:"ktype"`
	ShortName    string `json:"shortNameCar" xml:"shortNameCar"`
	ModID        int    `json:"modID" xml:"modID"`
	ManID        int    `json:"manID" xml:"manID"`
	Manuf        string `json:"manufCar" xml:"manufCar"`
	Model        string `json:"modelCar" xml:"modelCar"`
	Type         string `json:"typeCar" xml:"typeCar"`
	TypeFromYear string `json:"typeFromYearCar" xml:"typeFromYearCar"`
	TypeToYear   string `json:"typeToYearCar" xml:"typeToYearCar"`
	Body         string `json:"bodyCar" xml:"bodyCar"`
	CCM          string `json:"ccmCar" xml:"ccmCar"`
	KW           string `json:"kwCar" xml:"kwCar"`
	HP           string `json:"hpCar" xml:"hpCar"`
	Engines      string `json:"listEngines" xml:"listEngines"`
	Valves       string `json:"valvesEngine" xml:"valvesEngine"`
	Cylinders    string `json:"cylindersEngine" xml:"cylindersEngine"`
	EngineType   string `json:"typeEngine" xml:"typeEngine"`
	EngineDesc   string `json:"descEngine" xml:"descEngine"`
	BrakeSystem  string `json:"brakeSystem" xml:"brakeSystem"`
	BrakeType    string `json:"brakeType" xml:"brakeType"`
	Catalyst     string `json:"catalystSystem" xml:"catalystSystem"`
	FuelSupply   string `json:"fuelSuply" xml:"fuelSuply"`
	FuelSystem   string `json:"fuelSystem" xml:"fuelSystem"`
	Transmission string `json:"transmissionType" xml:"transmissionType"`
	Drive        string `json:"driveType" xml:"driveType"`
	Width        string `json:"widthCar" xml:"widthCar"`
	Height       string `json:"heightCar" xml:"heightCar"`
	Length       string `json:"lengthCar" xml:"lengthCar"`
	Doors        string `json:"doorsCar" xml:"doorsCar"`
	CO2          string `json:"co2RatingCar" xml:"co2RatingCar"`
	Colour       string `json:"colour" xml:"colour"`
	ColourCode   string `json:"colourCode" xml:"colourCode"`
	Tyres        string `json:"tyresCar" xml:"tyresCar"`
	FirstSeen    string `json:"dateOfFirstRegistration" xml:"dateOfFirstRegistration"`
	LastSeen     string `json:"dateOfLastRegistration" xml:"dateOfLastRegistration"`
	VIN          string `json:"vin" xml:"vin"`
}

// newCar invents the nth car that fits a plate: another variant of one make. What the service often does not know is
// empty, or 0, now and then.
func newCar(seed uint64, plate string, nth int) Car {
	one := draw(seed, "car", plate)
	h := drawAt(one, nth)
	draw := func(what string) uint64 {
		switch what {
		case "make", "vin", "colour", "first", "last":
			return draw(one, what)
		}
		return draw(h, what)
	}
	pick := func(what string, from ...string) string { return from[draw(what)%uint64(len(from))] }
	number := func(what string, low, high uint64) uint64 { return low + draw(what)%(high-low+1) }
	text := func(what string, low, high uint64) string { return fmt.Sprint(number(what, low, high)) }
	kw := number("kw", 40, 180)
	from := number("from", 1985, 2020)
	c := Car{
		KType: int(number("ktype", 1000, 149999)), ModID: int(number("model", 100, 39999)), ManID: int(number("make", 2, 4999)), //nolint:gosec // small
		Manuf: pick("make", "NORDAN", "LUMAR", "SAIMO", "VELTRA"), Model: pick("model", "PONTE (X-2)", "ALTO & RIO", "KOMBI <T4>", "FJORD"),
		Type: pick("type", "1.3", "1.5", "1.9 TD", "2.0 16V"), TypeFromYear: fmt.Sprintf("%d%02d", from, number("month", 1, 12)),
		Body: pick("body", "3/5 portes", "Break", "Coupé", "Camion plate-forme/Châssis"), CCM: text("ccm", 990, 2990),
		KW: fmt.Sprint(kw), HP: fmt.Sprint(kw * 136 / 100), Engines: pick("engines", "G15B;G4DJ", "K9K 608", ""),
		Valves: pick("valves", "8", "16"), Cylinders: pick("cylinders", "3", "4", "6"), EngineType: pick("fuel", "Essence", "Diesel"),
		EngineDesc: text("desc", 1000, 9999), BrakeSystem: "hydraulique", BrakeType: pick("brakes", "Disques / tambour", "Disque & disque"),
		Catalyst: pick("catalyst", "avec catalyseur réglé", ""), FuelSupply: "Injection dans le collecteur d'admission/Carburateur",
		FuelSystem: pick("fuel", "Essence", "Diesel"), Transmission: pick("gears", "MECANIQUE", "AUTOMATIQUE"),
		Drive: pick("drive", "Traction avant", "Propulsion arrière"), Width: text("width", 150, 190), Height: pick("height", "0", "145", "160"),
		Length: text("length", 350, 490), Doors: pick("doors", "3", "5"), CO2: text("co2", 90, 240), Colour: pick("colour", "BLANC", "GRIS FONCÉ", ""),
		Tyres: pick("tyres", "", "195/65 R15"), FirstSeen: pick("first", "", "20040412", "20160312"),
		LastSeen: fmt.Sprintf("%d1009", number("last", 2017, 2025)),
		VIN:      strings.ToUpper(fmt.Sprintf("%011x", draw("vin")>>20)) + "******",
	}
	if draw("to")%4 > 0 {
		c.TypeToYear = fmt.Sprintf("%d%02d", from+number("years", 3, 9), number("until", 1, 12))
	}
	c.ShortName = c.Manuf + " " + c.Model + " " + c.Type
	return c
}
