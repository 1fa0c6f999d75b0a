package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
)

const (
	regnumRows = 40
	regnumSeed = 2027

	// unissued are letters that Norwegian plates do without.
	unissued = "IMOQW"
	finland  = "getktypefornumplatefinland"
)

var workshops = []string{"Bergen", "Oslo, Alnabru", "Tromsø"}

// writeRegnum makes the list of some workshops: Norwegian plates and, where
// nameservice says so, Finnish ones, which do without a Q.
func writeRegnum(w io.Writer) error {
	broken := map[int]string{17: "", 29: "QW 1??88"}
	repeats := map[int]int{12: 4, 33: 4, 38: 21}
	r := rand.New(rand.NewPCG(regnumSeed, regnumSeed))
	out := csv.NewWriter(w)
	if err := out.Write([]string{"id", "regnum", "nameservice", "workshop"}); err != nil {
		return err
	}
	rows := make([][]string, regnumRows+1)
	for row := 1; row <= regnumRows; row++ {
		parts, service := []string{letter(r) + letter(r), fmt.Sprint(10000 + r.IntN(90000))}, ""
		if r.IntN(8) == 0 {
			parts, service = []string{"Q" + letter(r) + letter(r), fmt.Sprint(1 + r.IntN(999))}, finland
		}
		rows[row] = []string{fmt.Sprintf("WS-%03d", row), typed(r, parts), service, workshops[r.IntN(len(workshops))]}
		if first, ok := repeats[row]; ok {
			rows[row][1], rows[row][2] = rows[first][1], rows[first][2]
		}
		if text, ok := broken[row]; ok {
			rows[row][1] = text
		}
		if err := out.Write(rows[row]); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func letter(r *rand.Rand) string { return string(unissued[r.IntN(len(unissued))]) }
