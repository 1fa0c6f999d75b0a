package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
)

const (
	aopayRows = 30
	aopaySeed = 2030
)

// writeAOPay makes the list of a lorry operator in India: plates and, where
// the FASTag is of another bank than most, that bank's number.
func writeAOPay(w io.Writer) error {
	again := map[int]int{9: 2, 26: 19}
	r := rand.New(rand.NewPCG(aopaySeed, aopaySeed))
	out := csv.NewWriter(w)
	if err := out.Write([]string{"id", "vehicle_number", "operator", "depot"}); err != nil {
		return err
	}
	rows := make([][]string, aopayRows+1)
	for row := 1; row <= aopayRows; row++ {
		bank := ""
		if r.IntN(6) == 0 {
			bank = "312"
		}
		rows[row] = []string{fmt.Sprintf("FT-%03d", row), typed(r, plate(r)), bank, depots[r.IntN(len(depots))]}
		if first, ok := again[row]; ok { // the question of an earlier row once more
			rows[row][1], rows[row][2] = rows[first][1], rows[first][2]
		}
		switch row {
		case 14: // an earlier plate, at another bank
			rows[row][1], rows[row][2] = rows[row-1][1], "313"
		case 18:
			rows[row][2] = "the bank in Nagpur"
		case 22:
			rows[row][1] = "MH 9? ?? 0021"
		}
		if err := out.Write(rows[row]); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
