package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/bench/rig"
)

// result is what came of one run.
type result struct {
	done                  int           // rows
	took                  time.Duration // from the list to results that are on the disk
	intake, asked, export time.Duration // parts of it, where they follow each other
	cpu                   spent
	peak                  int64           // bytes of memory at the most, all processes of the contender together
	parts                 []rig.PartUsage // of Plateq
}

// spent is time of the processor.
type spent struct{ own, redis, postgres, standIn time.Duration }

// stack is all but the provider.
func (s spent) stack() time.Duration { return s.own + s.redis + s.postgres }

// rate is rows in a second.
func (r result) rate() float64 { return float64(r.done) / r.took.Seconds() }

// median is that of the results, by some figure of theirs.
func median(all []result, of func(result) float64) float64 {
	figures := make([]float64, len(all))
	for i, r := range all {
		figures[i] = of(r)
	}
	return middle(figures)
}

func middle(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// ratio compares results with those of the same rounds: it returns the median
// of their quotients.
func ratio(all, to []result, of func(result) float64) float64 {
	var quotients []float64
	for i := range min(len(all), len(to)) {
		if base := of(to[i]); base > 0 {
			quotients = append(quotients, of(all[i])/base)
		}
	}
	return middle(quotients)
}

// per100k is seconds for a hundred thousand rows.
func per100k(of func(spent) time.Duration) func(result) float64 {
	return func(r result) float64 { return of(r.cpu).Seconds() / float64(r.done) * 100_000 }
}

// thousands writes a number as people read it.
func thousands(f float64) string {
	text := fmt.Sprintf("%.0f", f)
	var parts []string
	for len(text) > 3 {
		parts = append([]string{text[len(text)-3:]}, parts...)
		text = text[:len(text)-3]
	}
	return strings.Join(append([]string{text}, parts...), ",")
}

// rates writes the median of the rates, with the lowest and the highest.
func rates(all []result) string {
	lowest := slices.MinFunc(all, func(a, b result) int { return int(a.rate() - b.rate()) })
	highest := slices.MaxFunc(all, func(a, b result) int { return int(a.rate() - b.rate()) })
	return fmt.Sprintf("%s [%s–%s]", thousands(median(all, result.rate)), thousands(lowest.rate()), thousands(highest.rate()))
}
