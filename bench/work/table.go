package main

import (
	"fmt"
	"strings"
	"time"
)

// base names those that do the same work by hand over PostgreSQL: as it comes,
// and sealed and claimed.
func (c contest) base() (plain, sealed string) {
	if c.intakeOnly {
		return "copy", "copy-sealed"
	}
	return loop, "loop-sealed"
}

// table writes what came of a contest as Markdown.
func (c contest) table(all results) string {
	base, _ := c.base()
	compared := "of the loop"
	if c.intakeOnly {
		compared = "of one COPY"
	}
	t := markdown{head: []string{"who", "plates", "plates/s", compared, "CPU s per 100,000", "of it itself · Redis · PostgreSQL", "stand-in", "MB"}}
	for _, one := range c.contenders {
		got := all[one.name]
		if len(got) == 0 {
			continue
		}
		total, parts := cpuCells(got)
		t.add(one.title, thousands(float64(got[0].done)), rates(got), of(got, all[base]), total, parts,
			fmt.Sprintf("%.1f", median(got, per100k(func(s spent) time.Duration { return s.standIn }))),
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

// steps says where the time of Plateq has gone.
func steps(got []result) string {
	if len(got) == 0 {
		return ""
	}
	seconds := func(part func(result) time.Duration) float64 {
		return median(got, func(r result) float64 { return part(r).Seconds() })
	}
	return fmt.Sprintf("Of the time of Plateq over PostgreSQL %.1f s were the intake, %.1f s the look-ups, and %.1f s the results.\n",
		seconds(func(r result) time.Duration { return r.intake }), seconds(func(r result) time.Duration { return r.asked }),
		seconds(func(r result) time.Duration { return r.export }))
}

// growthTable writes what a list costs beside a store that has grown to so
// many rows.
func growthTable(all results, rows int) string {
	t := markdown{head: []string{"where", "plates/s", "of the empty one", "CPU s per 100,000", "of it Plateq · Redis · PostgreSQL"}}
	for _, where := range []struct{ name, title string }{{"empty", "an empty store"}, {"grown", "a store of " + thousands(float64(rows)) + " rows"}} {
		got := all[where.name]
		if len(got) == 0 {
			continue
		}
		total, parts := cpuCells(got)
		t.add(where.title, rates(got), of(got, all["empty"]), total, parts)
	}
	return t.String()
}

// cpuCells writes what was spent on 100,000 rows, in all and by whom.
func cpuCells(got []result) (total, parts string) {
	seconds := func(part func(spent) time.Duration) string { return fmt.Sprintf("%.1f", median(got, per100k(part))) }
	return seconds(spent.stack), seconds(func(s spent) time.Duration { return s.own }) + " · " +
		seconds(func(s spent) time.Duration { return s.redis }) + " · " + seconds(func(s spent) time.Duration { return s.postgres })
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
