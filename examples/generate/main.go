// Generate writes the example lists of the names that it is given, the same
// bytes at every run: "fleet-in.csv".
//
// The plates are made up. They follow the grammar of their countries, but with
// parts that have not been issued, so that they should name nobody's vehicle.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// lists are the writers of the lists there are, by the name of the file.
var lists = map[string]func(io.Writer) error{
	"fleet-in.csv":     writeFleet,
	"regnum.csv":       writeRegnum,
	"spectrumdata.csv": writeSpectrumdata,
	"resser.csv":       writeResser,
	"aopay.csv":        writeAOPay,
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: generate FILE...")
		os.Exit(2)
	}
	for _, file := range os.Args[1:] {
		if err := generate(file); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
	}
}

func generate(file string) error {
	write, ok := lists[filepath.Base(file)]
	if !ok {
		return fmt.Errorf("there is no list %s", file)
	}
	var list bytes.Buffer
	if err := write(&list); err != nil {
		return err
	}
	return os.WriteFile(file, list.Bytes(), 0o644) //nolint:gosec // an example is for everybody to read
}
