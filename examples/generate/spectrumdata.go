package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
)

const (
	spectrumRows = 36
	spectrumSeed = 2028

	// russian are the letters of Russian plates.
	russian = "АВЕКМНОРСТУХ"
)

var (
	spectrumColumns = []string{
		"id", "grz", "vin", "body", "last_name", "first_name", "patronymic", "birth", "passport", "inn", "passport_hash", "branch",
	}
	lastNames  = []string{"Примеров", "Образцов", "Тестов", "Шаблонов"}
	firstNames = []string{"Иван", "Пётр", "Семён"}
	branches   = []string{"Казань", "Москва, Юг", "Пермь"}
)

// writeSpectrumdata makes the list of a lender who wants to know whether cars
// are their debtors': named by plate, VIN or body number, people by name,
// passport or its hash, companies by tax number.
func writeSpectrumdata(w io.Writer) error {
	repeats := map[int]int{11: 2, 23: 2, 31: 9}
	r := rand.New(rand.NewPCG(spectrumSeed, spectrumSeed))
	out := csv.NewWriter(w)
	if err := out.Write(spectrumColumns); err != nil {
		return err
	}
	rows := make([]map[string]string, spectrumRows+1)
	for row := 1; row <= spectrumRows; row++ {
		rows[row] = debtor(r)
		if first, ok := repeats[row]; ok {
			rows[row] = maps.Clone(rows[first])
		}
		rows[row]["id"] = fmt.Sprintf("L-%03d", row)
		spoil(row, rows[row])
		cells := make([]string, len(spectrumColumns))
		for i, name := range spectrumColumns {
			cells[i] = rows[row][name]
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// spoil makes rows as lists have them: without an owner, born on a day that
// there is not, with a VIN beside the plate, with a plate that cannot be
// written in Russia.
func spoil(row int, cells map[string]string) {
	switch row {
	case 14:
		for _, name := range spectrumColumns[4:11] {
			cells[name] = ""
		}
	case 20:
		cells["last_name"], cells["first_name"], cells["birth"] = "Тестов", "Иван", "31.02.1980"
		cells["passport"], cells["inn"], cells["passport_hash"] = "", "", ""
	case 23:
		cells["vin"] = "EXAMPL0V1N1000023"
	case 27:
		cells["grz"], cells["vin"], cells["body"] = "D111AA00", "", ""
	}
}

// debtor makes up a car and whose it may be. The region of the plate is not
// issued, nor are the numbers of passports and companies.
func debtor(r *rand.Rand) map[string]string {
	d := map[string]string{"branch": branches[r.IntN(len(branches))]}
	switch r.IntN(5) {
	case 0:
		d["vin"] = fmt.Sprintf("EXAMPL0V1N1%06d", r.IntN(1_000_000))
	case 1:
		d["body"] = fmt.Sprintf("GX000-%07d", r.IntN(10_000_000))
	default:
		d["grz"] = registered(r)
	}
	switch r.IntN(4) {
	case 0:
		d["passport"] = fmt.Sprintf("0000 %06d", r.IntN(1_000_000))
	case 1:
		d["passport_hash"] = fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	case 2:
		d["inn"] = fmt.Sprintf("00%08d", r.IntN(100_000_000))
	default:
		d["last_name"], d["first_name"] = lastNames[r.IntN(len(lastNames))], firstNames[r.IntN(len(firstNames))]
		if r.IntN(4) > 0 {
			d["patronymic"] = "Образцович"
		}
		year, month, day := 1950+r.IntN(50), 1+r.IntN(12), 1+r.IntN(28)
		d["birth"] = fmt.Sprintf("%02d.%02d.%d", day, month, year)
		if r.IntN(3) == 0 {
			d["birth"] = fmt.Sprintf("%d-%02d-%02d", year, month, day)
		}
	}
	return d
}

// registered makes up a plate of a region that there is not, in Cyrillic or,
// as people type them, in Latin.
func registered(r *rand.Rand) string {
	letters := []rune(russian)
	pick := func() string { return string(letters[r.IntN(len(letters))]) }
	parts := []string{pick(), fmt.Sprintf("%03d", 1+r.IntN(999)), pick() + pick(), "00"}
	switch r.IntN(4) {
	case 0:
		return strings.Join(parts, " ")
	case 1:
		latin := strings.NewReplacer("А", "A", "В", "B", "Е", "E", "К", "K", "М", "M", "Н", "H", "О", "O", "Р", "P", "С", "C", "Т", "T", "У", "Y", "Х", "X")
		return strings.ToLower(latin.Replace(strings.Join(parts, "")))
	default:
		return strings.Join(parts, "")
	}
}
