package main

import (
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestListsInTheTreeAreThoseWritten(t *testing.T) {
	t.Parallel()
	for file, write := range lists {
		want, err := os.ReadFile("../" + file)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs from what is generated: run go generate ./examples", file)
		}
	}
}

// The README of the examples and those who try the product rely on these figures.
func TestFleetHoldsWhatItIsSaidToHold(t *testing.T) {
	t.Parallel()
	var list bytes.Buffer
	if err := writeFleet(&list); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&list).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(records[0], ","); got != "id,plate,depot" {
		t.Errorf("header %q", got)
	}
	state := regexp.MustCompile(`^[A-Z]{2}\d{1,2}[A-Z]{0,3}\d{4}$`)
	bharat := regexp.MustCompile(`^\d{2}BH\d{4}[A-HJ-NP-Z]{1,2}$`)
	distinct := map[string]bool{}
	var bad, bh, retyped int
	for _, record := range records[1:] {
		cell := record[1]
		plate := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(cell))
		switch {
		case bharat.MatchString(plate):
			bh++
		case !state.MatchString(plate):
			bad++
			continue
		}
		distinct[plate] = true
		if plate != cell {
			retyped++
		}
	}
	if len(records)-1 != 120 || bad != 3 || len(distinct) != 113 {
		t.Errorf("%d rows, %d of them invalid, %d different plates; want 120, 3, 113", len(records)-1, bad, len(distinct))
	}
	if bh < 5 || retyped < 15 {
		t.Errorf("%d plates of the BH series, %d not written as registered: too few to show anything", bh, retyped)
	}
}

func TestRegnumHoldsWhatItIsSaidToHold(t *testing.T) {
	t.Parallel()
	var list bytes.Buffer
	if err := writeRegnum(&list); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&list).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^[IMOQW]{2,3}\d{1,5}$`)
	distinct := map[string]bool{}
	var bad, elsewhere int
	for _, record := range records[1:] {
		plate := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(record[1]))
		if !form.MatchString(plate) {
			bad++
			continue
		}
		distinct[plate] = true
		if record[2] != "" {
			elsewhere++
		}
	}
	if len(records)-1 != 40 || bad != 2 || len(distinct) != 35 || elsewhere < 3 {
		t.Errorf("%d rows, %d of them invalid, %d different plates, %d of another country; want 40, 2, 35, some", len(records)-1, bad, len(distinct), elsewhere)
	}
}

func TestSpectrumdataHoldsWhatItIsSaidToHold(t *testing.T) {
	t.Parallel()
	var list bytes.Buffer
	if err := writeSpectrumdata(&list); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&list).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	questions := map[string]bool{}
	ways, cars := map[string]int{}, map[string]int{}
	nobody, february, cyrillic := 0, 0, 0
	for _, record := range records[1:] {
		cells := map[string]string{}
		for i, name := range records[0] {
			cells[name] = record[i]
		}
		car, owner := cells["grz"]+cells["vin"]+cells["body"], ""
		if cells["grz"] != "" {
			car = cells["grz"]
		}
		for _, name := range []string{"passport_hash", "last_name", "passport", "inn"} {
			if owner == "" && cells[name] != "" {
				owner = strings.Join(record[4:11], ",")
				ways[name]++
			}
		}
		for _, name := range []string{"grz", "vin", "body"} {
			if cells[name] != "" {
				cars[name]++
			}
		}
		if regexp.MustCompile(`^[А-Я]`).MatchString(cells["grz"]) {
			cyrillic++
		}
		switch {
		case owner == "":
			nobody++
		case strings.HasPrefix(cells["birth"], "31.02."):
			february++
		default:
			questions[car+" "+owner] = true
		}
	}
	if len(records)-1 != 36 || nobody != 1 || february != 1 || len(questions) != 31 {
		t.Errorf("%d rows, %d without an owner, %d born on no day, %d questions; want 36, 1, 1, 31", len(records)-1, nobody, february, len(questions))
	}
	if len(ways) != 4 || len(cars) != 3 || cyrillic < 5 || cars["grz"]-cyrillic < 3 {
		t.Errorf("owners %v, cars %v, %d plates in Cyrillic: too few of a kind to show anything", ways, cars, cyrillic)
	}
}

func TestResserHoldsWhatItIsSaidToHold(t *testing.T) {
	t.Parallel()
	records := generated(t, writeResser)
	vin, plate := regexp.MustCompile(`^[0-9A-HJ-NPR-Z]{17}$`), regexp.MustCompile(`^([IOQ]{3}\d{4}|\d{2}[IOQ]{2}\d[IOQ])$`)
	vehicles, vins := map[string]bool{}, map[string]map[string]bool{}
	bad, refused := 0, 0
	for _, record := range records {
		p := plainPlate(record[2])
		if !vin.MatchString(record[1]) || !plate.MatchString(p) {
			bad++
			continue
		}
		if strings.Trim(record[1], record[1][:1]) == "" {
			refused++
		} else if record[1][0] != '0' {
			t.Errorf("%s: VIN %s could be somebody's", record[0], record[1])
		}
		vehicles[record[1]+p] = true
		if vins[p] == nil {
			vins[p] = map[string]bool{}
		}
		vins[p][record[1]] = true
	}
	shared := 0
	for _, v := range vins {
		if len(v) > 1 {
			shared++
		}
	}
	if len(records) != 36 || bad != 2 || refused != 1 || len(vehicles) != 32 || shared != 1 {
		t.Errorf("%d rows, %d of them invalid, %d to be refused, %d vehicles, %d plates on two; want 36, 2, 1, 32, 1",
			len(records), bad, refused, len(vehicles), shared)
	}
}

func TestAOPayHoldsWhatItIsSaidToHold(t *testing.T) {
	t.Parallel()
	records := generated(t, writeAOPay)
	questions, operators, bad, words := map[string]bool{}, map[string]int{}, 0, 0
	for _, record := range records {
		p := plainPlate(record[1])
		switch {
		case strings.ContainsRune(p, '?'):
			bad++
			continue
		case strings.ContainsRune(record[2], ' '):
			words++
		}
		questions[p+" "+record[2]] = true
		operators[record[2]]++
	}
	if len(records) != 30 || bad != 1 || words != 1 || len(questions) != 27 || len(operators) < 4 {
		t.Errorf("%d rows, %d of them invalid, %d with an operator in words, %d questions, operators %v; want 30, 1, 1, 27, some",
			len(records), bad, words, len(questions), operators)
	}
}

// generated returns the records of a list without its header.
func generated(t *testing.T, write func(io.Writer) error) [][]string {
	t.Helper()
	var list bytes.Buffer
	if err := write(&list); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&list).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records[1:]
}

func plainPlate(cell string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(cell))
}
