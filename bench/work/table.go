package main

import (
	"fmt"
	"strings"
	"time"
)

// table writes what came of a contest as Markdown. base is the contender with
// which the others are compared.
func (c contest) table(all results, base string) string {
	t := markdown{head: []string{"who", "plates", "plates/s", "of the loop", "CPU s per 100,000 plates", "of it Plateq or peer · Redis · PostgreSQL", "stand-in", "MB"}}
	for _, one := range c.contenders {
		got := all[one.name]
		if len(got) == 0 {
			continue
		}
		seconds := func(part func(spent) time.Duration) string { return fmt.Sprintf("%.1f", median(got, per100k(part))) }
		t.add(one.title, thousands(float64(got[0].done)), rates(got), of(got, all[base]), seconds(spent.stack),
			seconds(func(s spent) time.Duration { return s.own })+" · "+
				seconds(func(s spent) time.Duration { return s.redis })+" · "+
				seconds(func(s spent) time.Duration { return s.postgres }),
			seconds(func(s spent) time.Duration { return s.standIn }),
			fmt.Sprintf("%.0f", median(got, func(r result) float64 { return float64(r.peak) })/(1<<20)))
	}
	return t.String()
}

// of writes how fast results are, compared with others.
func of(got, base []result) string {
	if len(base) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", ratio(got, base, result.rate))
}

// markdown is a table.
type markdown struct {
	head []string
	rows [][]string
}

func (m *markdown) add(cells ...string) { m.rows = append(m.rows, cells) }

// String writes the table; one without rows is nothing.
func (m *markdown) String() string {
	if len(m.rows) == 0 {
		return ""
	}
	var b strings.Builder
	for i, row := range append([][]string{m.head}, m.rows...) {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", len(m.head)) + "\n")
		}
	}
	return b.String()
}
