package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

const (
	fleetRows = 120
	seed      = 2026

	letters = "ABCDEFGHJKLMNPQRSTUVWXYZ" // I and O are not used in series
)

// States whose district numbers end far below 81.
var states = []string{"AP", "AS", "BR", "CG", "DL", "GA", "GJ", "JH", "KA", "MH", "MP", "RJ"}

var depots = []string{"Ahmedabad", "Bengaluru", "Delhi North", "Mumbai, Bhiwandi", "Nagpur"}

// broken are cells as lists really hold them where a plate should be.
var broken = map[int]string{
	33: "",
	71: "MH 84 ?? 1107",
	98: "see remarks column of sheet 2",
}

// repeats are rows that name the plate of an earlier row once more.
var repeats = map[int]int{24: 3, 57: 11, 88: 11, 110: 64}

// writeFleet makes the list of an Indian fleet: the columns of a customer's own
// export, the plates mostly as registered, some as people type them. District
// numbers and years are such as have not been issued.
func writeFleet(w io.Writer) error {
	r := rand.New(rand.NewPCG(seed, seed))
	out := csv.NewWriter(w)
	if err := out.Write([]string{"id", "plate", "depot"}); err != nil {
		return err
	}
	plates := make([][]string, fleetRows+1) // the parts of each row's plate
	for row := 1; row <= fleetRows; row++ {
		plates[row] = plate(r)
		if first, ok := repeats[row]; ok {
			plates[row] = plates[first]
		}
		cell := typed(r, plates[row])
		if text, ok := broken[row]; ok {
			cell = text
		}
		id := fmt.Sprintf("FL-%04d", row)
		if err := out.Write([]string{id, cell, depots[r.IntN(len(depots))]}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// plate makes up one plate, in the parts between which people put separators:
// state, district, series and number, or for one in eight year, BH, number
// and series.
func plate(r *rand.Rand) []string {
	number := fmt.Sprintf("%04d", 1+r.IntN(9999))
	if r.IntN(8) == 0 {
		year := fmt.Sprint(91 + r.IntN(8))
		return []string{year, "BH", number, series(r, 1+r.IntN(2))}
	}
	state := states[r.IntN(len(states))]
	district := fmt.Sprint(81 + r.IntN(18))
	return []string{state, district, series(r, 1+r.IntN(3)), number}
}

func series(r *rand.Rand, n int) string {
	var s strings.Builder
	for range n {
		s.WriteByte(letters[r.IntN(len(letters))])
	}
	return s.String()
}

// typed writes a plate as somebody may have typed it.
func typed(r *rand.Rand, parts []string) string {
	switch r.IntN(10) {
	case 0:
		return strings.Join(parts, " ")
	case 1:
		return strings.Join(parts, "-")
	case 2:
		return strings.ToLower(strings.Join(parts, ""))
	default:
		return strings.Join(parts, "")
	}
}
