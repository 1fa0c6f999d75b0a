// Package examples holds lists to try Plateq on. Every plate in them is made
// up by ./generate.
package examples

//go:generate go run ./generate fleet-in.csv regnum.csv spectrumdata.csv resser.csv aopay.csv
