package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
)

const (
	resserRows = 36
	resserSeed = 2029

	// unused are letters that Mexican plates do without, vinSigns the signs of
	// a VIN. None begins with 0.
	unused   = "IOQ"
	vinSigns = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
)

var yards = []string{"CDMX, Vallejo", "Guadalajara", "Monterrey"}

// writeResser makes the list of a fleet in Mexico: vehicles by VIN and plate.
func writeResser(w io.Writer) error {
	again := map[int]int{11: 3, 30: 22}
	r := rand.New(rand.NewPCG(resserSeed, resserSeed))
	out := csv.NewWriter(w)
	if err := out.Write([]string{"id", "vin", "plate", "yard"}); err != nil {
		return err
	}
	rows := make([][]string, resserRows+1)
	for row := 1; row <= resserRows; row++ {
		rows[row] = []string{fmt.Sprintf("MX-%03d", row), vin(r), mexican(r), yards[r.IntN(len(yards))]}
		if first, ok := again[row]; ok { // the vehicle of an earlier row once more
			rows[row][1], rows[row][2] = rows[first][1], rows[first][2]
		}
		switch row {
		case 16: // its plate, on another vehicle
			rows[row][2] = rows[row-1][2]
		case 20: // what no rule of a list forbids, and Resser does not know
			rows[row][1] = "11111111111111111"
		case 24:
			rows[row][1] = rows[row][1][:12]
		case 33:
			rows[row][2] = ""
		}
		if err := out.Write(rows[row]); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func vin(r *rand.Rand) string {
	b := []byte("0")
	for len(b) < 17 {
		b = append(b, vinSigns[r.IntN(len(vinSigns))])
	}
	return string(b)
}

// mexican makes up a plate of three letters and four digits, or of a lorry.
func mexican(r *rand.Rand) string {
	abroad := func() string { return string(unused[r.IntN(len(unused))]) }
	if r.IntN(4) == 0 {
		return typed(r, []string{fmt.Sprintf("%02d", r.IntN(100)), abroad() + abroad(), fmt.Sprint(r.IntN(10)) + abroad()})
	}
	return typed(r, []string{abroad() + abroad() + abroad(), fmt.Sprintf("%02d", r.IntN(100)), fmt.Sprintf("%02d", r.IntN(100))})
}
